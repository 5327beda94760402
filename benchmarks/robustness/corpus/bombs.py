"""Small files that would be large, slow or endless to read: of pictures and of clips."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache

from PIL import Image

from benchmarks.robustness.corpus.originals import clip, picture

Random = random.Random
MANY = 20_000
"""Parts where a file has a handful."""
DEEP = 5_000
"""Levels of parts within parts."""
ZEROS = 48 * 2**20
"""Bytes that come out of a packed bomb: each is far beyond its file, and a thousand of them would show in memory."""


@cache
def packed_zeros(count: int = ZEROS) -> bytes:
    """Zeros as zlib packs them, a thousandth of their number."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(count >> 20)) + packer.flush()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *before: bytes, body: bytes, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG whose header says what it says, whatever its body holds."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def small_png(*before: bytes) -> bytes:
    """A sound picture with something before its pixels."""
    return png(64, 48, *before, body=zlib.compress(bytes((64 * 3 + 1) * 48)))


def box(kind: bytes, body: bytes) -> bytes:
    """A box of an ISO media file."""
    return struct.pack(">I", 8 + len(body)) + kind + body


def _many_scans(rng: Random) -> bytes:
    """A progressive JPEG that paints its picture over and over."""
    written = io.BytesIO()
    Image.new("RGB", (1600, 1200), (90, 60, 30)).save(written, "JPEG", progressive=True, quality=10)
    whole = written.getvalue()
    scan = whole.index(b"\xff\xda")
    after = whole.find(b"\xff\xc4", scan)
    once = whole[scan : after if after > 0 else -2]
    return whole[:scan] + once * rng.choice((20, 60)) + whole[scan:]


def _ifd_loop(rng: Random) -> bytes:
    """A TIFF whose directory says that the next one is itself."""
    content = bytearray(picture("tif"))
    (at,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, at)
    struct.pack_into("<I", content, at + 2 + 12 * entries, at)
    return bytes(content)


def _gif_screen(rng: Random) -> bytes:
    """A GIF with a screen of the largest size, or of a permitted one, and next to nothing on it."""
    content = bytearray(picture("gif"))
    side = rng.choice((65_535, 16_000, 8_000, 5_900))
    struct.pack_into("<HH", content, 6, side, side)
    return bytes(content)


def _webp_canvas(rng: Random) -> bytes:
    content = bytearray(picture("webp"))
    content[24:30] = b"\xff\x3f\x00\xff\x3f\x00"  # 16384 x 16384
    return bytes(content)


PICTURE_BOMBS: dict[str, tuple[str, Callable[[Random], bytes]]] = {
    "far too many pixels": ("png", lambda rng: png(50_000, 50_000, body=packed_zeros())),
    "as many pixels as allowed": ("png", lambda rng: png(7_900, 7_900, body=packed_zeros(), depth=1, colour=0)),
    "pixels of 16 bits": ("png", lambda rng: png(2_000, 2_000, body=packed_zeros(), depth=16, colour=6)),
    "more than its pixels": ("png", lambda rng: png(64, 48, body=packed_zeros())),
    "packed text": ("png", lambda rng: small_png(chunk(b"zTXt", b"Comment\0\0" + packed_zeros()))),
    "much packed text": ("png", lambda rng: small_png(*[chunk(b"zTXt", b"Comment\0\0" + packed_zeros(2**20))] * 90)),
    "packed profile": ("png", lambda rng: small_png(chunk(b"iCCP", b"profile\0\0" + packed_zeros()))),
    "international text": (
        "png",
        lambda rng: small_png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed_zeros())),
    ),
    "many chunks": ("png", lambda rng: small_png(*[chunk(b"tEXt", b"a\0b")] * MANY)),
    "many frames": ("gif", lambda rng: _repeated_gif()),
    "large screen": ("gif", _gif_screen),
    "many scans": ("jpg", _many_scans),
    "large canvas": ("webp", _webp_canvas),
    "loop of directories": ("tif", _ifd_loop),
    "large header": ("ppm", lambda rng: b"P6 999999999 999999999 65535\n"),
    "endless header": ("ppm", lambda rng: b"P6 #" + b" " * 2**20),
    "large run": ("bmp", lambda rng: _run_length_bmp()),
    "large EXIF": ("jpg", lambda rng: _exif(rng)),
}


