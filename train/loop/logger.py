"""What a run tells: a CSV table, TensorBoard where it is installed, sample sheets, and the terminal."""

import csv
import logging
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torchvision.utils import save_image
from tqdm import tqdm

from train.loop.checkpoint import replace_whole

logger = logging.getLogger(__name__)
LEADING = ("step", "samples", "seconds", "samples_per_second", "skipped")


class Table:
    """A CSV file of one row per step logged. Opening it drops the rows after `last_step`, which were not saved."""

    def __init__(self, path: Path, last_step: int) -> None:
        """Read the rows that are there; a column that turns up later widens the table."""
        self.path = path
        self.columns: list[str] = list(LEADING)
        self.rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.rows = [row for row in reader if row["step"].isdigit() and int(row["step"]) <= last_step]
                self.columns = list(reader.fieldnames or LEADING)
        self.write_all()

    def append(self, row: Mapping[str, int | float]) -> None:
        """Add one row; a missing value stays empty."""
        self.rows.append({name: f"{value:.6g}" if type(value) is float else str(value) for name, value in row.items()})
        if new := [name for name in row if name not in self.columns]:
            self.columns += new
            self.write_all()
            return
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self.columns).writerow(self.rows[-1])

    def write_all(self) -> None:
        """Write the whole table anew."""

        def write(path: Path) -> None:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.columns)
                writer.writeheader()
                writer.writerows(self.rows)

        replace_whole(self.path, write)


class Journal:
    """Writes `log.csv`, `sheets/`, `tensorboard/` in a run's folder, and its progress on the terminal."""

    def __init__(self, out: Path, first_step: int, steps: int) -> None:
        """Continue after `first_step` of `steps`."""
        self.out, self.steps = out, steps
        self.sheets = out / "sheets"
        self.sheets.mkdir(parents=True, exist_ok=True)
        self.table = Table(out / "log.csv", first_step)
        self.board = open_board(out / "tensorboard", first_step)
        self.terminal = sys.stderr.isatty()
        self.bar = tqdm(total=steps, initial=first_step, unit="step", dynamic_ncols=True, disable=not self.terminal)

    def __enter__(self) -> "Journal":
        """Return the journal; leaving it closes its files."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        self.bar.close()
        if self.board is not None:
            self.board.close()

    def advance(self) -> None:
        """Move the progress bar by one step."""
        self.bar.update()

    def write(self, row: Mapping[str, int | float]) -> None:
        """Log one row: `LEADING` and the loss terms."""
        self.table.append(row)
        if self.board is not None:
            for name, value in row.items():
                self.board.add_scalar(name, value, int(row["step"]))
        totals = {name.removesuffix("/total"): value for name, value in row.items() if name.endswith("/total")}
        summary = "  ".join(f"{phase} {value:.4g}" for phase, value in totals.items())
        if self.terminal:
            self.bar.set_postfix_str(summary)
            return
        rate = row["samples_per_second"]
        seconds_left = (self.steps - row["step"]) * row["samples"] / row["step"] / rate if rate else 0
        left = timedelta(seconds=round(seconds_left))
        logger.info("step %d/%d  %.1f samples/s  %s left  %s", row["step"], self.steps, rate, left, summary)

    def sheet(self, step: int, sheet: Float[Tensor, "3 h w"]) -> None:
        """Write a sample sheet as `sheets/000500.png`, and to TensorBoard."""
        sheet = sheet.detach().float().clamp(0, 1).cpu()
        save_image(sheet, self.sheets / f"{step:06d}.png")
        if self.board is not None:
            self.board.add_image("sheet", sheet, step)


def open_board(folder: Path, first_step: int) -> Any:
    """Return a TensorBoard writer that forgets what came after `first_step`; None if there is no TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        logger.info("tensorboard is not installed: the log goes to log.csv and sheets/ only")
        return None
    return SummaryWriter(str(folder), purge_step=first_step + 1)
