"""Which bytes of a video its signature does not cover.

C2PA's hash of an MP4 (ISO base media file) leaves out whole boxes by their kind: the statement itself, `ftyp`, and
those that hold no picture or sound. So such boxes can be changed, or added at the end, and every check still passes.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

BOX_FILES = ("video/mp4", "image/heif", "image/avif")
"""Media types of files that are made of boxes."""
EXCLUDED = ("/uuid", "/ftyp", "/mfra", "/free", "/skip")
"""What c2pa leaves out where the statement says nothing else; of `uuid` only its own."""
STATEMENT = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The `uuid` of the box that holds the statement."""
BRANDS = b"isom\0\0\2\0isomiso2avc1mp41"
"""Content of `ftyp` as the videos of this program have it."""
MOST_BOXES = 100_000
HEADER = 16
LONGEST_LIST = 20


class Box(NamedTuple):
    """One box at the top of a file."""

    kind: str
    start: int
    size: int
    """Bytes, with its header."""
    statement: bool
    """Whether it is one for a C2PA statement."""
    plain: bool
    """Whether it is as harmless as one can be: an empty filling, or the `ftyp` that this program writes."""


def outside_signature(path: Path, excluded: Sequence[str] = EXCLUDED) -> tuple[str, ...]:
    """Boxes that anybody may have changed or added since the file was signed, in words; none in a video of ours.

    `excluded`: what the statement says to leave out, as paths of boxes. Reading takes as long as the file has boxes,
    of which at most `MOST_BOXES` are looked at, and no memory.
    """
    kinds = {one[1:] for one in excluded if one.count("/") == 1}
    found = [f"{one} (parts of boxes)" for one in excluded if one.count("/") > 1]
    pending, statements = list[Box](), 0
    for number, box in enumerate(_boxes(path)):
        if number == MOST_BOXES:
            found.append(f"more than {MOST_BOXES} boxes, of which the others were not looked at")
            break
        statements += box.statement
        covered = box.kind not in kinds or (box.kind == "uuid" and not box.statement)
        if covered:
            pending.clear()  # an empty filling between covered boxes cannot be new: those would have moved
        elif box.statement and statements == 1:
            continue
        elif box.plain:
            pending.append(box)
        else:
            found.append(_words(box))
    found += [_words(box) for box in pending if box.kind != "ftyp"]
    return tuple(found[:LONGEST_LIST] + ([f"{len(found) - LONGEST_LIST} more"] if len(found) > LONGEST_LIST else []))


def _words(box: Box) -> str:
    name = "a second statement" if box.statement else box.kind
    return f"{name} ({box.size} bytes at {box.start})"


def _boxes(path: Path) -> Iterator[Box]:
    """The boxes at the top of the file, as far as they can be told apart; what follows is one of the kind `?`."""
    length = path.stat().st_size
    with path.open("rb") as file:
        start = 0
        while start < length:
            box = _box_at(file, start, length)
            yield box
            start += box.size


def _box_at(file: IO[bytes], start: int, length: int) -> Box:
    file.seek(start)
    head = file.read(HEADER + len(STATEMENT))
    if len(head) < 8:
        return Box("?", start, length - start, statement=False, plain=False)
    (size,), kind, header = struct.unpack_from(">I", head), head[4:8], 8
    if size == 1 and len(head) >= HEADER:
        (size,), header = struct.unpack_from(">Q", head, 8), HEADER
    elif size == 0:  # up to the end of the file
        size = length - start
    if not header <= size <= length - start:
        return Box("?", start, length - start, statement=False, plain=False)
    content = head[header : header + len(STATEMENT)]
    empty = kind in (b"free", b"skip") and size == 8
    file.seek(start + header)
    ours = kind == b"ftyp" and start == 0 and size == 8 + len(BRANDS) and file.read(len(BRANDS)) == BRANDS
    name = "".join(chr(code) if 32 < code < 127 else "?" for code in kind)
    return Box(name, start, size, statement=kind == b"uuid" and content == STATEMENT, plain=empty or ours)
