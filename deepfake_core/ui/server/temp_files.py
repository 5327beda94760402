"""The folder with all temporary files of a server, and its removal after the server was killed.

Its location depends on `TMPDIR`, which may differ at the next start. So every server writes the path into a note in the
user's state folder, and the next server removes the abandoned folders that the notes name.
"""

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

from deepfake_core.media.memory import release_memory
from deepfake_core.settings import settings

BEGINNING = "deepfake-lab-server-"
LOCK = "lock"
NOTE = ".txt"
MAX_NOTE_BYTES = 4096
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
"""The maximum length of a path."""
SWEEP_SECONDS = 30.0
"""Between searches for expired files."""
STARTING_SECONDS = 3600.0
"""A folder without a lock belongs to a starting server; after this time, to one that was killed while it started."""
REMOVALS = 20
"""Attempts to remove a folder, 0.1 s apart, while running threads may still write into it."""

log = logging.getLogger(__name__)


@contextmanager
def temp_folder() -> Iterator[Path]:
    """In this context, all temporary files of the process go into one private folder, which is removed at the end.

    If the server is killed, its lock is released and the next server removes the folder.
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
    """The folder of the notes: `$DEEPFAKE_HOME/servers`, else in the user's state folder."""
    if home := settings().home:
        return Path(home) / "servers"
    state = os.environ.get("XDG_STATE_HOME") or Path(os.path.expanduser("~")) / ".local" / "state"
    return Path(state) / "deepfake-lab" / "servers"


def keep_clean(folder: Path, seconds: float) -> None:
    """Remove new files in `folder` once they are `seconds` old, in a background thread; existing files stay."""
    spared = frozenset(folder.rglob("*"))

    def sweep() -> None:
        while folder.is_dir():
            remove_old(folder, seconds, spared)
            release_memory()
            time.sleep(SWEEP_SECONDS)

    threading.Thread(target=sweep, name="sweeper", daemon=True).start()


def remove_old(folder: Path, seconds: float, spared: Collection[Path] = ()) -> None:
    """Remove the files that were added to `folder` at least `seconds` ago, and folders that are empty then."""
    for path in sorted(folder.rglob("*"), reverse=True):  # contents before their folder
        if path in spared:
            continue
        with suppress(OSError):  # already removed, or not empty
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            elif time.time() - path.lstat().st_ctime >= seconds:  # a copy keeps the mtime of its source
                path.unlink()


def remove_abandoned() -> None:
    """Remove the folders of this user's stopped servers, in the current `TMPDIR` and in those of the notes."""
    noted = _noted()
    for folder in {*Path(tempfile.gettempdir()).glob(f"{BEGINNING}*"), *noted.values()}:
        with suppress(OSError, Timeout):  # already removed, or in use by a running server
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
    """Note -> the folder that it names; notes of other users are ignored."""
    found = {}
    if not _is_own_folder(state_folder(), beginning=""):
        return {}
    for note in state_folder().glob(f"*{NOTE}"):
        with suppress(OSError, ValueError):
            with os.fdopen(os.open(note, READ_FLAGS), "rb") as file:
                folder = Path(os.fsdecode(file.read(MAX_NOTE_BYTES)))
            if folder.is_absolute() and ".." not in folder.parts:
                found[note] = folder
    return found


def _is_own_folder(folder: Path, beginning: str = BEGINNING) -> bool:
    """Whether it is a folder with our prefix, not a link, that is owned and only writable by this user."""
    if not folder.name.startswith(beginning):
        return False
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    private = os.name != "posix" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
    return stat.S_ISDIR(found.st_mode) and private


def _locked_folder() -> tuple[Path, FileLock, Path | None]:
    """A new folder (mode 0700), its acquired lock, and its note. Retries if another server took the lock.

    The note is written first, so that no folder is left without a note whenever the server is killed.
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
    """Write the path of a future folder; None if the state folder is not writable, or not private."""
    notes = state_folder()
    try:
        notes.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own_folder(notes, beginning=""):
            raise PermissionError(f"{notes} is not a private folder of this user")
        note = notes / f"{folder.name}{NOTE}"
        descriptor = os.open(note, WRITE_FLAGS, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.fsencode(folder))
    except OSError as error:
        log.warning(
            "could not write a note for %s (%s); if killed, only a server with the same TMPDIR removes it",
            folder,
            error,
        )
        return None
    return note


def _remove(folder: Path) -> None:
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
