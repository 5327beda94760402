"""Laws of reading: every frame once, upright, at a constant rate on the file's own clock; bounded and cleaned up."""

import gc
import os
import re
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest, MediaTooLarge, MediaTooSmall, MissingFile, TooManyRuns, UnreadableMedia
from deepfake_core.media import large
from deepfake_core.media.decode import FrameStream, probe, read_frames
from tests.media.clips import NTSC, ffmpeg, make_clip


@pytest.mark.parametrize(
    ("printed", "rate"),
    [("24", 24), ("25", 25), ("30000/1001", NTSC), ("30", 30), ("24000/1001", Fraction(24000, 1001))],
)
def test_count_and_rate_are_the_clips(tmp_path: Path, printed: str, rate: Fraction) -> None:
    clip = make_clip(tmp_path / "clip.mp4", rate=printed, frames=37)
    with read_frames(clip) as stream:
        assert stream.info.rate == rate
        assert len(list(stream)) == stream.delivered == stream.info.frames == 37
        assert stream.warning is None


def test_frames_are_the_clips_pictures_in_order(clips: Path, tmp_path: Path) -> None:
    ffmpeg("-i", clips / "plain.mp4", tmp_path / "%d.bmp")
    stored = [np.asarray(Image.open(tmp_path / f"{index}.bmp").convert("RGB"), int) for index in range(1, 26)]
    for index, frame in enumerate(read_frames(clips / "plain.mp4")):
        assert index == np.argmin([np.abs(picture - frame).mean() for picture in stored])
        assert frame.flags.writeable


