"""Files that people bring: animated pictures, screen recordings, several sound tracks, very large photographs."""

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from deepfake_core.errors import LabError, MediaTooLarge, MissingFile, UnreadableMedia
from deepfake_core.media.decode import probe, read_frames
from deepfake_core.media.encode import VideoEncoder
from deepfake_core.media.images import pixels_of, read_image
from deepfake_core.media.probe import is_picture
from deepfake_core.media.timing import measured
from tests.media.clips import describe, ffmpeg, gradient, make_clip, samples

pillow_heif.register_heif_opener()
FRAMES = [gradient(index, 48, 64) for index in range(30)]


def animated(path: Path, **options: Any) -> Path:
    """Thirty frames that get brighter."""
    pictures = [Image.fromarray(frame) for frame in FRAMES]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


def test_an_avif_sequence_is_read_not_its_still_picture(tmp_path: Path) -> None:
    clip = animated(tmp_path / "a.avif", duration=40, quality=90)
    with read_frames(clip) as stream:
        assert (stream.info.rate, stream.info.frames) == (Fraction(25), 30)
        frames = list(stream)
    assert len(frames) == 30
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(frames, FRAMES, strict=True)) < 3.0


@pytest.mark.parametrize("name", ["a.avif", "a.heic", "a.png", "a.jpg", "a.webp", "a.bmp", "a.tif"])
def test_a_still_picture_is_no_clip(tmp_path: Path, name: str) -> None:
    Image.fromarray(FRAMES[0]).save(tmp_path / name)
    assert is_picture(tmp_path / name)
    with pytest.raises(UnreadableMedia, match=rf"^{name} is a picture, and a driving clip has to move; choose an MP4"):
        read_frames(tmp_path / name)


def test_animated_pictures_and_clips_are_no_still_pictures(tmp_path: Path) -> None:
    moving = [animated(tmp_path / name, duration=40) for name in ("a.gif", "a.png", "a.avif")]
    assert not any(
        is_picture(path) for path in (*moving, make_clip(tmp_path / "a.mp4"), make_clip(tmp_path / "a.webm"))
    )
    with pytest.raises(MissingFile):
        is_picture(tmp_path / "none.png")


@pytest.mark.parametrize(("delay", "rate"), [(0, 10), (10, 10), (20, 50), (100, 10)])
def test_gif_frames_of_at_most_10_ms_last_a_tenth_of_a_second_as_in_browsers(
    tmp_path: Path, delay: int, rate: int
) -> None:
    clip = animated(tmp_path / "a.gif", duration=delay)
    with read_frames(clip) as stream:
        assert (float(stream.info.rate), stream.info.frames) == (rate, 30)
        assert len(list(stream)) == 30


def test_quick_frames_of_other_animated_pictures_are_slowed_too(tmp_path: Path) -> None:
    path = animated(tmp_path / "a.png", duration=5).rename(tmp_path / "a.apng")
    with read_frames(path) as stream:
        assert stream.info.rate == 10
        assert len(list(stream)) == 30


def bursty(path: Path, *, quick: str) -> Path:
    """A screen recording of five seconds: 5 frames/s at rest, 25 where `quick` says."""
    kept = f"select='if({quick},1,not(mod(n,5)))',settb=1/600"
    pattern = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25")
    ffmpeg(*pattern, "-vf", kept, "-fps_mode", "passthrough", "-t", "5", "-pix_fmt", "yuv420p", path)
    return path


def test_the_lively_part_of_a_screen_recording_keeps_its_frames(tmp_path: Path) -> None:
    clip = bursty(tmp_path / "screen.mp4", quick="between(t,2,2.79)")
    with read_frames(clip) as stream:
        assert stream.info.rate == 25
        frames = np.stack(list(stream)).astype(int)
    assert len(frames) == pytest.approx(123, abs=3), "in sync to the end"
    changes = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3)) > 0.2
    assert changes[50:69].all() and changes[:45].sum() <= 10


def test_one_quick_frame_does_not_set_the_rate(tmp_path: Path) -> None:
    clip = bursty(tmp_path / "screen.mp4", quick="eq(n,26)")
    assert 4 < probe(clip).rate < 7


def test_lost_frames_do_not_change_the_rate(tmp_path: Path) -> None:
    """A fifth of the frames of a webcam are lost; its header tells a mean rate."""
    kept = ("-vf", "select='mod(n,5)+eq(n,0)',settb=1/600", "-fps_mode", "passthrough", "-c:v", "libvpx")
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:r=30:d=3", *kept, tmp_path / "webcam.webm")
    rate, end = measured(tmp_path / "webcam.webm", 0) or (0, 0.0)
    assert rate == 30 and end == pytest.approx(3, abs=0.01)


