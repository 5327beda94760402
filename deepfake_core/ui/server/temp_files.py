"""The folder that holds all of a server's temporary files, and what becomes of it when the server is killed.

Where it lies is the system's choice (`TMPDIR`), and may be another one at the next start. So every server writes a
note of its folder into the user's state folder, and the next one removes what the notes name, if it is abandoned.
"""

import ctypes
import logging
import os
import secrets
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from deepfake_core.settings import settings

BEGINNING = "deepfake-lab-server-"
LOCK = "lock"
NOTE = ".txt"
LONGEST_NOTE = 4096
"""Bytes; no path is longer."""
SWEEP_SECONDS = 30.0
"""How often files that have been kept long enough are looked for."""
STARTING_SECONDS = 3600.0
"""A folder without a lock is one whose server is starting, or was killed at that moment, long ago."""
REMOVALS = 20
"""How often a folder is removed, a tenth of a second apart, while threads that still run put files into it."""

log = logging.getLogger(__name__)


@contextmanager
def temp_folder() -> Iterator[Path]:
    """Everything temporary of this process goes into one folder that only its user may read, and goes with it.

    A server that is killed cannot remove its own; the lock in it is free then, and the next start removes it, wherever
    it lies.
    """
    remove_abandoned()
    folder, lock, note = _locked_folder()
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        lock.release()
        _remove(folder)
        if note is not None and not folder.exists():
            note.unlink(missing_ok=True)


def state_folder() -> Path:
    """Where the notes lie: `$DEEPFAKE_HOME/servers`, else in the user's state folder."""
    if home := settings().home:
        return Path(home) / "servers"
    state = os.environ.get("XDG_STATE_HOME") or Path(os.path.expanduser("~")) / ".local" / "state"
    return Path(state) / "deepfake-lab" / "servers"


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
    """Remove the folders of this user's servers that run no more: those in today's place, and those of the notes."""
    noted = _noted()
    for folder in {*Path(tempfile.gettempdir()).glob(f"{BEGINNING}*"), *noted.values()}:
        with suppress(OSError, Timeout):  # gone, or that of a server that runs
            if not _is_own_folder(folder):
                continue
            if not (folder / LOCK).exists() and time.time() - folder.stat().st_mtime < STARTING_SECONDS:
                continue
            with FileLock(folder / LOCK).acquire(timeout=0):
                _remove(folder)
    for note, folder in noted.items():
        with suppress(OSError):
            if not folder.exists() and time.time() - note.stat().st_mtime >= STARTING_SECONDS:
                note.unlink()


def _noted() -> dict[Path, Path]:
    """The notes, and the folders that they name; notes of anybody else are passed over."""
    found = {}
    if not _is_own_folder(state_folder(), beginning=""):
        return {}
    for note in state_folder().glob(f"*{NOTE}"):
        with suppress(OSError, ValueError):
            with os.fdopen(os.open(note, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
                folder = Path(os.fsdecode(file.read(LONGEST_NOTE)))
            if folder.is_absolute() and ".." not in folder.parts:
                found[note] = folder
    return found


def _is_own_folder(folder: Path, beginning: str = BEGINNING) -> bool:
    """Whether it is a folder of this user's that nobody else may write to, under a name of ours, and no link to one."""
    if not folder.name.startswith(beginning):
        return False
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    private = os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
    return stat.S_ISDIR(found.st_mode) and private


def _locked_folder() -> tuple[Path, FileLock, Path | None]:
    """A new folder (mode 0700), its lock, held, and its note. Tried again should another start have taken the lock.

    The note comes first: whenever the server is killed, no folder is left that no note names.
    """
    while True:
        folder = Path(tempfile.gettempdir()).absolute() / f"{BEGINNING}{secrets.token_hex(8)}"
        note = _write_note(folder)
        folder.mkdir(mode=0o700)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except (OSError, Timeout):
            continue
        return folder, lock, note


def _write_note(folder: Path) -> Path | None:
    """Write down where a folder is going to be; None where nothing can be written, or anybody could write."""
    notes = state_folder()
    try:
        notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own_folder(notes, beginning=""):
            raise PermissionError(f"{notes} is no folder of this user's alone")
        note = notes / f"{folder.name}{NOTE}"
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.fsencode(folder))
    except OSError as error:
        log.warning(
            "no note of %s (%s): if this server is killed, only one with the same TMPDIR removes it", folder, error
        )
        return None
    return note


def _remove(folder: Path) -> None:
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
