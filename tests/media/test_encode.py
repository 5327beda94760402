"""Laws of writing: as many pictures as were handed over, true colours, sound in step, and nothing left on failure."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest, MissingFile, UnreadableMedia
from deepfake_core.media.decode import probe, read_frames
from deepfake_core.media.encode import VideoEncoder, encode_image
from tests.media.clips import NTSC, count_frames, describe, duration, ffmpeg, gradient, make_clip, onset_of_sound

METADATA = {"title": "AI-generated", "comment": "Made with ü", "software": "Deepfake Lab"}


def write(path: Path, frames: int, *, rate: Fraction = Fraction(25), sound_from: Path | None = None) -> VideoEncoder:
    with VideoEncoder(path, rate=rate, sound_from=sound_from, metadata=METADATA) as encoder:
        for index in range(frames):
            encoder.write(gradient(index))
    return encoder


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), NTSC, Fraction(30), Fraction(1), Fraction(1322, 100)])
def test_count_and_rate_survive(tmp_path: Path, rate: Fraction) -> None:
    write(tmp_path / "out.mp4", 37, rate=rate)
    assert count_frames(tmp_path / "out.mp4") == 37
    info = probe(tmp_path / "out.mp4")
    assert info.rate == rate
    assert info.frames == 37


@pytest.mark.parametrize("frames", [1, 2, 7, 20, 25, 30, 33, 50, 90])
def test_sound_never_costs_a_frame_and_never_outlasts_them(clips: Path, tmp_path: Path, frames: int) -> None:
    write(tmp_path / "out.mp4", frames, rate=NTSC, sound_from=clips / "sound.mp4")  # two seconds: shorter and longer
    length = float(frames / NTSC)
    assert count_frames(tmp_path / "out.mp4") == frames
    assert probe(tmp_path / "out.mp4").seconds == pytest.approx(length, abs=0.05)
    assert duration(tmp_path / "out.mp4", "a:0") == pytest.approx(min(length, 2.0), abs=0.05)


def test_copied_clip_keeps_length_and_sound(clips: Path, tmp_path: Path) -> None:
    clip = clips / "sound.mp4"
    with VideoEncoder(tmp_path / "out.mp4", rate=probe(clip).rate, sound_from=clip) as encoder:
        for frame in read_frames(clip):
            encoder.write(frame)
    assert count_frames(tmp_path / "out.mp4") == count_frames(clip)
    for track in ("v:0", "a:0"):
        assert duration(tmp_path / "out.mp4", track) == pytest.approx(duration(clip, track), abs=0.1)


PICTURE = "color=black:s=64x48:r={}:d=3,drawbox=c=white:t=fill:enable='between(t,1.999,2.3)'"
BEEP = "sine=1000:d=3:r=48000,volume='if(between(t,2,2.3),1,0)':precision=float:eval=frame"


def flash_and_beep(clip: Path, *codec: str, rate: int = 30, offset: float = 0, select: str = "") -> tuple[float, float]:
    """The seconds of a flash and a beep in a copy of a clip that has both at 2 s; `offset` delays both, `select` keeps
    some of the frames."""
    inputs = [("-itsoffset", str(offset), "-f", "lavfi", "-i", made) for made in (PICTURE.format(rate) + select, BEEP)]
    ffmpeg(*inputs[0], *inputs[1], "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", *codec, clip)
    return times_in_a_copy(clip)


def times_in_a_copy(clip: Path) -> tuple[float, float]:
    out = clip.with_name("out.mp4")
    with read_frames(clip) as stream, VideoEncoder(out, rate=stream.info.rate, sound_from=clip) as encoder:
        for frame in stream:
            encoder.write(frame)
    bright = [frame.mean() > 128 for frame in read_frames(out)]
    return float(bright.index(True) / probe(out).rate), onset_of_sound(out)


@pytest.mark.parametrize("kind", ["constant", "variable", "late", "ogg"])
def test_flash_and_beep_stay_together(tmp_path: Path, kind: str) -> None:
    clip = tmp_path / ("clip.mkv" if kind == "late" else "clip.webm" if kind == "ogg" else "clip.mp4")
    codec = ("-c:v", "libvpx", "-c:a", "libopus") if kind == "ogg" else ()
    select = ",select='lt(n,30)+not(mod(n,3))'" if kind == "variable" else ""
    flash, beep = flash_and_beep(clip, *codec, offset=0.5 if kind == "late" else 0, select=select)
    assert flash == pytest.approx(beep, abs=float(1 / probe(clip).rate) + 0.025)


@pytest.mark.parametrize("rate", [24, 30, 60])
@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_every_frame+empty_moov", "dash+delay_moov"])
def test_a_fragmented_mp4_stays_in_sync(tmp_path: Path, rate: int, flags: str) -> None:
    """Without an edit list all starts two frames late, and the sound's first packet is left behind at 0. The clip is
    fragmented in a second step: while ffmpeg encodes, its threads part the fragments by chance."""
    flash_and_beep(tmp_path / "whole.mp4", rate=rate)
    ffmpeg("-i", tmp_path / "whole.mp4", "-c", "copy", "-movflags", flags, tmp_path / "clip.mp4")
    flash, beep = times_in_a_copy(tmp_path / "clip.mp4")
    assert flash == pytest.approx(beep, abs=0.03)
    assert count_frames(tmp_path / "out.mp4") - 3 * rate in ((0,) if "delay" in flags else (1, 2))


@pytest.mark.parametrize(("height", "width"), [(48, 64), (49, 64), (48, 65), (33, 17), (256, 256), (120, 98)])
def test_true_colours_in_any_size(tmp_path: Path, height: int, width: int) -> None:
    frame = gradient(5, height, width)
    with VideoEncoder(tmp_path / "out.mp4", rate=Fraction(25), crf=4) as encoder:
        encoder.write(frame)
    shown = next(read_frames(tmp_path / "out.mp4"))
    assert shown.shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(shown[:height, :width].astype(int) - frame).mean() < 1.5
    if height % 2:
        assert np.abs(shown[-1].astype(int) - shown[-2]).mean() < 2.0


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255), (0, 0, 0)])
def test_pure_colours_are_tagged_and_kept(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    with VideoEncoder(tmp_path / "out.mp4", rate=Fraction(25)) as encoder:
        encoder.write(np.full((64, 64, 3), colour, np.uint8))
    assert "yuv420p(tv, bt709, progressive)" in describe(tmp_path / "out.mp4")
    assert np.abs(next(read_frames(tmp_path / "out.mp4")).astype(int) - colour).max() <= 4


def test_starts_before_it_is_whole(clips: Path, tmp_path: Path) -> None:
    write(tmp_path / "out.mp4", 5, sound_from=clips / "sound.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.find(b"moov") < data.find(b"mdat")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4"]


def test_metadata_is_ours_alone(tmp_path: Path) -> None:
    private = make_clip(
        tmp_path / "driver.mp4", sound=1.0, extra=("-metadata", "artist=Somebody", "-metadata", "location=+52+4/")
    )
    write(tmp_path / "out.mp4", 5, sound_from=private)
    shown = describe(tmp_path / "out.mp4")
    for value in ("AI-generated", "Made with ü", "Deepfake Lab"):
        assert value in shown
    assert "Somebody" not in shown
    assert "location" not in shown


def test_sound_that_is_missing_or_broken(clips: Path, tmp_path: Path) -> None:
    assert write(tmp_path / "silent.mp4", 5, sound_from=clips / "plain.mp4").warning is None
    assert not probe(tmp_path / "silent.mp4").has_sound
    with pytest.raises(MissingFile):
        VideoEncoder(tmp_path / "out.mp4", rate=Fraction(25), sound_from=tmp_path / "nowhere.mp4")
    data = bytearray((clips / "sound.mp4").read_bytes())
    start = data.find(b"mdat") + 8
    data[start:] = bytes(len(data) - start)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(data)
    write(tmp_path / "out.mp4", 5, sound_from=broken)
    assert count_frames(tmp_path / "out.mp4") == 5


def test_cut_off_sound_lasts_as_far_as_it_goes(clips: Path, tmp_path: Path) -> None:
    whole = (clips / "sound.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    write(tmp_path / "out.mp4", 50, sound_from=tmp_path / "cut.mp4")
    assert count_frames(tmp_path / "out.mp4") == 50
    assert 0.3 < duration(tmp_path / "out.mp4", "a:0") < 2.0


def write_two_sizes(path: Path) -> None:
    with VideoEncoder(path, rate=NTSC) as encoder:
        encoder.write(gradient(0))
        encoder.write(gradient(1, 50, 64))


def test_no_frame_and_another_size(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMedia, match="there are no frames"):
        write(tmp_path / "out.mp4", 0)
    with pytest.raises(ValueError, match="frame 1 has shape"):
        write_two_sizes(tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_pictures_hold_their_pixels_and_metadata(tmp_path: Path) -> None:
    frame = gradient(3)
    for name, tolerance in (("a.png", 0.0), ("a.jpg", 2.0), ("a.JPEG", 2.0), ("a.webp", 3.0)):
        encode_image(frame, tmp_path / name, metadata=METADATA)
        with Image.open(tmp_path / name) as image:
            assert np.abs(np.asarray(image.convert("RGB"), int) - frame).mean() <= tolerance
            if name == "a.png":
                assert image.info == {"Title": "AI-generated", "Comment": "Made with ü", "Software": "Deepfake Lab"}
                continue
            exif = image.getexif()
            assert (exif[0x010E], exif[0x0131]) == ("AI-generated", "Deepfake Lab")
            assert exif.get_ifd(0x8769)[0x9286] == b"UNICODE\0" + "Made with ü".encode("utf-16-be")
            assert name == "a.webp" or image.info["comment"].decode() == "Made with ü"


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"\.png, \.jpg, \.jpeg, \.webp"):
        encode_image(gradient(0), tmp_path / "a.exe")
