"""The report of a benchmark: a table, figures for JSON, and whether the targets were met."""

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
    """A target, and whether it was met."""

    claim: str
    met: bool
    figure: "Figure | None" = None
    """The measured value, for comparison with other weights."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured value with its target and baseline."""

    measure: str
    result: float | None
    """None if it could not be measured."""
    target: float
    baseline: float | None = None
    more_is_better: bool = True
    unit: str = ""
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        if self.result is None:
            return False
        return self.result >= self.target if self.more_is_better else self.result <= self.target

    def better_than(self, other: "Figure") -> bool:
        """Whether it is strictly better than the same measure of other weights."""
        if self.result is None or other.result is None:
            return other.result is None and self.result is not None
        return self.result > other.result if self.more_is_better else self.result < other.result

    def formatted(self, value: float | None) -> str:
        """Format a value with its unit."""
        return "-" if value is None else f"{value:.{self.digits}f}{self.unit}"

    def bar(self) -> Bar:
        """The target as a bar."""
        word = "at least" if self.more_is_better else "at most"
        return Bar(
            claim=f"{self.measure} {word} {self.formatted(self.target)} ({self.formatted(self.result)})",
            met=self.met,
            figure=self,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The result of one benchmark."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """How it was measured, as sentences."""
    bars: tuple[Bar, ...]
    figures: dict[str, object]
    """All values, for JSON."""

    @property
    def passed(self) -> bool:
        """Whether all targets are met."""
        return all(bar.met for bar in self.bars)

    def text(self) -> str:
        """The table, its notes, and the targets."""
        lines = aligned([("", *self.columns), *((row.name, *row.values) for row in self.rows)])
        verdicts = (f"{'met' if bar.met else 'MISSED'}: {bar.claim}" for bar in self.bars)
        return "\n".join((self.title, *lines, *self.notes, *verdicts))

    def write(self, path: Path) -> None:
        """Write everything as JSON, with a description of the machine."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "passed": self.passed, "machine": machine()}, indent=2) + "\n")


def aligned(table: list[tuple[str, ...]]) -> list[str]:
    """Format rows of cells as lines, with names left-aligned and values right-aligned."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return ["  ".join((name.ljust(widths[0]), *map(str.rjust, cells, widths[1:]))) for name, *cells in table]


def machine() -> dict[str, object]:
    """A description of the machine."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "load": load,
    }
