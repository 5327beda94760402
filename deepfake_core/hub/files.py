"""The weights cache: its folder, atomic writes into it, and the SHA-256 file stored next to each weights file."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from deepfake_core.errors import BadRequest, NotEnoughSpace
from deepfake_core.media.atomic_write import atomic_file
from deepfake_core.settings import settings


def cache_folder() -> Path:
    """Folder of imported weights: `$DEEPFAKE_HOME`, else `deepfake-lab` in the user's cache folder."""
    home = settings().home
    base = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return Path(home) if home else Path(base) / "deepfake-lab"


def ensure_folder(folder: Path) -> Path:
    """Create `folder` if needed and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def one_line(name: str) -> str:
    """An untrusted name with control and formatting characters replaced by `_`."""
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def printable(name: str) -> str:
    """`one_line` shortened to 100 characters, for messages."""
    return one_line(name if len(name) <= 100 else f"{name[:97]}...")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_file(path: Path) -> Path:
    """Path of the checksum file of some weights, in the format of `sha256sum --check`."""
    return path.with_name(f"{path.name}.sha256")


def recorded_hash(path: Path) -> str | None:
    """The hash recorded when the weights were written; None if there is no checksum file."""
    with contextlib.suppress(OSError):
        words = hash_file(path).read_text(encoding="ascii", errors="replace").split()
        return words[0] if words else None
    return None


def write_hash(path: Path, digest: str) -> None:
    """Record `digest` as the hash of `path`."""
    with cache_file(hash_file(path)) as temporary:
        temporary.write_text(f"{digest}  {path.name}\n", encoding="ascii")


@contextlib.contextmanager
def cache_file(path: Path) -> Iterator[Path]:
    """Write `path` atomically, creating its folder: see `atomic_file`.

    Raises `NotEnoughSpace` when the disk is full, and `BadRequest` when the folder is not writable.
    """
    try:
        ensure_folder(path.parent)
        with atomic_file(path) as temporary:
            yield temporary
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotEnoughSpace(
                f"the disk is full: {path.name} was not written; free some space in {path.parent}"
            ) from error
        raise BadRequest(f"{path.name} cannot be written to {path.parent} ({error}); choose another folder") from error
