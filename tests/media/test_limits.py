"""Each limit at its edge: what is exactly allowed passes, one above is one sentence; bombs end within the limits."""

import io
import os
import signal
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import LabError, MediaTooLarge, UnreadableMedia
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import read_image
from tests.media.clips import ffmpeg, make_clip


def png(
    width: int, height: int, *, bits: int = 8, body: bytes = b"", extra: tuple[bytes, bytes] | None = None
) -> bytes:
    """A grey PNG whose pixels are `body` or all black, with one more chunk in front of them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    pixels = zlib.compress(body or bytes((width * bits + 7) // 8 + 1) * height, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + header + (chunk(*extra) if extra else b"") + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Set one limit for this test."""
    return lambda name, value: monkeypatch.setenv(f"DEEPFAKE_{name.upper()}", str(value))


def test_pixels_of_a_picture(tmp_path: Path, limit: Callable[[str, int], None]) -> None:
    limit("picture_pixels", 65_536)
    (tmp_path / "most.png").write_bytes(png(256, 256))
    (tmp_path / "more.png").write_bytes(png(257, 256))
    assert read_image(tmp_path / "most.png").shape == (256, 256, 3)
    with pytest.raises(MediaTooLarge, match=r"more\.png is 257 x 256 pixels and the limit is 65,536 pixels"):
        read_image(tmp_path / "more.png")
    for given in (np.zeros((256, 257, 3), np.uint8), Image.new("RGB", (257, 256))):
        with pytest.raises(MediaTooLarge, match=r"the picture is 257 x 256"):
            read_image(given)


def test_longest_side(tmp_path: Path, limit: Callable[[str, int], None]) -> None:
    limit("longest_side", 256)
    for width, height in ((256, 20), (20, 256)):
        (tmp_path / "most.png").write_bytes(png(width, height))
        assert read_image(tmp_path / "most.png").shape == (height, width, 3)
    for width, height in ((257, 20), (20, 257)):
        (tmp_path / "more.png").write_bytes(png(width, height))
        with pytest.raises(MediaTooLarge, match="the longest side allowed is 256"):
            read_image(tmp_path / "more.png")
    assert len(list(read_frames(make_clip(tmp_path / "most.mp4", size="256x20", frames=1)))) == 1
    with pytest.raises(MediaTooLarge, match="the longest side allowed is 256"):
        read_frames(make_clip(tmp_path / "more.mp4", size="258x20", frames=1))


def test_pixels_of_a_clip(tmp_path: Path, limit: Callable[[str, int], None]) -> None:
    limit("clip_pixels", 65_536)
    assert next(read_frames(make_clip(tmp_path / "most.mp4", size="256x256", frames=1))).shape == (256, 256, 3)
    with pytest.raises(MediaTooLarge, match="258 x 256 pixels and the limit is 65,536 pixels"):
        read_frames(make_clip(tmp_path / "more.mp4", size="258x256", frames=1))


def test_frames_of_a_clip(clips: Path, tmp_path: Path) -> None:
    assert len(list(read_frames(clips / "long.mp4", max_frames=100))) == 100
    with pytest.raises(MediaTooLarge, match=r"long\.mp4 has 100 frames and the limit is 99"):
        read_frames(clips / "long.mp4", max_frames=99)
    with read_frames(clips / "sound.mp4", max_frames=49) as stream:  # whose length may be the sound's
        assert len(list(stream)) == 49
        assert stream.warning == "sound.mp4 is longer than the limit: only its first 49 frames were read"


def test_frames_that_no_header_announces(tmp_path: Path) -> None:
    pattern = ("-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x48:r=10", "-frames:v", "12")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *pattern, "-c:v", "libvpx", "-f", "webm", "-"]
    (tmp_path / "live.webm").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    for allowed, told in ((12, None), (11, "live.webm is longer than the limit: only its first 11 frames were read")):
        with read_frames(tmp_path / "live.webm", max_frames=allowed) as stream:
            assert stream.info.frames is None
            assert (len(list(stream)), stream.warning) == (allowed, told)