def test_times_rounded_to_milliseconds_are_a_usual_rate(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.webm", rate="30", frames=40, extra=("-c:v", "libvpx"))
    rate, end = measured(clip, 0) or (0, 0.0)
    assert rate == 30 and end == pytest.approx(40 / 30, abs=0.01)
    assert measured(make_clip(tmp_path / "two.mp4", frames=2), 0) is None


def with_two_sounds(path: Path, unreadable: int) -> Path:
    """A clip with tones of 440 and 880 Hz, of which the first `unreadable` have a codec that nobody knows."""
    tones = ("-f", "lavfi", "-i", "sine=440:d=1", "-f", "lavfi", "-i", "sine=880:d=1")
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1", "-pix_fmt", "yuv420p")
    ffmpeg(*tones, *picture, "-map", "2:v", "-map", "0:a", "-map", "1:a", "-c:a", "aac", path)
    data = path.read_bytes().replace(b"mp4a", b"apac", unreadable)
    path.write_bytes(data.replace(b"\x40\x15", b"\xfe\x15", unreadable))  # the descriptor's kind of codec
    return path


def encoded(clip: Path, out: Path) -> VideoEncoder:
    with read_frames(clip) as stream, VideoEncoder(out, rate=stream.info.rate, sound_from=clip) as encoder:
        for frame in stream:
            encoder.write(frame)
    return encoder


def pitch(path: Path) -> float:
    """The strongest frequency in hertz of the first second."""
    wave = samples(path)[:48_000].astype(float)
    return float(np.abs(np.fft.rfft(wave)).argmax()) * 48_000 / len(wave)


def test_the_second_sound_track_replaces_an_unreadable_first(tmp_path: Path) -> None:
    clip = with_two_sounds(tmp_path / "clip.mp4", 1)
    assert "apac" in describe(clip)
    assert encoded(clip, tmp_path / "out.mp4").warning is None
    assert pitch(tmp_path / "out.mp4") == pytest.approx(880, abs=5)


def test_ambisonic_sound_is_mixed_down(tmp_path: Path) -> None:
    """Left of the listener: the omnidirectional channel and the one from left to right are equal."""
    tone = ("-f", "lavfi", "-i", "sine=440:d=1", "-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono:d=1")
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1")
    channels = ("-filter_complex", "[0][0][1][1]amerge=inputs=4[a]", "-map", "2:v", "-map", "[a]")
    codec = ("-c:v", "libvpx", "-c:a", "libopus", "-mapping_family", "2", "-pix_fmt", "yuv420p")
    ffmpeg(*tone, *picture, *channels, *codec, tmp_path / "clip.mkv")
    assert "ambisonic" in describe(tmp_path / "clip.mkv")
    assert encoded(tmp_path / "clip.mkv", tmp_path / "out.mp4").warning is None
    assert pitch(tmp_path / "out.mp4") == pytest.approx(440, abs=5)
    assert "stereo" in describe(tmp_path / "out.mp4")
    report = ffmpeg("-i", tmp_path / "out.mp4", "-af", "astats=measure_overall=none", "-f", "null", "-")
    left, right = (float(line.split(":")[-1]) for line in report.splitlines() if "RMS level dB" in line)
    assert left > right + 20


def test_sound_that_cannot_be_read_at_all_leaves_the_video_silent(tmp_path: Path) -> None:
    clip = with_two_sounds(tmp_path / "clip.mp4", 2)
    warning = encoded(clip, tmp_path / "out.mp4").warning
    assert warning == "the sound of clip.mp4 could not be read, so the video is silent"
    assert len(list(read_frames(tmp_path / "out.mp4"))) == 25


@pytest.mark.parametrize(("width", "height"), [(12_000, 9_000), (16_320, 12_240)])
def test_photographs_of_phones_of_108_and_200_megapixels_are_read_small(
    tmp_path: Path, width: int, height: int
) -> None:
    row = np.linspace(0, 255, width).astype(np.uint8)
    photo = Image.fromarray(np.broadcast_to(row, (height, width)))
    photo.save(tmp_path / "photo.jpg", quality=50)
    del photo
    assert pixels_of(tmp_path / "photo.jpg") == width * height
    seen = read_image(tmp_path / "photo.jpg", longest=3072)
    assert seen.shape == (2304, 3072, 3)
    assert np.abs(seen[1000, :, 0].astype(float) - np.linspace(0, 255, 3072)).max() < 3
    with pytest.raises(MediaTooLarge, match="50 million pixels"):
        read_image(tmp_path / "photo.jpg")


def test_broken_animations_end_with_one_sentence(tmp_path: Path) -> None:
    for whole in (animated(tmp_path / "a.avif", duration=40), animated(tmp_path / "a.gif", duration=0)):
        data, said = whole.read_bytes(), []
        for share in (0.2, 0.5, 0.9):
            whole.write_bytes(data[: int(len(data) * share)])
            try:
                assert len(list(itertools.islice(read_frames(whole), 60))) <= 31
            except LabError as error:
                said.append(str(error))
        assert all("\n" not in sentence and whole.name in sentence for sentence in said)
