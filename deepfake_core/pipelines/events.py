"""What every pipeline yields while it runs: `run(model, request, deadline) -> Iterator[Progress | Finished]`.

The page, the command line, Python and a remote engine are clients of it, so events hold paths, numbers and words, which
can be pickled or written as JSON, and no pixels. Pictures that a network made are labelled and signed before an event
names them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Role = Literal["result", "source", "back", "strip", "change", "cell", "side_by_side", "inside"]
"""What a file shows: the result, what the network saw of the source, the result translated back, all changes in a row,
one change, one cell of a grid, source and driver and result, one of the network's inner maps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A finished file (or folder of numbered frames) under its final name."""

    path: Path
    role: Role
    caption: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is known of it, as JSON holds it; each pipeline says which."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A step is done."""

    done: int
    """Steps that are done, from 1."""
    total: int | None
    """None while nobody knows."""
    unit: str = "picture"
    """What a step makes, in the singular: a picture, a frame."""
    task: str = ""
    """What the steps are for, where that is not the result itself, such as "Looking for the best frame"."""
    files: tuple[File, ...] = ()
    """Those that were finished by this step."""
    preview: Path | None = None
    """A small labelled picture of the newest state; the next one replaces it."""
    rate: float | None = None
    """Steps per second."""
    seconds_left: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The run came to its end."""

    files: tuple[File, ...]
    """All of them, in the order in which they were finished; the main result is the first one of role "result"."""
    notes: tuple[str, ...]
    """What the user should know, one sentence each."""
    seconds: float

    @property
    def path(self) -> Path:
        """The main result: the first file of role "result", else the first of all."""
        return next((file.path for file in self.files if file.role == "result"), self.files[0].path)

    def of(self, role: Role) -> tuple[File, ...]:
        """The files of one role."""
        return tuple(file for file in self.files if file.role == role)


class Clock:
    """Measures a run: seconds since its start, and from the steps that are done the rate and the seconds left."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def progress(self, done: int, total: int | None, **more: Any) -> Progress:
        """The event after `done` steps of `total`; `more` are its other fields."""
        rate = done / max(self.seconds, 1e-6)
        left = max(0, total - done) / rate if total else None
        return Progress(done=done, total=total, rate=rate, seconds_left=left, **more)
