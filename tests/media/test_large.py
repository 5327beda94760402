"""Clips above 4K are scaled while ffmpeg reads them: with the same frames as others, in less memory."""

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepfake_core.errors import MediaTooLarge, UnreadableMedia
from deepfake_core.media import large
from deepfake_core.media.child_process import LOW_PRIORITY
from deepfake_core.media.decode import read_frames
from deepfake_core.settings import settings
from tests.media.clips import ffmpeg, make_clip

SIDE = 5_824
"""The largest square that `clip_pixels` lets in."""


def turned(*options: str) -> Callable[[Path], Path]:
    """A clip whose header turns or mirrors it."""

    def made(folder: Path) -> Path:
        ffmpeg(*options, "-i", make_clip(folder / "plain.mp4", frames=8), "-c", "copy", folder / "clip.mp4")
        return folder / "clip.mp4"

    return made


def late(folder: Path) -> Path:
    """The picture begins half a second after the sound."""
    picture, sound = make_clip(folder / "plain.mp4", frames=8), ("-f", "lavfi", "-i", "sine=440:d=1")
    ffmpeg(
        "-itsoffset", "0.5", "-i", picture, *sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", folder / "clip.mp4"
    )
    return folder / "clip.mp4"


def sound_first(folder: Path) -> Path:
    """The video is the second stream."""
    picture, sound = make_clip(folder / "plain.mp4", frames=8), ("-f", "lavfi", "-i", "sine=440:d=1")
    ffmpeg(*sound, "-i", picture, "-map", "0:a", "-map", "1:v", "-c:v", "copy", folder / "clip.mp4")
    return folder / "clip.mp4"


CLIPS: dict[str, Callable[[Path], Path]] = {
    "plain": lambda folder: make_clip(folder / "clip.mp4", frames=8),
    "turned left": turned("-display_rotation", "90"),
    "turned right": turned("-display_rotation", "270"),
    "upside down": turned("-display_rotation", "180"),
    "mirrored": turned("-display_hflip"),
    "turned and mirrored": turned("-display_rotation", "90", "-display_hflip"),
    "late": late,
    "sound first": sound_first,
    "broad pixels": lambda folder: make_clip(folder / "clip.mp4", size="80x60", frames=8, extra=("-vf", "setsar=2/1")),
    "starting late": lambda folder: make_clip(folder / "clip.ts", frames=8),  # at 1.4 seconds, as MPEG-TS does
    "recorded": lambda folder: make_clip(folder / "clip.webm", frames=8),
    "an odd name": lambda folder: make_clip(folder / "it's [a]; 100%, \\ b:c=d.mp4", frames=8),
    "blanks at the end": lambda folder: make_clip(folder / "a.mp4", frames=8).rename(folder / " a.mp4  "),
}


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_those_of_any_clip(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = CLIPS[name](tmp_path)
    with read_frames(clip, max_side=64) as stream:
        expected, warning = np.stack(list(stream)).astype(int), stream.warning
    monkeypatch.setattr(large, "PIXELS", 100)
    with read_frames(clip, max_side=64) as stream:
        frames = np.stack(list(stream))
        assert stream.warning == warning
    assert frames.shape == expected.shape
    assert np.abs(frames - expected).mean() < 12.0  # small ones are scaled roughly; turned they differ by 60
    for number, frame in enumerate(frames):
        distances = np.abs(expected - frame).mean(axis=(1, 2, 3))
        assert distances[max(0, number - 1) : number + 2].min() == distances.min(), f"frame {number} is another one"


def test_a_joined_recording_is_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the second part, time begins anew."""
    one = make_clip(tmp_path / "one.ts", frames=8).read_bytes()
    clip = tmp_path / "clip.ts"
    clip.write_bytes(one + one)
    monkeypatch.setattr(large, "PIXELS", 100)
    assert len(list(read_frames(clip))) in (14, 15, 16)


def test_a_large_clip_that_grows_stays_within_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size, frames in (("small", "64x48", 10), ("big", "5000x4000", 5)):
        make_clip(tmp_path / f"{name}.ts", size=size, frames=frames, extra=("-f", "mpegts", "-preset", "ultrafast"))
    grown = tmp_path / "grown.ts"
    grown.write_bytes((tmp_path / "small.ts").read_bytes() + (tmp_path / "big.ts").read_bytes())
    monkeypatch.setattr(large, "PIXELS", 100)
    with read_frames(grown) as stream:
        assert len(list(stream)) > 12
    monkeypatch.setenv("DEEPFAKE_CLIP_PIXELS", "65536")
    monkeypatch.setenv("DEEPFAKE_LONGEST_SIDE", "256")
    with read_frames(grown) as stream:
        assert len(list(stream)) <= 11
        assert stream.warning is not None


def test_other_containers_and_files_stay_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    monkeypatch.setattr(large, "PIXELS", 100)
    monkeypatch.setattr(large, "CONTAINERS", "avi,gif")
    with pytest.raises(UnreadableMedia, match=r"clip\.mp4 has no readable frame"):
        read_frames(clip)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_decoder_of_the_largest_clip_holds_few_frames(tmp_path: Path) -> None:
    """Five of 51 MB, and the program; a decoder that runs ahead of its filters holds three more."""
    extra = ("-preset", "ultrafast", "-crf", "51")
    clip = make_clip(tmp_path / "clip.mp4", size=f"{SIDE}x{SIDE}", frames=10, extra=extra)
    with read_frames(clip) as stream:
        for _ in range(6):
            next(stream)
            time.sleep(1.0)  # a network that takes its time, while the decoder could run ahead
        status = Path(f"/proc/{stream._ffmpeg._process.pid}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None and int(peak[1]) * 1024 < 280_000_000


@pytest.mark.skipif(sys.platform == "win32", reason="it has no nice values")
def test_its_decoder_lets_others_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=8)
    for most, expected in ((large.PIXELS, 0), (100, LOW_PRIORITY)):
        monkeypatch.setattr(large, "PIXELS", most)
        with read_frames(clip, max_side=64) as stream:
            priority = os.getpriority(os.PRIO_PROCESS, stream._ffmpeg._process.pid)
        assert priority == os.getpriority(os.PRIO_PROCESS, 0) + expected


def test_a_larger_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip(tmp_path / "clip.mp4", size="512x256", frames=2)
    monkeypatch.setenv("DEEPFAKE_CLIP_PIXELS", str(512 * 256 - 1))
    assert settings().clip_pixels == 512 * 256 - 1
    with pytest.raises(MediaTooLarge):
        read_frames(clip)
