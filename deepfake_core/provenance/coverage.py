"""Find the parts of a video that its signature does not cover.

C2PA's hash of an MP4 (ISO base media file) excludes whole boxes by type: the C2PA manifest itself, `ftyp`, and boxes
without picture or sound. Such boxes can be changed, or added at the end, and the signature remains valid.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

BOX_FILES = ("video/mp4", "image/heif", "image/avif")
"""Media types of container formats that consist of boxes."""
EXCLUDED = ("/uuid", "/ftyp", "/mfra", "/free", "/skip")
"""Boxes excluded by c2pa if the manifest does not say otherwise; of `uuid` only C2PA's own."""
MANIFEST_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The `uuid` of the box that holds the C2PA manifest."""
BRANDS = b"isom\0\0\2\0isomiso2avc1mp41"
"""Content of `ftyp` in the videos of this program."""
MOST_BOXES = 100_000
HEADER = 16
LONGEST_LIST = 20


class Box(NamedTuple):
    """One box at the top of a file."""

    kind: str
    start: int
    size: int
    """Bytes, with its header."""
    is_manifest: bool
    """Whether it holds a C2PA manifest."""
    harmless: bool
    """Whether it is empty padding or the `ftyp` that this program writes."""


def outside_signature(path: Path, excluded: Sequence[str] = EXCLUDED) -> tuple[str, ...]:
    """Descriptions of boxes that may have been changed or added after signing; empty for a video of this program.

    `excluded`: paths of the boxes that the manifest excludes. At most `MOST_BOXES` boxes are examined, in constant
    memory.
    """
    kinds = {one[1:] for one in excluded if one.count("/") == 1}
    found = [f"{one} (parts of boxes)" for one in excluded if one.count("/") > 1]
    pending, manifests = list[Box](), 0
    for number, box in enumerate(_boxes(path)):
        if number == MOST_BOXES:
            found.append(f"more than {MOST_BOXES} boxes, of which the rest were not examined")
            break
        manifests += box.is_manifest
        covered = box.kind not in kinds or (box.kind == "uuid" and not box.is_manifest)
        if covered:
            pending.clear()  # padding between covered boxes cannot be new: it would have moved them
        elif box.is_manifest and manifests == 1:
            continue
        elif box.harmless:
            pending.append(box)
        else:
            found.append(_description(box))
    found += [_description(box) for box in pending if box.kind != "ftyp"]
    return tuple(found[:LONGEST_LIST] + ([f"{len(found) - LONGEST_LIST} more"] if len(found) > LONGEST_LIST else []))


def _description(box: Box) -> str:
    name = "a second manifest" if box.is_manifest else box.kind
    return f"{name} ({box.size} bytes at {box.start})"


def _boxes(path: Path) -> Iterator[Box]:
    """The top-level boxes of the file; unparsable data is returned as one box of kind `?`."""
    length = path.stat().st_size
    with path.open("rb") as file:
        start = 0
        while start < length:
            box = _box_at(file, start, length)
            yield box
            start += box.size


def _box_at(file: IO[bytes], start: int, length: int) -> Box:
    file.seek(start)
    head = file.read(HEADER + len(MANIFEST_UUID))
    if len(head) < 8:
        return Box("?", start, length - start, is_manifest=False, harmless=False)
    (size,), kind, header = struct.unpack_from(">I", head), head[4:8], 8
    if size == 1 and len(head) >= HEADER:
        (size,), header = struct.unpack_from(">Q", head, 8), HEADER
    elif size == 0:  # up to the end of the file
        size = length - start
    if not header <= size <= length - start:
        return Box("?", start, length - start, is_manifest=False, harmless=False)
    content = head[header : header + len(MANIFEST_UUID)]
    empty = kind in (b"free", b"skip") and size == 8
    file.seek(start + header)
    own = kind == b"ftyp" and start == 0 and size == 8 + len(BRANDS) and file.read(len(BRANDS)) == BRANDS
    name = "".join(chr(code) if 32 < code < 127 else "?" for code in kind)
    return Box(name, start, size, is_manifest=kind == b"uuid" and content == MANIFEST_UUID, harmless=empty or own)
