"""How a sound file is broken: cut, bits turned, numbers changed, parts moved about."""

import random
import re
import struct
import zlib
from collections.abc import Callable, Mapping

from benchmarks.robustness.corpus.structure import parts

Random = random.Random
LARGEST = 2**16
"""Bytes of a part that may be repeated: broken files stay small."""


def cut(content: bytes, rng: Random) -> bytes:
    """End it at a part's start, within its header, within its body, or one byte before its end."""
    part = rng.choice(parts(content))
    places = (
        part.start,
        rng.randint(part.start, max(part.start, part.body)),
        rng.randint(part.body, max(part.body, part.end)),
        part.end - 1,
    )
    return content[: max(0, rng.choice(places))]


def flip(content: bytes, rng: Random) -> bytes:
    """Turn 1 to 16 bits round, half of the time within one part's header."""
    changed = bytearray(content)
    part = rng.choice(parts(content))
    header = rng.random() < 0.5
    first, last = (part.start, part.body) if header else (0, len(changed))
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randint(first, max(first, last))
        if at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
    return _summed(bytes(changed), rng)


def resize(content: bytes, rng: Random) -> bytes:
    """Let the file lie about a size: of a part, or of the picture."""
    sides = dimensions(content)
    if sides and rng.random() < 0.5:
        changed = bytearray(content)
        for at, kind in rng.sample(sides, rng.randint(1, len(sides))):
            _put(changed, at, kind, rng)
        return _summed(bytes(changed), rng)
    if content.startswith(b"P6"):
        return re.sub(rb"\d+", lambda _: rng.choice(TEXT_NUMBERS), content, count=rng.randint(1, 3))
    sized = [part.size for part in parts(content) if part.size]
    if not sized:
        return flip(content, rng)
    changed = bytearray(content)
    for at, kind in rng.sample(sized, min(len(sized), rng.choice((1, 1, 2)))):
        _put(changed, at, kind, rng)
    return _summed(bytes(changed), rng)


TEXT_NUMBERS = (b"0", b"-1", b"1", b"65536", b"999999999", b"18446744073709551616", b"1e9", b"")


def _put(changed: bytearray, at: int, kind: str, rng: Random) -> None:
    width = struct.calcsize(kind)
    if at + width > len(changed):
        return
    (old,) = struct.unpack_from(kind, changed, at)
    most = (1 << 8 * width) - 1
    values = (0, 1, most, most >> 1, (most >> 1) + 1, old - 1, old + 1, old * 2, rng.randint(0, most), 0x7FFF, 20_000)
    struct.pack_into(kind, changed, at, rng.choice(values) & most)


def shuffle(content: bytes, rng: Random) -> bytes:
    """Drop, repeat or swap whole parts, or put noise into one."""
    found = [part for part in parts(content) if part.end <= len(content)]
    if not found:
        return content
    part = rng.choice(found)
    piece = content[part.start : part.end]
    way = rng.randrange(4)
    if way == 0:
        return content[: part.start] + content[part.end :]
    if way == 1 and len(piece) < LARGEST:
        return content[: part.end] + piece * rng.choice((1, 2, 50)) + content[part.end :]
    if way == 2:
        other = rng.choice(found)
        return content[: part.start] + content[other.start : other.end] + content[part.end :]
    return content[: part.body] + rng.randbytes(max(0, min(part.end - part.body, LARGEST))) + content[part.end :]


MUTATIONS: Mapping[str, Callable[[bytes, Random], bytes]] = {
    "cut": cut,
    "flipped": flip,
    "wrong sizes": resize,
    "shuffled": shuffle,
}
"""By the word that the report uses."""


def dimensions(content: bytes) -> list[tuple[int, str]]:
    """Where a file says how wide and high its picture is, and in which format; empty if that is not known."""
    if content.startswith(b"\x89PNG"):
        return [(16, ">I"), (20, ">I"), (24, ">B"), (25, ">B")]  # depth and colour too
    if content.startswith(b"GIF8"):
        image = content.find(b"\x2c\0\0\0\0")
        return [(6, "<H"), (8, "<H"), *([(image + 5, "<H"), (image + 7, "<H")] if image > 0 else [])]
    if content.startswith(b"BM"):
        return [(18, "<I"), (22, "<I"), (28, "<H"), (10, "<I")]
    if content.startswith(b"\xff\xd8"):
        frame = next((at for at in map(content.find, (b"\xff\xc0", b"\xff\xc2")) if at > 0), -1)
        return [(frame + 5, ">H"), (frame + 7, ">H"), (frame + 9, ">B")] if frame > 0 else []
    if content[8:12] == b"WEBP":
        return [(24, "<I"), (27, "<I")] if content[12:16] == b"VP8X" else [(26, "<H"), (28, "<H")]
    return _clip_dimensions(content)


def _clip_dimensions(content: bytes) -> list[tuple[int, str]]:
    header, sample = content.find(b"tkhd"), content.find(b"avc1\0\0\0\0\0\0")
    found = [(header + 80, ">I"), (header + 84, ">I")] if header > 0 else []
    if sample > 0:
        found += [(sample + 28, ">H"), (sample + 30, ">H")]
    if content.startswith(b"\x1a\x45\xdf\xa3") and (video := content.find(b"\xb0\x81")) > 0:
        found += [(video + 2, ">B"), (video + 5, ">B")]
    if content[8:12] == b"AVI ":
        found += [(64, "<I"), (68, "<I"), (32, "<I"), (48, "<I")]  # sides, time of a frame, number of frames
    return found


def _summed(content: bytes, rng: Random) -> bytes:
    """Two times of three a PNG's checksums are put right, lest nothing get behind them."""
    if not content.startswith(b"\x89PNG") or rng.random() < 1 / 3:
        return content
    changed = bytearray(content)
    for part in parts(content):
        if part.end <= len(content):
            struct.pack_into(">I", changed, part.end - 4, zlib.crc32(changed[part.start + 4 : part.end - 4]))
    return bytes(changed)
