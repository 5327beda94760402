"""Validates uploaded files and gives handlers private paths to them.

Gradio stores an upload at `<upload folder>/<hash of its content>/<name>`, so anyone who knows a file can predict its
path, and any client can send any path. Handlers therefore never get the path that was sent. The file is opened without
following links and gets a second name (a hard link, or else a copy) in a folder whose name is secret. What was checked
is therefore what is used.
"""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr

from deepfake_core.errors import MissingFile
from deepfake_core.hub.files import sha256_of
from deepfake_core.ui.server.parameters import parameter_of

FILES = (gr.Image, gr.Video, gr.File, gr.UploadButton)
"""Components of the page whose values name files."""
META = {"_type": "gradio.FileData"}
UNUSABLE = "this file is not one of your uploads, or was deleted; upload it again"
"""The same message for every path that is not an upload, so that responses do not reveal which files exist."""
NO_EXAMPLE = "{name} is neither an upload nor the name of an example; upload the file, or name one of {examples}"
"""For a text, whether a file of that name exists or not."""
HASH = re.compile(r"[0-9a-f]{64}")
MAX_QUOTE = 40
"""Characters of an unknown name that the message quotes."""
FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
FILE_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Non-blocking, so that opening a pipe without a writer does not hang; it is rejected afterwards."""


def takes_file(component: Any) -> bool:
    """Whether the value of a component names a file."""
    parameter = parameter_of(component)
    return isinstance(component, FILES) or (parameter is not None and parameter.is_file)


class UploadFolder:
    """The upload folder of a page, and the examples, whose copies are stored in it like uploads."""

    def __init__(self, folder: Path, examples: Iterable[Path] = ()) -> None:
        self._folders = {Path(os.path.abspath(folder)), folder.resolve()}
        self._examples = tuple(examples)
        self.derived: Callable[[Path], bool] = lambda path: False
        """Whether a file at a private path is made of examples alone, such as a trimmed example clip."""

    def named(self, value: Any) -> Path:
        """The path in a file value from the page. Raises `MissingFile`; does not open the file."""
        path = value.get("path") if isinstance(value, dict) and value.get("meta") == META else None
        named = Path(path) if isinstance(path, str) and "\0" not in path else None
        if (
            named is None
            or named.parent.parent not in self._folders
            or not HASH.fullmatch(named.parent.name)
            or named.name in ("", "..")
        ):
            raise MissingFile(UNUSABLE)
        return named

    def example_named(self, name: str) -> Path:
        """The example with this file name. Raises `MissingFile` for any other text."""
        known = {path.name: path for path in self._examples}
        if name not in known:
            raise MissingFile(NO_EXAMPLE.format(name=repr(name[:MAX_QUOTE]), examples=", ".join(known)))
        return known[name]

    def take(self, named: Path, until: ExitStack) -> Path:
        """A private path to the file, valid until `until` closes. Raises `MissingFile`."""
        folder = Path(until.enter_context(TemporaryDirectory(prefix="deepfake-lab-upload-")))
        try:
            _take(named, folder / named.name)
        except (OSError, ValueError) as error:
            raise MissingFile(UNUSABLE) from error
        return folder / named.name

    def example(self, taken: Path) -> Path | None:
        """The example to which a file is identical, byte for byte; None if there is none."""
        same_size = self._digests.get(taken.stat().st_size)
        return same_size.get(sha256_of(taken)) if same_size else None

    @cached_property
    def _digests(self) -> dict[int, dict[str, Path]]:
        """File size in bytes -> digest -> example; files of other sizes need not be hashed."""
        known: dict[int, dict[str, Path]] = {}
        for path in self._examples:
            known.setdefault(path.stat().st_size, {})[sha256_of(path)] = path
        return known


def _take(named: Path, target: Path) -> None:
    """Link or copy a regular file to `target`. Raises `OSError` for everything else, links included."""
    anchored = os.open in os.supports_dir_fd and os.link in os.supports_dir_fd
    with ExitStack() as opened:
        folder: int | None = None
        if anchored:
            folder = os.open(named.parent, FOLDER_FLAGS)
            opened.callback(os.close, folder)
        file = opened.enter_context(
            open(
                named.name if anchored else named, "rb", opener=lambda path, _: os.open(path, FILE_FLAGS, dir_fd=folder)
            )
        )
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{named} is not a regular file")
        if anchored and _link(named.name, folder, target):
            if not os.path.samestat(os.lstat(target), status):  # replaced meanwhile
                raise OSError(f"{named} was replaced while it was opened")
            return
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy)


def _link(name: str, folder: int | None, target: Path) -> bool:
    """Create a hard link; False where that is not possible, such as on another disk."""
    try:
        os.link(name, target, src_dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True