@pytest.mark.parametrize(("angle", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_rotation_is_applied(clips: Path, angle: int, turns: int) -> None:
    upright = next(read_frames(clips / "plain.mp4"))
    rotated = read_frames(clips / f"rotated{angle}.mp4")
    assert (rotated.info.height, rotated.info.width) == np.rot90(upright, turns).shape[:2]
    assert np.abs(np.rot90(upright, turns).astype(int) - next(rotated)).mean() < 3.0


def test_variable_rate_becomes_constant_and_keeps_its_clock(clips: Path) -> None:
    wanted = Fraction(30)
    frames = list(read_frames(clips / "variable.mp4", rate=wanted))
    assert abs(len(frames) / wanted - 3.0) < 0.1
    steps = [float(np.abs(a.astype(int) - b).mean()) for a, b in pairwise(frames)]
    repeats = sum(step < 0.5 for step in steps[32:])  # behind the first second each picture stays for three ticks
    assert all(step > 0.05 for step in steps[:28])
    assert repeats >= len(steps[32:]) // 2


def test_late_picture_keeps_its_place_on_the_clock(clips: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.mkv"
    inputs = ("-f", "lavfi", "-i", "sine=440:d=2", "-itsoffset", "0.4", "-i", clips / "plain.mp4")
    ffmpeg(*inputs, "-map", "1:v", "-map", "0:a", "-c:v", "copy", late)
    assert len(list(read_frames(late))) == 25 + 10


def test_requested_rate_and_size(clips: Path) -> None:
    with read_frames(clips / "long.mp4", rate=Fraction(10), max_side=80) as stream:
        frames = list(stream)
    assert (stream.info.width, stream.info.height, stream.info.rate) == (80, 60, Fraction(10))
    assert len(frames) == 40
    assert all(frame.shape == (60, 80, 3) for frame in frames)


@pytest.mark.parametrize(("name", "count"), [("tiny.gif", 12), ("web.webm", 12), ("one.mp4", 1), ("odd.mp4", 5)])
def test_other_files(clips: Path, name: str, count: int) -> None:
    with read_frames(clips / name) as stream:
        assert len(list(stream)) == count
        assert stream.warning is None


def test_odd_size_is_kept(clips: Path) -> None:
    assert next(read_frames(clips / "odd.mp4")).shape == (49, 65, 3)


def test_header(clips: Path) -> None:
    info = probe(clips / "sound.mp4")
    assert (info.width, info.height, info.rate, info.has_sound) == (64, 48, Fraction(25), True)
    assert info.seconds == pytest.approx(2.0, abs=0.05)
    assert not probe(clips / "plain.mp4").has_sound


@pytest.mark.parametrize("name", ["мой клип é.mp4", "-i.mp4", 'it\'s "quoted" $(x).mp4', "a:b%03d.mp4", "http:x.mp4"])
def test_any_name(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(clips / "one.mp4", tmp_path / name)
    assert len(list(read_frames(name))) == 1
    assert len(list(read_frames(tmp_path / name))) == 1


def test_cut_off_file_gives_what_is_there_and_says_so(clips: Path, tmp_path: Path) -> None:
    whole = (clips / "long.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    stream = read_frames(cut)
    count = len(list(stream))
    assert 10 < count < 90
    assert stream.warning == f"cut.mp4 is damaged: only its first {count} frames could be read"


def test_corrupt_middle_is_survived_and_said(clips: Path, tmp_path: Path) -> None:
    data = bytearray((clips / "long.mp4").read_bytes())
    start = data.find(b"mdat") + (len(data) - data.find(b"mdat")) // 2
    data[start : start + 1500] = bytes(range(250)) * 6
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(data)
    stream = read_frames(bad)
    assert 50 < len(list(stream)) <= 100
    assert stream.warning is not None
    assert stream.warning.startswith("bad.mp4 is damaged: ")


def test_header_without_one_frame(clips: Path, tmp_path: Path) -> None:
    data = (clips / "plain.mp4").read_bytes()
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(data[: data.find(b"mdat") + 8])
    with pytest.raises(UnreadableMedia, match=r"empty\.mp4 has no readable frame"):
        read_frames(empty)


def test_files_that_are_no_video(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello\n" * 100)
    (tmp_path / "nothing.mp4").touch()
    for path, reason in (
        (tmp_path / "text.mp4", "text.mp4 is not a readable video"),
        (tmp_path / "nothing.mp4", "nothing.mp4 is empty"),
        (clips / "sound.m4a", "sound.m4a has sound but no video"),
    ):
        with pytest.raises(UnreadableMedia, match=reason):
            read_frames(path)


@pytest.mark.parametrize("path", ["missing.mp4", ".", "bad\0name.mp4", "x" * 300 + ".mp4"])
def test_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFile):
        read_frames(path)


def test_playlist_cannot_reach_another_file(clips: Path, tmp_path: Path) -> None:
    shutil.copy(clips / "plain.mp4", tmp_path / "secret.mp4")
    for text in ("ffconcat version 1.0\nfile secret.mp4\n", "#EXTM3U\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n"):
        (tmp_path / "upload.mp4").write_text(text)
        with pytest.raises(UnreadableMedia):
            read_frames(tmp_path / "upload.mp4")


def test_length_limit(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaTooLarge, match=r"4\.0 seconds and the limit is 2"):
        read_frames(clips / "long.mp4", max_seconds=2)
    assert len(list(read_frames(clips / "long.mp4", max_seconds=4))) == 100
    live = tmp_path / "live.webm"  # like a browser's recording: no duration in the header
    with live.open("wb") as out:
        pattern = ("-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10", "-frames:v", "40")
        codec = ("-c:v", "libvpx", "-f", "webm", "-")
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *pattern, *codec], stdout=out, check=True)
    stream = read_frames(live, max_seconds=2)
    assert stream.info.seconds is None
    assert len(list(stream)) == 25
    assert stream.warning == "live.webm is longer than the limit: only its first 25 frames were read"


def test_size_limits(tmp_path: Path) -> None:
    with pytest.raises(MediaTooSmall, match="8 x 8"):
        read_frames(make_clip(tmp_path / "small.mp4", size="8x8", frames=1))
    size = (16000).to_bytes(2, "little") + (8000).to_bytes(2, "little")
    huge = tmp_path / "huge.gif"
    huge.write_bytes(b"GIF89a" + size + bytes(3) + b",\0\0\0\0" + size + b"\0\2\0;")
    with pytest.raises(MediaTooLarge, match="16000 x 8000 pixels and the limit is 34 million"):
        read_frames(huge)


@pytest.mark.parametrize("options", [{"rate": Fraction(0)}, {"max_side": 1}, {"max_seconds": 0.0}])
def test_senseless_options(clips: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read_frames(clips / "plain.mp4", **options)


def _children() -> list[str]:
    """Return the commands of this process's children, zombies among them."""
    listing = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, check=False)
    return [line for line in listing.stdout.decode().splitlines() if "ffmpeg" in line]


def _abandon(stream: FrameStream) -> None:
    next(stream)
    del stream
    gc.collect()


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
def test_no_way_out_leaves_a_process(clips: Path, tmp_path: Path) -> None:
    long = make_clip(tmp_path / "long.mp4", frames=200, size="320x240")
    with read_frames(long) as stream:
        next(stream)
        assert _children()
    assert not _children()
    assert list(stream) == []
    with pytest.raises(KeyboardInterrupt), read_frames(long) as stream:
        raise KeyboardInterrupt
    assert not _children()
    _abandon(read_frames(long))
    assert not _children()
    list(read_frames(clips / "plain.mp4"))
    assert not _children()


PEAK = """
import resource, sys
from deepfake_core.media.decode import read_frames
from itertools import pairwise
from pathlib import Path
from typing import Any
print(sum(1 for _ in read_frames(Path(sys.argv[1]))), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    peaks = {}
    for count in (300, 1500):
        clip = make_clip(tmp_path / f"{count}.mp4", frames=count, rate="60", extra=("-preset", "ultrafast"))
        done = subprocess.run([sys.executable, "-c", PEAK, clip], capture_output=True, check=True, text=True)
        frames, kilobytes = map(int, done.stdout.split())
        assert frames == count
        peaks[count] = kilobytes
    assert peaks[1500] - peaks[300] < 4000  # 1200 frames of 64 x 48 would be 11,000 kB


def test_stalled_decoder_is_ended(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = read_frames(clips / "long.mp4")
    started = time.monotonic()
    with stream._ffmpeg.time_limit(0.2):  # stands for a decoder that never answers: the same guard, a shorter limit
        time.sleep(0.4)
    assert len(list(stream)) < 100
    assert time.monotonic() - started < 5
    assert stream.warning is not None
    assert re.search("only its first", stream.warning)


def test_large_clips_are_read_one_at_a_time_and_keep_their_colours(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = clips / "plain.mp4"
    small = np.stack(list(read_frames(clip)))
    monkeypatch.setattr(large, "PIXELS", 100)
    monkeypatch.setattr(large, "WAIT_SECONDS", 0.2)
    with read_frames(clip) as first:
        next(first)
        with pytest.raises(TooManyRuns, match="another large clip is being decoded"):
            read_frames(clip)
    fast = np.stack(list(read_frames(clip))).astype(int) - small
    assert np.abs(fast).mean() < 2.0
    assert np.abs(fast.mean(axis=(0, 1, 2))).max() < 0.5  # no channel gets darker
    with pytest.raises(UnreadableMedia):
        read_frames(Path(__file__))
    assert next(read_frames(clip)) is not None  # a stream that was dropped, or refused, lets go
