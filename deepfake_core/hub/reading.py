"""The authors' checkpoint files as tensors and nothing else: pickles never run, archives are never unpacked blindly."""

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
from deepfake_core.hub.files import cache_folder, made, one_line, printable
from deepfake_core.hub.pickle_check import directory_of, is_stored_zip, refuse_hungry

ENDINGS = (".ckpt", ".pth", ".pt", ".pth.tar", ".safetensors")
LARGEST = 4 * 2**30
"""Bytes of one file in an archive; what says that it is larger is not unpacked."""
CHUNK = 2**20


def read_checkpoint(path: Path) -> Any:
    """The tensors of a pickled checkpoint; raises `BadWeights` for anything that holds more than that.

    A file that today's torch wrote is mapped, not read: what the import leaves out never takes memory.
    """
    refuse_text(path)
    refuse_hungry(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_stored_zip(path))
    except Exception as error:  # of a damaged or hostile file it can be any
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise BadWeights(
                f"{path.name} is no plain checkpoint: it is damaged, or holds code, which is never run"
            ) from error
        raise BadWeights(f"{path.name} is damaged or no checkpoint; fetch it again") from error


def refuse_text(path: Path) -> None:
    """Raise `BadWeights` for a web page, or another text, that was saved under the checkpoint's name."""
    with path.open("rb") as file:
        beginning = file.read(512)
    with contextlib.suppress(UnicodeDecodeError):
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(beginning)  # whose last letter may be cut
        if text and all(letter.isprintable() or letter.isspace() for letter in text):
            raise BadWeights(
                f"{path.name} is a text or a web page, not a checkpoint: the address probably asked for a click or a "
                "sign-in; open it in a browser and save the file itself"
            )


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[list[Path]]:
    """The checkpoints of a zip archive around them, for the length of the block; `path` itself if it is none.

    Raises `BadWeights` when an archive holds no checkpoint, or one that would not fit.
    """
    if not is_archive(path):
        yield [path]
        return
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(dir=made(cache_folder())) as folder:
        members = [one for one in archive.infolist() if one.filename.endswith(ENDINGS) and not one.is_dir()]
        refuse_members(path.name, members)
        yield [extract(archive, one, Path(folder)) for one in members]


def is_archive(path: Path) -> bool:
    """Whether it is a zip around files; today's checkpoints are zips themselves, with a `data.pkl` inside.

    Raises `BadWeights` for one with too many members.
    """
    if not zipfile.is_zipfile(path):
        return False
    directory_of(path)  # raises for a list of members that would fill memory
    try:
        with zipfile.ZipFile(path) as archive:
            return not any(name.endswith("/data.pkl") for name in archive.namelist())
    except Exception:  # of a damaged file it can be any; whoever reads it on says what is wrong
        return False


def refuse_members(name: str, members: Sequence[zipfile.ZipInfo]) -> None:
    """Raise `BadWeights` for an archive whose checkpoints cannot be told apart, or would fill memory or disk."""
    if not members:
        raise BadWeights(f"{name} is an archive without a checkpoint ({', '.join(ENDINGS)}); fetch it again")
    if sum(one.file_size for one in members) > LARGEST:
        raise BadWeights(f"{name} says that it holds over 4 GiB of checkpoints; unpack it, and import one of them")
    if len({bare_name(one) for one in members}) < len(members):
        raise BadWeights(f"{name} holds several checkpoints of one name; unpack it, and import the right one")
    if any(one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for one in members):
        raise BadWeights(f"{name} is packed in a way that is not read here; unpack it, and import the checkpoint")


def bare_name(member: zipfile.ZipInfo) -> str:
    """The last part of its path, which can stand in a folder and in a sentence."""
    return one_line(Path(member.filename).name)


def extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    """One file, under its bare name, however its path reads in the archive."""
    target, name = folder / bare_name(member), printable(member.filename)
    left = member.file_size
    try:
        with archive.open(member) as packed, target.open("wb") as file:
            while chunk := packed.read(min(CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise BadWeights(f"{name} is longer than its archive says; fetch it again")
                file.write(chunk)
    except LabError:
        raise
    except Exception as error:  # of a damaged file it can be any
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise NotEnoughSpace(f"the disk filled up while {name} was unpacked; make room") from error
        raise BadWeights(f"the archive around {name} is damaged or encrypted; fetch it again") from error
    return target
