"""What a benchmark found: figures for a file, a small table for the eye, and whether the bars were met."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import torch


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What was demanded, and whether it is so."""

    claim: str
    met: bool
    figure: "Figure | None" = None
    """What it rests on, where it is a number that other weights can be compared in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One number beside what was asked of it, and what doing nothing would reach."""

    measure: str
    result: float | None
    """None when it could not be measured."""
    target: float
    baseline: float | None = None
    more_is_better: bool = True
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        if self.result is None:
            return False
        return self.result >= self.target if self.more_is_better else self.result <= self.target

    def better_than(self, other: "Figure") -> bool:
        """Whether it is strictly better than the same measure of other weights."""
        if self.result is None or other.result is None:
            return other.result is None and self.result is not None
        return self.result > other.result if self.more_is_better else self.result < other.result

    def told(self, value: float | None) -> str:
        """A value in the measure's unit."""
        return "-" if value is None else f"{value:.{self.digits}f}{self.unit}"

    def bar(self) -> Bar:
        """The target as a bar."""
        word = "at least" if self.more_is_better else "at most"
        return Bar(
            claim=f"{self.measure} {word} {self.told(self.target)} ({self.told(self.result)})",
            met=self.met,
            figure=self,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcome of one benchmark."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """How it was measured, in sentences."""
    bars: tuple[Bar, ...]
    figures: dict[str, object]
    """Everything in numbers, for JSON."""

    @property
    def passed(self) -> bool:
        """Whether every bar is met."""
        return all(bar.met for bar in self.bars)

    def text(self) -> str:
        """The table, its notes, and the verdicts."""
        lines = aligned([("", *self.columns), *((row.name, *row.values) for row in self.rows)])
        verdicts = (f"{'met' if bar.met else 'MISSED'}: {bar.claim}" for bar in self.bars)
        return "\n".join((self.title, *lines, *self.notes, *verdicts))

    def write(self, path: Path) -> None:
        """Write everything as JSON, with the machine that it was measured on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "passed": self.passed, "machine": machine()}, indent=2) + "\n")


def aligned(table: list[tuple[str, ...]]) -> list[str]:
    """Rows of cells as lines of text, names to the left and values to the right."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return ["  ".join((name.ljust(widths[0]), *map(str.rjust, cells, widths[1:]))) for name, *cells in table]


def machine() -> dict[str, object]:
    """What a figure depends on besides the code."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "load": load,
    }
