"""Laws of the log: it widens when a new term turns up, and feeds TensorBoard where there is one."""

import csv
from pathlib import Path

import pytest
import torch

from train.loop.logger import RunLogger, Table
from train.loop.state import Means


def test_a_column_that_turns_up_later_widens_the_table(tmp_path: Path) -> None:
    table = Table(tmp_path / "log.csv", 0)
    table.append({"step": 1, "a": 0.5})
    table.append({"step": 2, "b": 1.0})
    table.append({"step": 3, "a": 2.0})
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["step"], row["a"], row["b"]) for row in rows] == [("1", "0.5", ""), ("2", "", "1"), ("3", "2", "")]


def test_a_term_is_averaged_over_the_steps_that_had_it() -> None:
    means = Means()
    for step in range(4):
        means.add({"always": torch.tensor(float(step))} | ({"rarely": torch.tensor(5.0)} if step == 2 else {}))
    assert means.take() == {"always": 1.5, "rarely": 5.0}
    assert means.take() == {}


def test_rows_and_samples_are_written_to_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with RunLogger(tmp_path, 0) as run_log:
        run_log.write({"step": 5, "samples": 20, "seconds": 1.0, "samples_per_second": 20.0, "generator/total": 0.25})
        run_log.write_samples(5, torch.full((3, 4, 4), 2.0))
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("generator/total")] == [(5, 0.25)]
    assert events.Tags()["images"] == ["samples"]