def _repeated_gif() -> bytes:
    content = picture("gif")
    image = content[content.index(b"\x2c\0\0\0\0") : -1]
    return content[: -1 - len(image)] + image[: len(image) // 2] * 200 + content[-1:]


def _run_length_bmp() -> bytes:
    """Run-length encoded 8-bit pixels, of which there is one run."""
    header = struct.pack("<IiiHHIIiiII", 40, 7_900, 7_900, 1, 8, 1, 8, 2835, 2835, 256, 0)
    return struct.pack("<2sIHHI", b"BM", 1100, 0, 0, 54 + 1024) + header + bytes(1024) + b"\xff\x01\0\1"


def _exif(rng: Random) -> bytes:
    """A JPEG whose EXIF directories lead back to themselves, or are noise."""
    content = picture("jpg")
    looped = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)
    body = b"Exif\0\0" + rng.choice((looped, b"MM\0*" + rng.randbytes(60_000)))
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


def _many_samples() -> bytes:
    """An MP4 that says it has two thousand million frames."""
    content = bytearray(clip("mp4"))
    for kind, offset in ((b"stts", 12), (b"stsz", 12)):
        struct.pack_into(">I", content, content.index(kind) + offset, 2_000_000_000)
    return bytes(content)


def _long_duration() -> bytes:
    content = bytearray(clip("mp4"))
    struct.pack_into(">I", content, content.index(b"mvhd") + 20, 0xFFFFFFFF)
    struct.pack_into(">I", content, content.index(b"mdhd") + 20, 0xFFFFFFFF)
    return bytes(content)


def _nested_boxes() -> bytes:
    body = b""
    for _ in range(DEEP):
        body = box(b"moov", body)
    return box(b"ftyp", b"isom\0\0\2\0isom") + body


def _nested_elements() -> bytes:
    """Groups within groups of a Matroska file, every one of unknown length."""
    head = clip("mkv")
    return head[: head.index(b"\x15\x49\xa9\x66")] + b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff" * DEEP


def _animated_zeros() -> bytes:
    """An animated picture of the largest allowed frame, whose every frame is packed zeros."""
    frames = [chunk(b"acTL", struct.pack(">II", 400, 0))]
    place = struct.pack(">IIIIHHBB", 5_900, 5_900, 0, 0, 1, 25, 0, 0)
    for number in range(400):
        frames.append(chunk(b"fcTL", struct.pack(">I", number) + place))
    return png(5_900, 5_900, *frames, body=packed_zeros(), depth=1, colour=0)


CLIP_BOMBS: dict[str, tuple[str, Callable[[Random], bytes]]] = {
    "many samples": ("mp4", lambda rng: _many_samples()),
    "a long duration": ("mp4", lambda rng: _long_duration()),
    "boxes in boxes": ("mp4", lambda rng: _nested_boxes()),
    "a free gap": ("mp4", lambda rng: clip("mp4")[:32] + box(b"free", bytes(2**20)) + clip("mp4")[32:]),
    "elements in elements": ("mkv", lambda rng: _nested_elements()),
    "many frames of a GIF": ("gif", lambda rng: _repeated_gif()),
    "large screen": ("gif", _gif_screen),
    "a large animated PNG": ("png", lambda rng: _animated_zeros()),
    "packets for ever": ("ts", lambda rng: clip("ts") * 300),
    "long metadata": (
        "mp4",
        lambda rng: box(b"udta", box(b"name", b"A" * 2**20)).join((clip("mp4")[:32], clip("mp4")[32:])),
    ),
}
