"""Read the authors' checkpoints safely: pickles are never executed, and archives are checked before extraction."""

import codecs
import contextlib
import errno
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from deepfake_core.errors import BadWeights, LabError, NotEnoughSpace
from deepfake_core.hub.files import cache_folder, ensure_folder, one_line, printable
from deepfake_core.hub.pickle_check import check_checkpoint, directory_of, is_stored_zip

ENDINGS = (".ckpt", ".pth", ".pt", ".pth.tar", ".safetensors")
LARGEST = 4 * 2**30
"""Maximum total bytes of the checkpoints in an archive."""
CHUNK = 2**20


def read_checkpoint(path: Path) -> Any:
    """The tensors of a pickled checkpoint; raises `BadWeights` for any other content.

    A file in torch's current format is memory-mapped, so tensors that the import drops take no memory.
    """
    check_not_text(path)
    check_checkpoint(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_stored_zip(path))
    except Exception as error:  # a damaged or malicious file can cause any exception
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise BadWeights(
                f"{path.name} is damaged or contains code, which is never run; download the authors' own file"
            ) from error
        raise BadWeights(f"{path.name} is damaged or not a checkpoint; download it again") from error


def check_not_text(path: Path) -> None:
    """Raise `BadWeights` for a web page or other text saved under the checkpoint's name."""
    with path.open("rb") as file:
        beginning = file.read(512)
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(beginning)  # the last character may be incomplete
        if text and all(letter.isprintable() or letter.isspace() for letter in text):
            raise BadWeights(
                f"{path.name} is a text or web page, not a checkpoint: the download probably requires a click or a "
                "login; open the address in a browser and save the file itself"
            )


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[list[Path]]:
    """Extract the checkpoints of a zip archive for the duration of the block; `path` itself if it is not an archive.

    Raises `BadWeights` when an archive has no checkpoint, or too large ones.
    """
    if not is_archive(path):
        yield [path]
        return
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(dir=ensure_folder(cache_folder())) as folder:
        members = [one for one in archive.infolist() if one.filename.endswith(ENDINGS) and not one.is_dir()]
        check_members(path.name, members)
        yield [extract(archive, one, Path(folder)) for one in members]


def is_archive(path: Path) -> bool:
    """Whether it is a zip archive of files; torch's current format is a zip itself, with a `data.pkl` inside.

    Raises `BadWeights` for one with too many members.
    """
    if not zipfile.is_zipfile(path):
        return False
    directory_of(path)  # raises for a directory that would exhaust memory
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith("/data.pkl") for name in archive.namelist())
    except Exception:  # a damaged file can cause any exception; `read_checkpoint` reports it
        return False


def check_members(name: str, members: Sequence[zipfile.ZipInfo]) -> None:
    """Raise `BadWeights` for an archive with ambiguous, too large or unsupported checkpoints."""
    if not members:
        raise BadWeights(f"{name} is an archive without a checkpoint ({', '.join(ENDINGS)}); download it again")
    if sum(one.file_size for one in members) > LARGEST:
        raise BadWeights(f"{name} has more than 4 GiB of checkpoints; extract it, and import one of them")
    if len({bare_name(one) for one in members}) < len(members):
        raise BadWeights(f"{name} has several checkpoints of the same name; extract it, and import the right one")
    if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in members):
        raise BadWeights(f"{name} uses an unsupported compression; extract it, and import the checkpoint")


def bare_name(member: zipfile.ZipInfo) -> str:
    """The file name of an archive member, safe to use in a path and in a message."""
    return one_line(Path(member.filename).name)


def extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    """Extract one member into `folder` under its bare name, ignoring its path in the archive."""
    target, name = folder / bare_name(member), printable(member.filename)
    left = member.file_size
    try:
        with archive.open(member) as packed, target.open("wb") as file:
            while chunk := packed.read(min(CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise BadWeights(f"{name} is longer than declared in its archive; download it again")
                file.write(chunk)
    except LabError:
        raise
    except Exception as error:  # a damaged file can cause any exception
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise NotEnoughSpace(f"the disk is full: {name} was not extracted; free some space") from error
        raise BadWeights(f"the archive of {name} is damaged or encrypted; download it again") from error
    return target
