"""The events of all pipelines: `run(model, request, deadline) -> Iterator[Progress | Finished]`.

The page, the command line, the Python API and remote engines are clients. Events contain paths, numbers and text but no
pixels, so they can be pickled and written as JSON. Generated files are labelled and signed before an event names them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deepfake_core.pipelines.suitability import Mismatch

Role = Literal["result", "source", "back", "strip", "change", "cell", "side_by_side", "inside"]
"""What a file shows: the result, the network's input, the result translated back, all changes in a row, one change, one
cell of a grid, source next to driver and result, one intermediate result of the network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A finished file (or folder of numbered frames) under its final name."""

    path: Path
    role: Role
    caption: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON-compatible facts; see each pipeline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A step has finished."""

    done: int
    """Number of finished steps, from 1."""
    total: int | None
    """None if unknown."""
    unit: str = "picture"
    """What a step produces, in the singular: "picture", "frame"."""
    task: str = ""
    """The purpose of steps that do not produce the result, such as "Looking for the best frame"."""
    files: tuple[File, ...] = ()
    """The files that this step finished."""
    preview: Path | None = None
    """A small labelled picture of the current state, which the next one overwrites."""
    rate: float | None = None
    """Steps per second."""
    seconds_left: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """The run has finished."""

    files: tuple[File, ...]
    """All files in the order in which they were finished."""
    notes: tuple[str, ...]
    """Notes for the user, one sentence each."""
    seconds: float
    mismatch: Mismatch | None = None
    """What `notes` also say: the weights are not made for such pictures."""

    @property
    def path(self) -> Path:
        """The main result: the first file of role "result", else the first file."""
        return next((file.path for file in self.files if file.role == "result"), self.files[0].path)

    def of(self, role: Role) -> tuple[File, ...]:
        """The files of a role."""
        return tuple(file for file in self.files if file.role == role)


class Clock:
    """Measures the time of a run, and estimates its rate and the seconds left."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def progress(self, done: int, total: int | None, **more: Any) -> Progress:
        """The event after `done` steps of `total`; `more` are its other fields."""
        rate = done / max(self.seconds, 1e-6)
        left = max(0, total - done) / rate if total else None
        return Progress(done=done, total=total, rate=rate, seconds_left=left, **more)