def test_memory_of_a_decoder(tmp_path: Path, limit: Callable[[str, int], None]) -> None:
    (tmp_path / "wide.png").write_bytes(png(8000, 8000, bits=1))  # 9 kB, and 256 MB once Pillow holds it as RGB
    black, grey = (Image.new("L", (9000, 9000), value) for value in (0, 128))  # 324 MB a frame in ffmpeg: none fits
    black.save(tmp_path / "wide.gif", save_all=True, append_images=[grey], duration=100)
    limit("picture_pixels", 8000 * 8000)
    limit("clip_pixels", 9000 * 9000)
    limit("decode_megabytes", 256)
    for read, name in ((read_image, "wide.png"), (read_frames, "wide.gif")):
        with pytest.raises(MediaTooLarge, match=f"{name} needs more memory to decode than the limit of 256 MB"):
            read(tmp_path / name)


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan stands there `count` times: 31 bytes each, and 40 ms of work."""
    whole = io.BytesIO()
    Image.new("L", (4000, 4000), 128).save(whole, "JPEG", progressive=True)
    data, end = whole.getvalue()[:-2], whole.getvalue()[-2:]
    return data + data[data.rindex(b"\xff\xda") :] * count + end


def test_seconds_of_a_picture(tmp_path: Path, limit: Callable[[str, int], None]) -> None:
    (tmp_path / "scans.jpg").write_bytes(scans(3000))
    limit("decode_seconds", 1)
    started = time.monotonic()
    with pytest.raises(UnreadableMedia, match=r"scans\.jpg takes longer to decode than the limit of 1 seconds"):
        read_image(tmp_path / "scans.jpg")
    assert time.monotonic() - started < 5


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
def test_seconds_of_a_frame(clips: Path, limit: Callable[[str, int], None]) -> None:
    limit("stall_seconds", 1)
    with read_frames(clips / "long.mp4") as stream:
        os.kill(stream._ffmpeg._process.pid, signal.SIGSTOP)  # stands for a decoder that never answers again
        started = time.monotonic()
        count = len(list(stream))
        assert 0 < count < 100
        assert stream.warning == f"long.mp4 takes too long to decode: only its first {count} frames were read"
    assert time.monotonic() - started < 10


def test_a_clip_that_grows_in_the_middle_stays_within_its_pixels(
    tmp_path: Path, limit: Callable[[str, int], None]
) -> None:
    for name, size in (("small", "64x48"), ("large", "640x480")):
        make_clip(tmp_path / f"{name}.ts", size=size, frames=10, extra=("-f", "mpegts"))
    grown = tmp_path / "grown.ts"
    grown.write_bytes((tmp_path / "small.ts").read_bytes() + (tmp_path / "large.ts").read_bytes())
    frames = list(read_frames(grown))
    assert len(frames) > 12
    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    limit("clip_pixels", 65_536)
    limit("longest_side", 256)
    with read_frames(grown) as stream:
        assert len(list(stream)) <= 11
        assert stream.warning is not None


def _animation(kind: str, count: int) -> bytes:
    written = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), (index % 2 * 255, 0, 0)) for index in range(count)]
    frames[0].save(written, kind, save_all=True, append_images=frames[1:], duration=20)
    return written.getvalue()


HUGE = struct.pack("<I", 0x7FFFFFF0)
ZEROS = zlib.compress(bytes(50_000_000), 1)
TAG = struct.pack("<HHI", 0x010E, 2, 0x7FFFFFF0) + struct.pack("<I", 8)
BOMBS: dict[str, Callable[[], bytes]] = {  # files that ask for far more than they hold
    "text.png": lambda: png(20, 20, extra=(b"zTXt", b"Comment\0\0" + ZEROS)),
    "international.png": lambda: png(20, 20, extra=(b"iTXt", b"Comment\0\1\0\0\0" + ZEROS)),
    "profile.png": lambda: png(20, 20, extra=(b"iCCP", b"profile\0\0" + ZEROS)),
    "pixels.png": lambda: png(20, 20, body=bytes(50_000_000)),
    "length.png": lambda: png(20, 20)[:33] + b"\x7f\xff\xff\xffIDAT" + b"x" * 50,
    "frames.gif": lambda: _animation("GIF", 2000),
    "frames.webp": lambda: _animation("WEBP", 200),
    "length.webp": lambda: b"RIFF" + HUGE + b"WEBPVP8X" + HUGE + _animation("WEBP", 2)[20:],
    "tags.tif": lambda: b"II*\0\x08\0\0\0\xff\xff" + TAG * 3,
    "list.tif": lambda: b"II*\0" + HUGE + b"x" * 100,
    "loop.tif": lambda: b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + b"x" * 20,
    "header.bmp": lambda: b"BM" + HUGE + bytes(4) + HUGE + struct.pack("<IiiHHI", 40, 99, 99, 1, 24, 1) + HUGE * 5,
    "numbers.ppm": lambda: b"P6 " + b"1" * 1_000_000,
    "plain.ppm": lambda: b"P3 100 100 255 " + b"1 " * 1000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_small_picture_or_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BOMBS[name]())
    started, said = time.monotonic(), ""
    try:
        assert max(read_image(tmp_path / name).shape) <= 100
    except LabError as error:
        said = str(error)
    assert said == "" or (name in said and "\n" not in said)
    assert time.monotonic() - started < 10


def test_thousands_of_frames_of_a_gif_are_counted(tmp_path: Path) -> None:
    (tmp_path / "frames.gif").write_bytes(BOMBS["frames.gif"]())
    with pytest.raises(MediaTooLarge, match="has 2000 frames and the limit is 1999"):
        read_frames(tmp_path / "frames.gif", max_frames=1999)


def test_a_long_sound_does_not_lengthen_a_clip(clips: Path, tmp_path: Path) -> None:
    ffmpeg("-i", clips / "one.mp4", "-f", "lavfi", "-i", "sine=440:d=5", "-c:v", "copy", tmp_path / "song.mp4")
    with pytest.raises(MediaTooLarge, match="seconds and the limit is 3"):
        read_frames(tmp_path / "song.mp4", max_seconds=3)
