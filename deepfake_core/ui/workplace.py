"""The folder that holds all of a server's temporary files, and what becomes of it when the server is killed."""

import ctypes
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

BEGINNING = "deepfake-lab-server-"
LOCK = "lock"
SWEEP_SECONDS = 30.0
"""How often files that have been kept long enough are looked for."""
STARTING_SECONDS = 3600.0
"""A folder without a lock is one whose server is starting, or was killed at that moment, long ago."""


@contextmanager
def workplace() -> Iterator[Path]:
    """Everything temporary of this process goes into one folder that only its user may read, and goes with it.

    A server that is killed cannot remove its own; the lock in it is free then, and the next start removes it.
    """
    remove_abandoned()
    folder, lock = _locked_folder()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def keep_clean(folder: Path, seconds: float) -> None:
    """From now on, remove every file in `folder` once it has lain there for so long; what is there already stays."""
    spared = frozenset(folder.rglob("*"))

    def sweep() -> None:
        while folder.is_dir():
            remove_old(folder, seconds, spared)
            _return_memory()
            time.sleep(SWEEP_SECONDS)

    threading.Thread(target=sweep, name="sweeper", daemon=True).start()


def _return_memory() -> None:
    """Give the system back what is free: glibc keeps it for each thread, of which a server has many."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def remove_old(folder: Path, seconds: float, spared: Collection[Path] = ()) -> None:
    """Remove the files that came into `folder` so long ago, and the folders in it that are empty then."""
    for path in sorted(folder.rglob("*"), reverse=True):  # a folder after what is in it
        if path in spared:
            continue
        with suppress(OSError):  # gone already, or not empty
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            elif time.time() - path.lstat().st_ctime >= seconds:  # a copy keeps the other date, that of its contents
                path.unlink()


def remove_abandoned() -> None:
    """Remove the folders of this user's servers that run no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{BEGINNING}*"):
        lock = FileLock(folder / LOCK)
        try:
            if os.name == "posix" and folder.lstat().st_uid != os.getuid():
                continue  # somebody else's, in a place where everybody may make folders of any name
            if not (folder / LOCK).exists() and time.time() - folder.stat().st_mtime < STARTING_SECONDS:
                continue
            with lock.acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):
            continue  # that of a server that runs


def _locked_folder() -> tuple[Path, FileLock]:
    """A new folder (mode 0700) and its lock, held. Tried again should a start beside this one have taken the lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=BEGINNING))
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except (OSError, Timeout):
            continue
        return folder, lock
