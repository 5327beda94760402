"""Laws of pictures: what a viewer sees is what the array holds; nothing hostile is decoded."""

import resource
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest, MediaTooLarge, MediaTooSmall, MissingFile, UnreadableMedia
from deepfake_core.media.images import read_image
from tests.media.clips import gradient

SEEN = gradient(0, 40, 56)

AS_STORED = {  # EXIF orientation -> how a camera that held that way would have stored what is seen
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", AS_STORED)
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(AS_STORED[orientation](SEEN))
    Image.fromarray(stored).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), SEEN)


def test_orientation_of_sixteen_bit_grey(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30) * 100
    Image.fromarray(np.ascontiguousarray(np.rot90(grey))).save(tmp_path / "deep.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "deep.png")[..., 0], np.rint(grey / 257.0))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_shown_as_stored(tmp_path: Path) -> None:
    Image.fromarray(SEEN).save(tmp_path / "odd.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    np.testing.assert_array_equal(read_image(tmp_path / "odd.png"), SEEN)


def test_alpha_over_white(tmp_path: Path) -> None:
    alpha = np.linspace(0, 255, 40).astype(np.uint8)[:, None].repeat(56, axis=1)
    Image.fromarray(np.dstack([SEEN, alpha])).save(tmp_path / "clear.png")
    share = alpha[..., None] / 255.0
    expected = SEEN * share + 255.0 * (1.0 - share)
    assert np.abs(read_image(tmp_path / "clear.png") - expected).max() <= 1.0


def test_sixteen_bit_grey_spans_the_range(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 32 * 32).astype(np.uint16).reshape(32, 32)
    for name in ("deep.png", "deep.tif"):
        Image.fromarray(values).save(tmp_path / name)
        seen = read_image(tmp_path / name)
        np.testing.assert_array_equal(seen, np.rint(values / 257.0).astype(np.uint8)[..., None].repeat(3, axis=2))


def test_floats_and_wide_integers() -> None:
    ramp = np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)
    expected = np.rint(ramp * 255.0)
    np.testing.assert_array_equal(read_image(Image.fromarray(ramp))[..., 0], expected)
    np.testing.assert_allclose(read_image(Image.fromarray(ramp * 255.0))[..., 0], expected, atol=1)
    np.testing.assert_allclose(read_image(Image.fromarray((ramp * 65535).astype(np.int32)))[..., 0], expected, atol=1)


def test_cmyk_and_grey_and_bilevel(tmp_path: Path) -> None:
    Image.fromarray(SEEN).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "print.jpg").astype(int) - SEEN).mean() < 3.0
    grey = Image.fromarray(SEEN).convert("L")
    np.testing.assert_array_equal(read_image(grey), np.asarray(grey)[..., None].repeat(3, axis=2))
    assert set(np.unique(read_image(grey.convert("1")))) <= {0, 255}


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.paste(1, (10, 0, 20, 20))
    image.save(tmp_path / "palette.png", transparency=0)
    seen = read_image(tmp_path / "palette.png")
    assert tuple(seen[5, 5]) == (255, 255, 255)
    assert tuple(seen[5, 15]) == (0, 0, 200)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for name in ("moving.gif", "moving.webp", "moving.png", "pages.tiff"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        assert tuple(read_image(tmp_path / name)[0, 0]) == (255, 0, 0)


def test_phone_picture_with_a_second_view(tmp_path: Path) -> None:
    Image.fromarray(SEEN).save(
        tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[Image.new("RGB", (56, 40))], quality=95
    )
    assert np.abs(read_image(tmp_path / "phone.jpg").astype(int) - SEEN).mean() < 4.0


def _png(width: int, height: int, body: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(20000, 20000), (9000, 8000), (12000, 9000)])
@pytest.mark.filterwarnings("error")
def test_bomb_is_refused_undecoded(tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "bomb.png").write_bytes(_png(width, height, zlib.compress(bytes(10_000_000))))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(MediaTooLarge, match=r"bomb\.png .*50 million pixels"):
        read_image(tmp_path / "bomb.png")
    assert time.monotonic() - started < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_too_small() -> None:
    with pytest.raises(MediaTooSmall, match="a 1 x 1 image"):
        read_image(Image.new("RGB", (1, 1)))


def test_damage_is_named(tmp_path: Path) -> None:
    Image.fromarray(SEEN).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "script.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n")
    for name in ("cut.jpg", "text.png", "empty.png", "script.png"):
        with pytest.raises(UnreadableMedia, match=name) as caught:
            read_image(tmp_path / name)
        assert str(tmp_path) not in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"there is no file nowhere\.png"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(MissingFile, match="is a folder"):
        read_image(tmp_path)


def test_arrays() -> None:
    np.testing.assert_array_equal(read_image(SEEN), SEEN)
    for wrong in (SEEN.astype(np.float32), SEEN[..., 0], np.dstack([SEEN, SEEN]), SEEN[None]):
        with pytest.raises(BadRequest, match="uint8 of shape"):
            read_image(wrong)
    with pytest.raises(MediaTooSmall):
        read_image(SEEN[:2])


def test_any_name(tmp_path: Path) -> None:
    path = tmp_path / "Ünïcode ' 名前 .png"
    Image.fromarray(SEEN).save(path)
    np.testing.assert_array_equal(read_image(str(path)), SEEN)


def test_a_trusted_file_gives_the_same_pixels_and_the_same_sentences(tmp_path: Path) -> None:
    Image.fromarray(SEEN).save(tmp_path / "a.jpg")
    Image.fromarray(np.arange(400, dtype=np.uint16).reshape(20, 20) * 150).save(tmp_path / "b.png")
    Image.fromarray(np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)).save(tmp_path / "c.tif")
    for name in ("a.jpg", "b.png", "c.tif"):
        np.testing.assert_array_equal(read_image(tmp_path / name), read_image(tmp_path / name, trusted=True))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:700])
    (tmp_path / "text.png").write_text("no picture")
    for name in ("cut.jpg", "text.png"):
        said = set()
        for trusted in (True, False):
            with pytest.raises(UnreadableMedia) as caught:
                read_image(tmp_path / name, trusted=trusted)
            said.add(str(caught.value))
        assert len(said) == 1


def test_a_header_of_billions_of_pixels_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "a.bmp")
    header = bytearray((tmp_path / "a.bmp").read_bytes())
    header[18:22] = b"\xff\xff\xff\xff"  # width
    (tmp_path / "a.bmp").write_bytes(header)
    with pytest.raises(MediaTooLarge, match=r"a\.bmp is 4294967295 x 20"):
        read_image(tmp_path / "a.bmp")
