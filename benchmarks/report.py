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
        table = [("", *self.columns), *((row.name, *row.values) for row in self.rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        lines = ["  ".join((name.ljust(widths[0]), *map(str.rjust, cells, widths[1:]))) for name, *cells in table]
        verdicts = (f"{'met' if bar.met else 'MISSED'}: {bar.claim}" for bar in self.bars)
        return "\n".join((self.title, *lines, *self.notes, *verdicts))

    def write(self, path: Path) -> None:
        """Write everything as JSON, with the machine that it was measured on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "passed": self.passed, "machine": machine()}, indent=2) + "\n")


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
