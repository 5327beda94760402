"""The log of a run: a CSV table, sample grids, and TensorBoard where it is installed."""

import csv
import logging
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torchvision.utils import save_image

from deepfake_core.media.atomic_write import atomic_file

logger = logging.getLogger(__name__)
FIRST_COLUMNS = ("step", "samples", "seconds", "samples_per_second", "skipped")


class Table:
    """A CSV file with one row for each logged step. Opening it drops rows after `last_step`: they were not saved."""

    def __init__(self, path: Path, last_step: int) -> None:
        """Read the existing rows; a column that appears later widens the table."""
        self.path = path
        self.columns: list[str] = list(FIRST_COLUMNS)
        self.rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.rows = [row for row in reader if row["step"].isdigit() and int(row["step"]) <= last_step]
                self.columns = list(reader.fieldnames or FIRST_COLUMNS)
        self.write_all()

    def append(self, row: Mapping[str, int | float]) -> None:
        """Add one row; missing values stay empty."""
        self.rows.append({name: f"{value:.6g}" if type(value) is float else str(value) for name, value in row.items()})
        if new := [name for name in row if name not in self.columns]:
            self.columns += new
            self.write_all()
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(self.rows[-1])

    def write_all(self) -> None:
        """Rewrite the whole table."""
        with atomic_file(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)


class RunLogger:
    """Writes `log.csv`, `samples/` and `tensorboard/` in a run's folder."""

    def __init__(self, out: Path, first_step: int) -> None:
        """Append to an existing log after `first_step`."""
        self.samples = out / "samples"
        self.samples.mkdir(parents=True, exist_ok=True)
        self.table = Table(out / "log.csv", first_step)
        self.tensorboard = open_tensorboard(out / "tensorboard", first_step)

    def __enter__(self) -> "RunLogger":
        """Return the logger."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close TensorBoard's file."""
        if self.tensorboard is not None:
            self.tensorboard.close()

    def write(self, row: Mapping[str, int | float]) -> None:
        """Log one row: `FIRST_COLUMNS` and the loss terms."""
        self.table.append(row)
        if self.tensorboard is not None:
            for name, value in row.items():
                self.tensorboard.add_scalar(name, value, int(row["step"]))

    def write_samples(self, step: int, grid: Float[Tensor, "3 h w"]) -> None:
        """Write a sample grid in [0, 1] as `samples/000500.png`, and to TensorBoard."""
        grid = grid.detach().float().clamp(0, 1).cpu()
        save_image(grid, self.samples / f"{step:06d}.png")
        if self.tensorboard is not None:
            self.tensorboard.add_image("samples", grid, step)


def open_tensorboard(folder: Path, first_step: int) -> Any:
    """Return a TensorBoard writer that discards what came after `first_step`; None if TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info("tensorboard is not installed: logging to log.csv and samples/ only")
        return None
    return SummaryWriter(str(folder), purge_step=first_step + 1)
