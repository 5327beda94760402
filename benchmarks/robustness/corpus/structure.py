"""Where the parts of a file begin and end, and where it says so: what a mutation has to know of each format."""

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

BOXES = frozenset(b"moov trak mdia minf stbl moof traf edts udta dinf mvex meta ilst mfra".split())
"""Boxes of ISO media files that hold boxes."""
MASTERS = frozenset(
    (0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xE0, 0x1549A966, 0x114D9B74, 0x4DBB, 0x1C53BB6B, 0xBB, 0xB7)
)
"""EBML elements that hold elements: Segment, Cluster, Tracks, TrackEntry, Video, Info, SeekHead, Cues and so on."""
DEEPEST = 8
PACKET = 188  # bytes, of a transport stream


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk, segment, box, element, directory entry or record."""

    start: int
    """Its first byte, where its header begins."""
    body: int
    """The first byte after the header."""
    end: int
    """One past its last byte, by its own word; it may lie beyond the file."""
    size: tuple[int, str] | None = None
    """Where the number that says how long it is stands, and its `struct` format; None if nothing says it."""


def parts(content: bytes) -> list[Part]:
    """The parts of a file, outer ones before those within; a file of no known format is cut into blocks."""
    found: list[Part] = []
    with contextlib.suppress(IndexError, struct.error):  # it is cut: what was found until there is what there is
        found.extend(_walk(content))
    return found or [Part(at, at, at + 64) for at in range(0, max(len(content), 1), 64)]


def _walk(content: bytes) -> Iterator[Part]:
    if content.startswith(b"\x89PNG"):
        return _png(content)
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content.startswith(b"RIFF"):
        return _riff(content, 0, len(content))
    if content.startswith(b"GIF8"):
        return _gif(content)
    if content[:4] in (b"II*\0", b"MM\0*"):
        return _tiff(content)
    if content[4:8] in (b"ftyp", b"moov", b"moof"):
        return _boxes(content, 0, len(content))
    if content.startswith(b"\x1a\x45\xdf\xa3"):
        return _ebml(content, 0, len(content))
    if content.startswith(b"PK"):
        return _zip(content)
    if content[:1] == b"\x47" and content[PACKET : PACKET + 1] == b"\x47":
        return (Part(at, at + 4, at + PACKET) for at in range(0, len(content), PACKET))
    if content[8:9] == b"{":
        return _safetensors(content)
    return iter(())


def _png(content: bytes) -> Iterator[Part]:
    at = 8
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        yield Part(at, at + 8, at + 12 + length, (at, ">I"))
        at += 12 + length


def _jpeg(content: bytes) -> Iterator[Part]:
    at = 2
    while at + 4 <= len(content):
        (length,) = struct.unpack_from(">H", content, at + 2)
        yield Part(at, at + 4, at + 2 + length, (at + 2, ">H"))
        at += 2 + length
        while at + 1 < len(content) and not (content[at] == 0xFF and content[at + 1] not in (0, 0xFF)):
            at += 1  # the scan's own bytes


def _riff(content: bytes, at: int, end: int, depth: int = 0) -> Iterator[Part]:
    while at + 8 <= end and depth < DEEPEST:
        (length,) = struct.unpack_from("<I", content, at + 4)
        yield Part(at, at + 8, at + 8 + length, (at + 4, "<I"))
        if content[at : at + 4] in (b"RIFF", b"LIST"):
            yield from _riff(content, at + 12, min(end, at + 8 + length), depth + 1)
        at += 8 + length + length % 2


def _gif(content: bytes) -> Iterator[Part]:
    yield Part(0, 6, 13, (6, "<H"))  # the screen: its width is what "size" means here
    at = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    while content[at] != 0x3B:
        start = at
        if content[at] == 0x2C:
            at += 10 + (3 << (content[at + 9] & 7) + 1 if content[at + 9] & 0x80 else 0) + 1
        else:
            at += 2
        body = at
        while content[at]:
            at += content[at] + 1
        at += 1
        yield Part(start, body, at, (body, "<B"))


def _tiff(content: bytes) -> Iterator[Part]:
    order = "<" if content[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", content, 4)
    (entries,) = struct.unpack_from(f"{order}H", content, at)
    yield Part(0, 4, 8, (4, f"{order}I"))
    yield Part(at, at + 2, at + 6 + 12 * entries, (at, f"{order}H"))
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        yield Part(entry, entry + 8, entry + 12, (entry + 4, f"{order}I"))
        yield Part(entry, entry + 8, entry + 12, (entry + 8, f"{order}I"))


def _boxes(content: bytes, at: int, end: int, depth: int = 0) -> Iterator[Part]:
    while at + 8 <= end and depth < DEEPEST:
        (length,) = struct.unpack_from(">I", content, at)
        if length < 8:
            return
        kind = content[at + 4 : at + 8]
        yield Part(at, at + 8, at + length, (at, ">I"))
        if kind in BOXES:
            yield from _boxes(content, at + 8, min(end, at + length), depth + 1)
        elif kind == b"stsd":
            yield from _boxes(content, at + 16, min(end, at + length), depth + 1)
        at += length


def _ebml(content: bytes, at: int, end: int, depth: int = 0) -> Iterator[Part]:
    while at < end and depth < DEEPEST:
        wide = 9 - content[at].bit_length()
        element = int.from_bytes(content[at : at + wide], "big")
        size_at = at + wide
        long = 9 - content[size_at].bit_length()
        length = int.from_bytes(content[size_at : size_at + long], "big") & ((1 << 7 * long) - 1)
        if length == (1 << 7 * long) - 1:  # unknown: to the end
            length = end - size_at - long
        body = size_at + long
        yield Part(at, body, body + length, (size_at, {1: ">B", 2: ">H", 4: ">I", 8: ">Q"}.get(long, ">B")))
        if element in MASTERS:
            yield from _ebml(content, body, min(end, body + length), depth + 1)
        at = body + length


def _zip(content: bytes) -> Iterator[Part]:
    """Local headers, the directory's entries and its end: signatures are looked for, so data between is in a part."""
    places = {b"PK\x03\x04": (18, "<I", 30), b"PK\x01\x02": (24, "<I", 46), b"PK\x05\x06": (12, "<I", 22)}
    starts = [at for at in range(len(content) - 3) if content[at : at + 4] in places]
    for start, end in zip(starts, [*starts[1:], len(content)], strict=True):
        offset, kind, header = places[content[start : start + 4]]
        yield Part(start, min(start + header, end), end, (start + offset, kind))


def _safetensors(content: bytes) -> Iterator[Part]:
    (length,) = struct.unpack_from("<Q", content, 0)
    yield Part(0, 8, 8 + length, (0, "<Q"))
    yield Part(8 + length, 8 + length, len(content))
