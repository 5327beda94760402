"""Atomic writes: fill a temporary file or folder next to the destination, then rename it.

A reader therefore sees the old content or the new, never a part. This is the only atomic writer of the project.
"""

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
"""Characters of the file name kept in the temporary name, which must not exceed the file system's limit."""

ABANDONED_SECONDS = 3600.0
"""A temporary file untouched for this long was left by a process that was killed."""


def final_path(path: str | Path) -> Path:
    """Return the absolute path of an output and create its folder. Raises `BadRequest` when it is not writable."""
    path = Path(os.path.abspath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.exists()  # raises when the name is too long or holds what the file system forbids
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(f"{path.name} cannot be written ({reason}); choose another folder or name") from error
    if not os.access(path if path.is_dir() else path.parent, os.W_OK):
        raise BadRequest(f"{path.name} cannot be written: its folder is read-only; choose another one")
    return path


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield an unused temporary path with the suffix of `path`; rename it to `path` when the block succeeds.

    If the block raises, the temporary file is removed and `path` is left unchanged. Raises `BadRequest` when `path` is
    a folder, and `OSError` from the file system.
    """
    if path.is_dir():
        raise BadRequest(f"{path.name} is a folder; add a file name")
    _remove_abandoned(path)
    temporary = _temporary_name(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder; rename it to `folder` when the block succeeds, and delete it when the block raises.

    An existing folder keeps its other files: the new ones are moved into it at the end and replace those of the same
    name.
    """
    if folder.exists() and not folder.is_dir():
        raise BadRequest(f"{folder.name} is a file, not a folder for frames; choose another name")
    destination = folder / "frames" if folder.is_dir() else folder
    _remove_abandoned(destination)
    temporary = _temporary_name(destination)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            _flush(file)
        if folder.is_dir():
            for file in sorted(temporary.iterdir()):
                os.replace(file, folder / file.name)
            temporary.rmdir()
        else:
            os.rename(temporary, folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _flush_folder(folder.parent)


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.stem[:STEM_KEPT]}.part-{secrets.token_hex(4)}{path.suffix}")


def _remove_abandoned(path: Path) -> None:
    """Remove temporary files for `path` that were left by killed processes (see `ABANDONED_SECONDS`)."""
    for temporary in path.parent.glob(f".{glob.escape(path.stem[:STEM_KEPT])}.part-*"):
        with suppress(OSError):  # another process removed it first, or permission is missing
            if time.time() - temporary.lstat().st_mtime < ABANDONED_SECONDS:
                continue
            if temporary.is_dir() and not temporary.is_symlink():
                shutil.rmtree(temporary)
            else:
                temporary.unlink()


def _flush(path: Path) -> None:
    """Flush the content before the rename: otherwise a power cut could leave an empty file under the final name."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open folders and does not need this
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
