"""Write beside the final name, then rename: a file or folder of that name is always whole, the old one or the new."""

import glob
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deepfake_core.errors import BadRequest

STEM_KEPT = 40
"""Letters of the name in the hidden one, which must not grow too long for the file system."""

ABANDONED_SECONDS = 3600.0
"""A hidden file that has not grown for so long belongs to a run that was killed."""


def final_path(path: str | Path) -> Path:
    """The absolute path of an output, with its folder made. `BadRequest` when nothing can be written there."""
    path = Path(os.path.abspath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.exists()  # raises when the name is too long or holds what the file system forbids
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(f"{path.name} cannot be written there ({reason}); choose another place or name") from error
    if not os.access(path if path.is_dir() else path.parent, os.W_OK):
        raise BadRequest(f"{path.name} cannot be written: its folder is read-only; choose another place")
    return path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a hidden name beside `path`, of the same suffix, and rename it to `path` when the block ends well.

    When it does not, for whatever reason, the hidden file is removed and `path` stays as it was.
    """
    if path.is_dir():
        raise BadRequest(f"{path.name} is a folder; add a file's name to it")
    _remove_abandoned(path)
    draft = _hidden_name(path)
    try:
        yield draft
        _flush(draft)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder that takes the name `folder` when the block ends well; else it is removed with all in it.

    A folder that exists keeps its other files: the new ones are moved in at the end, over those of the same name.
    """
    if folder.exists() and not folder.is_dir():
        raise BadRequest(f"{folder.name} is a file, not a folder for frames; choose another name")
    place = folder / "frames" if folder.is_dir() else folder
    _remove_abandoned(place)
    draft = _hidden_name(place)
    draft.mkdir()
    try:
        yield draft
        for file in draft.iterdir():
            _flush(file)
        if folder.is_dir():
            for file in sorted(draft.iterdir()):
                os.replace(file, folder / file.name)
            draft.rmdir()
        else:
            os.rename(draft, folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _flush_folder(folder.parent)


def _hidden_name(path: Path) -> Path:
    return path.with_name(f".{path.stem[:STEM_KEPT]}.part-{secrets.token_hex(4)}{path.suffix}")


def _remove_abandoned(path: Path) -> None:
    """Remove what a run that was killed left beside `path`: hidden names for it that nobody has written to for long."""
    for draft in path.parent.glob(f".{glob.escape(path.stem[:STEM_KEPT])}.part-*"):
        with suppress(OSError):  # another process was quicker, or it may not be removed
            if time.time() - draft.lstat().st_mtime < ABANDONED_SECONDS:
                continue
            if draft.is_dir() and not draft.is_symlink():
                shutil.rmtree(draft)
            else:
                draft.unlink()


def _flush(path: Path) -> None:
    """A rename can reach the disk before the bytes do; after a power cut the name would hold nothing."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # other systems cannot open folders, and need not
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
