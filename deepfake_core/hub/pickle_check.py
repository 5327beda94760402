"""How much a pickled checkpoint would take when it is loaded, found out by reading a bounded piece of it.

`torch.load(weights_only=True)` runs no code, but unpacks whatever it is given: a compressed pickle of 2 MB may hold
2 GB. Here a file is refused before that, by rules that every file of `torch.save` keeps: its zip holds stored members
alone, with one plain directory at the end; its pickles are short and name nothing but tensors and dictionaries.
"""

import io
import pickletools
import re
import struct
import zipfile
from pathlib import Path
from typing import NamedTuple

from deepfake_core.errors import BadWeights

LARGEST_PICKLE = 4 << 20
"""Bytes of all that is not numbers. Checkpoints with optimizers, the largest there are, have 0.5 MB."""
MOST_STEPS = 400_000
"""Opcodes of a pickle, each of which may make an object of some 100 bytes; those checkpoints have 50,000."""
LARGEST_DIRECTORY = 4 << 20
"""Bytes of a zip's list of members, of which every one becomes an object of some 600 bytes."""
ZIP, END, LOCATOR, END64 = b"PK\3\4", b"PK\5\6", b"PK\6\7", b"PK\6\6"
END_BYTES, LOCATOR_BYTES, END64_BYTES, LONGEST_COMMENT = 22, 20, 56, 65535
NUMBERS = re.compile(r"[^/]+/data/\d+")
"""Members that hold the numbers of one storage."""
LEGACY_PICKLES = 5
"""Before the numbers of a file of older versions: a magic number, the version, the machine, the content, the order."""
NAMES = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter Parameter|"
    r"torch (\w+Storage|Size|device|float\d+|bfloat16|int\d+|uint8|bool)"
)
"""All that a dictionary of tensors needs. torch knows more, such as `bytearray`, which fills memory by one number."""


class Directory(NamedTuple):
    """A zip's list of members."""

    start: int
    """Where it says that it begins."""
    size: int
    """Bytes."""
    end: int
    """Where the first of the records behind it begins."""
    comment: bool
    """Whether anything follows these records."""


def is_stored_zip(path: Path) -> bool:
    """Whether torch takes the file for a zip: by its first bytes, whatever its last ones say."""
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def refuse_hungry(path: Path) -> None:
    """Raise `BadWeights` for a checkpoint that `torch.save` does not write, or one too large besides its numbers."""
    try:
        if is_stored_zip(path):
            _check_zip(path)
        else:
            _check_legacy(path)
    except BadWeights:
        raise
    except Exception as error:  # of a damaged or hostile file it can be any
        raise BadWeights(f"{path.name} is damaged or no checkpoint; fetch it again") from error


def directory_of(path: Path) -> Directory:
    """Where a zip's list of members is, found as `zipfile` finds it. Raises `BadWeights` for none, or a huge one."""
    length = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, length - LONGEST_COMMENT - END_BYTES - LOCATOR_BYTES - END64_BYTES))
        offset, tail = file.tell(), file.read()
    at = len(tail) - END_BYTES
    if at < 0 or tail[at : at + 4] != END or tail[-2:] != b"\0\0":
        at = tail.rfind(END)
    if at < 0 or at + END_BYTES > len(tail):
        raise BadWeights(f"{path.name} is a damaged archive; fetch it again")
    size, start = struct.unpack_from("<LL", tail, at + 12)
    end = at
    if at >= LOCATOR_BYTES + END64_BYTES and tail[at - LOCATOR_BYTES :].startswith(LOCATOR):
        end = at - LOCATOR_BYTES - END64_BYTES
        (said,) = struct.unpack_from("<Q", tail, at - LOCATOR_BYTES + 8)
        if said != offset + end or not tail[end:].startswith(END64):
            raise BadWeights(f"{path.name} is a damaged archive; fetch it again")
        size, start = struct.unpack_from("<QQ", tail, end + 40)
    if size > LARGEST_DIRECTORY:
        raise BadWeights(f"{path.name} lists too many members ({size} bytes of them, at most {LARGEST_DIRECTORY})")
    return Directory(start, size, offset + end, comment=at + END_BYTES != len(tail))


def _check_zip(path: Path) -> None:
    found = directory_of(path)
    if found.comment or found.start + found.size != found.end:  # two programs might read two different lists
        raise BadWeights(f"{path.name} is damaged or not written by torch.save; fetch it again")
    length = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(one.compress_type != zipfile.ZIP_STORED or one.compress_size != one.file_size for one in members):
            raise BadWeights(
                f"{path.name} is compressed inside, which torch.save never does; fetch the authors' own file"
            )
        if sum(one.file_size for one in members) > length:
            raise BadWeights(f"{path.name} says that it holds more than its {length} bytes; fetch it again")
        for one in members:
            if NUMBERS.fullmatch(one.filename):
                continue
            if one.file_size > LARGEST_PICKLE:
                raise BadWeights(_too_large(path.name))
            if one.filename.lower().endswith(".pkl"):
                _check_pickle(io.BytesIO(archive.read(one)), path.name)


def _check_legacy(path: Path) -> None:
    with path.open("rb") as file:
        head = io.BytesIO(file.read(LARGEST_PICKLE))
    try:
        for _ in range(LEGACY_PICKLES):
            _check_pickle(head, path.name)
    except ValueError as error:
        if path.stat().st_size > LARGEST_PICKLE <= head.tell():
            raise BadWeights(_too_large(path.name)) from error
        raise


def _check_pickle(file: io.BytesIO, name: str) -> None:
    """Read one pickle, without doing what it says; raises `BadWeights`, or `ValueError` when it is damaged."""
    for steps, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if steps > MOST_STEPS:
            raise BadWeights(_too_large(name))
        odd = opcode.name == "GLOBAL" and not NAMES.fullmatch(str(argument))
        if odd or opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
            raise BadWeights(f"{name} is no plain checkpoint: it is damaged, or holds code, which is never run")


def _too_large(name: str) -> str:
    return (
        f"{name} holds over {LARGEST_PICKLE >> 20} MB, or {MOST_STEPS} steps, besides its numbers, which no checkpoint "
        "needs; fetch the authors' own file"
    )
