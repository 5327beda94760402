"""Check that other users of this machine can neither read nor replace a secret file.

Owners and permissions are those of POSIX. On Windows nothing is checked: a user's own folders are private there by
inherited access lists, and a key stored elsewhere has to be protected by the operator.
"""

import os
import stat
from pathlib import Path

from deepfake_core.errors import BadRequest

ROOT = 0
LARGEST = 1 << 20
"""Maximum bytes read of a key with its certificates."""
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Windows has the last one alone, without which it changes line ends."""


def private_bytes(path: Path) -> bytes:
    """The content of a file that no other user can read or could have created.

    A link is followed, and its target must meet the same rules. The owner must be this user, or root (which provides
    the secrets of containers; then the group may read the file). The folders of the file and of the link must belong
    to this user or root and not be writable by others, unless they are sticky, as /tmp is.
    Raises `BadRequest` with the command that fixes it.
    """
    try:
        target = path.resolve(strict=True)
        for folder in {path.absolute().parent, target.parent}:
            _check_folder(folder)
        descriptor = os.open(target, READ_FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)  # of the opened file: the name may have been replaced meanwhile
            if not stat.S_ISREG(found.st_mode):
                raise BadRequest(f"{path.name} is not a regular file; check the signing settings")
            _check_file(target, found)
            return file.read(LARGEST)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(f"{path.name} cannot be read ({reason}); check the signing settings") from error


def require_private(folder: Path) -> None:
    """Raise `BadRequest` unless `folder` belongs to this user and no other user has access."""
    found = folder.stat()
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise BadRequest(f"{folder} belongs to {_owner(found)}, not to this user; run: chown {os.geteuid()} {folder}")
    if found.st_mode & 0o077:
        raise BadRequest(f"other users can access {folder}, which holds the signing key; run: chmod 700 {folder}")


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
            f"other users of this machine can read or change the key in {path.name} (its mode is "
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
            f"other users can replace the signing key, because they can write to its folder {folder}; "
            f"run: chmod go-w {folder}"
        )


def _owner(found: os.stat_result) -> str:
    return f"user {found.st_uid}"
