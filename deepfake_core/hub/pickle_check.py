"""Reject pickled checkpoints that would exhaust memory when loaded, after reading a bounded part of the file.

`torch.load(weights_only=True)` runs no code but decompresses everything: a compressed pickle of 2 MB may hold 2 GB.
This check enforces properties of every file written by `torch.save`: its zip has only uncompressed members and one
plain directory at the end; its pickles are short and refer to nothing but tensors and dictionaries.
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
"""Maximum bytes of everything but tensor data. Checkpoints with optimizers, the largest, have 0.5 MB."""
MOST_STEPS = 400_000
"""Maximum opcodes of a pickle, each of which may create an object of about 100 bytes; those checkpoints have 50,000."""
LARGEST_DIRECTORY = 4 << 20
"""Maximum bytes of a zip's directory, of which each member becomes an object of about 600 bytes."""
ZIP, END, LOCATOR, END64 = b"PK\3\4", b"PK\5\6", b"PK\6\7", b"PK\6\6"
END_BYTES, LOCATOR_BYTES, END64_BYTES, LONGEST_COMMENT = 22, 20, 56, 65535
STORAGES = re.compile(r"[^/]+/data/\d+")
"""Members that hold the data of one storage."""
LEGACY_PICKLES = 5
"""Pickles before the tensor data in the legacy format: magic number, version, system, content, order of storages."""
NAMES = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter Parameter|"
    r"torch (\w+Storage|Size|device|float\d+|bfloat16|int\d+|uint8|bool)"
)
"""Globals that a dict of tensors needs. torch allows more, such as `bytearray`, which can allocate any size."""


class Directory(NamedTuple):
    """The directory of a zip file."""

    start: int
    """Offset of its first byte as recorded in the file."""
    size: int
    """Bytes."""
    end: int
    """Offset of the first record after it."""
    comment: bool
    """Whether data follows these records."""


def is_stored_zip(path: Path) -> bool:
    """Whether torch reads the file as a zip, which depends on its first bytes alone."""
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def check_checkpoint(path: Path) -> None:
    """Raise `BadWeights` for a checkpoint not written by `torch.save`, or with too much besides tensor data."""
    try:
        if is_stored_zip(path):
            _check_zip(path)
        else:
            _check_legacy(path)
    except BadWeights:
        raise
    except Exception as error:  # a damaged or malicious file can cause any exception
        raise BadWeights(f"{path.name} is damaged or not a checkpoint; download it again") from error


def directory_of(path: Path) -> Directory:
    """The directory of a zip, found as `zipfile` finds it. Raises `BadWeights` if it is missing or too large."""
    length = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, length - LONGEST_COMMENT - END_BYTES - LOCATOR_BYTES - END64_BYTES))
        offset, tail = file.tell(), file.read()
    at = len(tail) - END_BYTES
    if at < 0 or tail[at : at + 4] != END or tail[-2:] != b"\0\0":
        at = tail.rfind(END)
    if at < 0 or at + END_BYTES > len(tail):
        raise BadWeights(f"{path.name} is a damaged archive; download it again")
    size, start = struct.unpack_from("<LL", tail, at + 12)
    end = at
    if at >= LOCATOR_BYTES + END64_BYTES and tail[at - LOCATOR_BYTES :].startswith(LOCATOR):
        end = at - LOCATOR_BYTES - END64_BYTES
        (recorded,) = struct.unpack_from("<Q", tail, at - LOCATOR_BYTES + 8)
        if recorded != offset + end or not tail[end:].startswith(END64):
            raise BadWeights(f"{path.name} is a damaged archive; download it again")
        size, start = struct.unpack_from("<QQ", tail, end + 40)
    if size > LARGEST_DIRECTORY:
        raise BadWeights(
            f"{path.name} has a directory of {size} bytes, the limit is {LARGEST_DIRECTORY}; get the authors' own file"
        )
    return Directory(start, size, offset + end, comment=at + END_BYTES != len(tail))


def _check_zip(path: Path) -> None:
    found = directory_of(path)
    if found.comment or found.start + found.size != found.end:  # two programs might read different directories
        raise BadWeights(f"{path.name} is damaged or not written by torch.save; download it again")
    length = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(one.compress_type != zipfile.ZIP_STORED or one.compress_size != one.file_size for one in members):
            raise BadWeights(
                f"{path.name} has compressed members, which torch.save never writes; download the authors' own file"
            )
        if sum(one.file_size for one in members) > length:
            raise BadWeights(f"{path.name} declares more data than its {length} bytes; download it again")
        for one in members:
            if STORAGES.fullmatch(one.filename):
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
    """Parse one pickle without executing it; raises `BadWeights`, or `ValueError` when it is damaged."""
    for steps, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if steps > MOST_STEPS:
            raise BadWeights(_too_large(name))
        forbidden = opcode.name == "GLOBAL" and not NAMES.fullmatch(str(argument))
        if forbidden or opcode.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"):
            raise BadWeights(f"{name} is damaged or contains code, which is never run; download the authors' own file")


def _too_large(name: str) -> str:
    return (
        f"{name} has more than {LARGEST_PICKLE >> 20} MB or {MOST_STEPS} opcodes besides tensor data; "
        "download the authors' own file"
    )
