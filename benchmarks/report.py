"""What a benchmark found: figures for a file, a small table for the eye, and whether the bar was met."""

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
class Report:
    """The outcome of one benchmark."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """How it was measured, in sentences."""
    bar: str
    passed: bool
    figures: dict[str, object]
    """Everything in numbers, for JSON."""

    def text(self) -> str:
        """The table, its notes, and the verdict."""
        table = [("", *self.columns), *((row.name, *row.values) for row in self.rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
        lines = ["  ".join((name.ljust(widths[0]), *map(str.rjust, cells, widths[1:]))) for name, *cells in table]
        verdict = f"{'met' if self.passed else 'MISSED'}: {self.bar}"
        return "\n".join((self.title, *lines, *self.notes, verdict))

    def write(self, path: Path) -> None:
        """Write everything as JSON, with the machine that it was measured on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**asdict(self), "machine": machine()}, indent=2) + "\n")


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
