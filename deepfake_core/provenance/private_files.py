"""Whether other users of this machine could read or replace a secret file.

Owners and permissions are those of POSIX. On Windows nothing is checked here: a user's own folders are private there by
the access lists that they inherit, and a key that is kept elsewhere is protected by whoever put it there.
"""

import os
import stat
from pathlib import Path

from deepfake_core.errors import BadRequest

ROOT = 0
LARGEST = 1 << 20
"""Bytes of a key with its certificates; no more are read."""


def private_bytes(path: Path) -> bytes:
    """The content of a file that this user alone may read, and that nobody else could have put there.

    A link is followed, and its target is held to the same rules. The file belongs to this user, or to root, who gives
    a container its secrets; then its group may read it, since otherwise nobody but root could. Neither the folder of
    the file nor that of the link may be another user's, or writable by others (unless it is sticky, as /tmp is).
    Raises `BadRequest` with the command that mends it.
    """
    try:
        target = path.resolve(strict=True)
        for folder in {path.absolute().parent, target.parent}:
            _check_folder(folder)
        descriptor = os.open(target, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)  # of what was opened, whatever has the name by now
            if not stat.S_ISREG(found.st_mode):
                raise BadRequest(f"{path.name} is no regular file; check the signing settings")
            _check_file(target, found)
            return file.read(LARGEST)
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(f"{path.name} cannot be read ({reason}); check the signing settings") from error


def require_private(folder: Path) -> None:
    """Raise `BadRequest` unless a folder of our own is this user's, and closed to everybody else."""
    found = folder.stat()
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise BadRequest(f"{folder} belongs to {_owner(found)}, not to this user; run: chown {os.geteuid()} {folder}")
    if found.st_mode & 0o077:
        raise BadRequest(f"other users may look into {folder}, where the signing key is; run: chmod 700 {folder}")


def _check_file(path: Path, found: os.stat_result) -> None:
    if os.name != "posix":
        return
    own = found.st_uid == os.geteuid()
    if not own and found.st_uid != ROOT:
        raise BadRequest(
            f"the key in {path.name} belongs to {_owner(found)}, not to this user; run: chown {os.geteuid()} {path}"
        )
    allowed = 0o700 if own else 0o740
    if stat.S_IMODE(found.st_mode) & ~allowed:
        raise BadRequest(
            f"other users of this machine may read or change the key in {path.name} (its mode is "
            f"{stat.S_IMODE(found.st_mode):o}); run: chmod {'600' if own else '640'} {path}"
        )


def _check_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    found = folder.stat()
    if found.st_uid not in (os.geteuid(), ROOT):
        raise BadRequest(
            f"the folder {folder} of the signing key belongs to {_owner(found)}, who could replace the key; "
            f"run: chown {os.geteuid()} {folder}"
        )
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise BadRequest(
            f"other users may replace the signing key, because they may write to its folder {folder}; "
            f"run: chmod go-w {folder}"
        )


def _owner(found: os.stat_result) -> str:
    return f"user {found.st_uid}"
