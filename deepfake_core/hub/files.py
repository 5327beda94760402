"""The folder of weights, and what is written there: every file appears whole or not at all, with its hash beside it."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from deepfake_core.errors import BadRequest, NotEnoughSpace
from deepfake_core.settings import settings


def cache_folder() -> Path:
    """Where imported weights lie: `$DEEPFAKE_HOME`, else `deepfake-lab` in the user's cache folder."""
    home = settings().home
    base = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return Path(home) if home else Path(base) / "deepfake-lab"


def made(folder: Path) -> Path:
    """The folder, which exists from now on."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def one_line(name: str) -> str:
    """A name out of a file that anyone may have written, without line ends and letters that change how others show."""
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def printable(name: str) -> str:
    """The same, short enough for a sentence."""
    return one_line(name if len(name) <= 100 else f"{name[:97]}...")


def sha256_of(path: Path) -> str:
    """The hash of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_file(path: Path) -> Path:
    """Where the hash of some weights is written down, in the form that `sha256sum --check` reads."""
    return path.with_name(f"{path.name}.sha256")


def written_hash(path: Path) -> str | None:
    """The hash that was written down when the weights were made; None if none was."""
    with contextlib.suppress(OSError):
        words = hash_file(path).read_text(encoding="ascii", errors="replace").split()
        return words[0] if words else None
    return None


def write_hash(path: Path, digest: str) -> None:
    """Write down the hash of `path`."""
    with whole_file(hash_file(path)) as aside:
        aside.write_text(f"{digest}  {path.name}\n", encoding="ascii")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file to write beside `path`, which takes its place at the end of the block, or goes if that ends badly.

    Raises `NotEnoughSpace` when the disk is full, and `BadRequest` when nothing can be written there.
    """
    aside = path.with_name(f".{path.name}.part-{os.getpid()}")
    try:
        made(path.parent)
        aside.unlink(missing_ok=True)  # left by a process of the same number, or a link to somewhere else
        yield aside
        aside.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotEnoughSpace(
                f"the disk is full: {path.name} was not written; make room in {path.parent}"
            ) from error
        raise BadRequest(f"{path.name} cannot be written to {path.parent}: {error}; choose another place") from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
