"""The training loop resumes bit for bit, survives bad batches, reports progress, and stops on request."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from deepfake_core.errors import BadRequest, BadWeights
from tests.train.conftest import run, tensors, toy
from train.loop.checkpoint import read_checkpoint, write_checkpoint
from train.loop.config import LoopConfig, Precision
from train.loop.ema import ema_copies, update_ema
from train.loop.loop import Finished, Progress, TrainingDiverged, draw_samples, fit, train_step
from train.loop.state import begin

pytestmark = pytest.mark.usefixtures("without_tensorboard")


def config(**fields: Any) -> LoopConfig:
    """Return a short run's config."""
    return LoopConfig(**{"steps": 6, "log_every": 2, "samples_every": 2, "save_every": 0, "warm_up": 4, **fields})


def rows(out: Path) -> list[dict[str, str]]:
    """Read a run's log, without the columns that a clock fills."""
    with (out / "log.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    return [{name: text for name, text in row.items() if "second" not in name} for row in table]


def assert_same_run(one: Path, other: Path) -> None:
    """Check that two checkpoints hold the same tensors and numbers, bit for bit, clocks aside."""
    first, second = (dict(tensors(read_checkpoint(out / "checkpoint.pt"))) for out in (one, other))
    assert first.keys() == second.keys()
    for name in first.keys() - {"/seconds"}:
        assert torch.equal(first[name], second[name]), name
    assert rows(one) == rows(other)
    assert (one / "weights.safetensors").exists()


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_run_stopped_between_rows_and_resumed_equals_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: Precision
) -> None:
    settings = config(precision=precision, log_every=4)
    run(toy(), settings, tmp_path / "whole")
    reasons = iter([None, None, None, "stopped", "stopped"])
    with monkeypatch.context() as patched:
        patched.setattr("train.loop.signals.StopSignals.reason", lambda signals: next(reasons))
        run(toy(), settings, tmp_path / "broken")
    assert read_checkpoint(tmp_path / "broken" / "checkpoint.pt")["step"] == 3
    run(toy(), settings, tmp_path / "broken", resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "broken")


def test_every_step_is_an_event_and_rows_carry_means_rate_and_time_left(tmp_path: Path) -> None:
    *steps, last = run(toy(), config(steps=5), tmp_path)
    assert all(isinstance(event, Progress) for event in steps)
    progress = [event for event in steps if isinstance(event, Progress)]
    assert [(event.step, event.steps) for event in progress] == [(step, 5) for step in range(1, 6)]
    assert [bool(event.losses) for event in progress] == [False, True, False, True, True]
    assert progress[0].rate == 0 and progress[0].seconds_left is None
    assert progress[3].seconds_left == pytest.approx(1 * 4 / progress[3].rate)  # one step of four samples is left
    logged = float(rows(tmp_path)[1]["generator/total"])
    assert progress[3].losses["generator/total"] == pytest.approx(logged, rel=1e-5)
    assert last == Finished(step=5, steps=5, reason="finished")
    assert run(toy(), config(steps=5), tmp_path, resume=True) == [
        Finished(step=5, steps=5, reason="nothing left to do")
    ]


def test_an_event_stops_the_run_after_the_step_and_saves_it(tmp_path: Path) -> None:
    stop = threading.Event()
    events = []
    for event in fit(toy(), config(steps=100), tmp_path, resume=False, stop=stop):
        events.append(event)
        if event.step == 3:
            stop.set()
    assert events[-1] == Finished(step=3, steps=100, reason="stopped on request")
    assert read_checkpoint(tmp_path / "checkpoint.pt")["step"] == 3


def test_a_checkpoint_with_the_old_name_of_the_averages_is_read(tmp_path: Path) -> None:
    run(toy(), config(steps=2), tmp_path)
    saved = read_checkpoint(tmp_path / "checkpoint.pt")
    saved["averages"] = saved.pop("ema")
    write_checkpoint(tmp_path / "checkpoint.pt", saved)
    assert run(toy(), config(), tmp_path, resume=True)[-1].step == 6


def test_a_finished_run_can_be_lengthened(tmp_path: Path) -> None:
    run(toy(), config(), tmp_path / "whole")
    run(toy(), config(steps=3), tmp_path / "longer")
    run(toy(), config(), tmp_path / "longer", resume=True)
    whole, longer = (read_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("whole", "longer"))
    assert all(torch.equal(whole["networks"][name], longer["networks"][name]) for name in whole["networks"])
    assert [row["step"] for row in rows(tmp_path / "longer")] == ["2", "3", "4", "6"]


def test_rows_later_than_the_checkpoint_are_dropped_on_resuming(tmp_path: Path) -> None:
    run(toy(), config(steps=4), tmp_path)
    with (tmp_path / "log.csv").open("a") as file:
        file.write("6,24,1.0,1.0,0\n8,3")  # what a killed run leaves: a row that was never saved, and half a row
    run(toy(), config(), tmp_path, resume=True)
    assert [row["step"] for row in rows(tmp_path)] == ["2", "4", "6"]


def test_a_run_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    run(toy(), config(steps=2), tmp_path)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(BadRequest, match="--resume"):
        run(toy(), config(), tmp_path)
    run(toy(), config(steps=2), tmp_path, resume=True)  # nothing left to do
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_a_checkpoint_of_other_networks_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    run(toy(), config(steps=2), tmp_path)
    with pytest.raises(BadWeights, match="another recipe"):
        run(toy(ema_networks=()), config(), tmp_path, resume=True)
    checkpoint = tmp_path / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(BadWeights, match="damaged"):
        run(toy(), config(), tmp_path, resume=True)


def test_a_checkpoint_that_holds_code_is_refused(tmp_path: Path) -> None:
    torch.save({"step": Path("/tmp")}, tmp_path / "checkpoint.pt")  # any class but tensors and containers
    with pytest.raises(BadWeights, match="not a checkpoint of this program"):
        run(toy(), config(), tmp_path, resume=True)


def test_a_failed_save_leaves_the_last_checkpoint_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(toy(), config(steps=2), tmp_path)

    def run_out_of_space(saved: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", run_out_of_space)
    with pytest.raises(OSError, match="no space"):
        run(toy(), config(), tmp_path, resume=True)
    assert read_checkpoint(tmp_path / "checkpoint.pt")["step"] == 2


def test_each_of_several_averages_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    names = ("generator", "discriminator")
    recipe = toy(ema_networks=names)
    run(recipe, config(steps=2), tmp_path)
    assert not (tmp_path / "weights.safetensors").exists()
    for name in names:
        with safe_open(tmp_path / f"{name}.safetensors", framework="pt") as weights:
            assert set(weights.keys()) == {f"{name}.{key}" for key in recipe.networks[name].state_dict()}


def test_a_bad_batch_is_skipped_without_a_trace() -> None:
    recipe = toy(poison_from=1, poison_until=2)
    state = begin(recipe, config())
    assert train_step(recipe, config(), state)
    before = {name: tensor.clone() for name, tensor in {**state.networks.state_dict()}.items()}
    assert train_step(recipe, config(), state) == {}
    after = state.networks.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if "num_batches" not in name)
    assert (state.step, state.skipped, state.skipped_in_a_row) == (2, 1, 1)
    assert train_step(recipe, config(), state)
    assert (state.skipped, state.skipped_in_a_row) == (1, 0)


def test_ten_bad_batches_in_a_row_end_the_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match=r"10 consecutive steps.*step 13: generator/adversarial"):
        run(toy(poison_from=3), config(steps=100, save_every=3), tmp_path)
    saved = read_checkpoint(tmp_path / "checkpoint.pt")
    assert all(torch.isfinite(tensor).all() for _, tensor in tensors(saved["networks"]))


def test_the_average_follows_its_recurrence() -> None:
    networks = toy().networks
    averages = ema_copies(networks, ["generator"])
    weight = networks.get_parameter("generator.0.weight")
    expected = weight.detach().clone()
    for _ in range(3):
        with torch.no_grad():
            weight.add_(1)
        update_ema(averages, networks, 0.75)
        expected = 0.75 * expected + 0.25 * weight.detach()
    torch.testing.assert_close(averages.get_parameter("generator.0.weight").data, expected)
    assert not any(parameter.requires_grad for parameter in averages.parameters())


def test_sample_grids_show_the_average_without_side_effects() -> None:
    recipe = toy()
    state = begin(recipe, config())
    with torch.no_grad():
        state.ema.get_parameter("generator.3.weight").zero_()
        state.ema.get_parameter("generator.3.bias").fill_(0.25)
    random = torch.get_rng_state()
    assert torch.equal(draw_samples(recipe, state), torch.full((3, 4, 16), 0.25))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in state.networks.modules())
    assert not any(module.training for module in state.ema.modules())


def test_a_run_writes_samples_and_float16_weights_with_metadata(tmp_path: Path) -> None:
    run(toy(), config(), tmp_path)
    assert [path.name for path in sorted((tmp_path / "samples").iterdir())] == [
        "000002.png",
        "000004.png",
        "000006.png",
    ]
    saved = read_checkpoint(tmp_path / "checkpoint.pt")["ema"]
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as weights:
        assert set(weights.keys()) == set(saved)
        assert all(torch.equal(weights.get_tensor(name), saved[name].half()) for name in saved if "weight" in name)
        metadata = weights.metadata()
    assert metadata["recipe"] == "toy"
    assert json.loads(metadata["training"])["samples"] == 24
    assert not list(tmp_path.glob(".*.part-*"))


def test_the_time_limit_ends_the_run_saved(tmp_path: Path) -> None:
    run(toy(), config(steps=10**6, time_limit=0.2, log_every=10**6, samples_every=0), tmp_path)
    assert 0 < read_checkpoint(tmp_path / "checkpoint.pt")["step"] < 10**6


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_saved_and_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "toy.toml").write_text("[loop]\nsteps = 1000000\nlog_every = 20\nsamples_every = 0\nsave_every = 0\n")
    program = (
        "import sys, train.__main__ as m; sys.modules['torch.utils.tensorboard'] = None; "
        "from tests.train.toy import TOY; m.registry.METHODS += (TOY,); sys.exit(m.main(sys.argv[1:]))"
    )
    out = tmp_path / "out"
    command = [sys.executable, "-c", program, "toy", "--preset", str(tmp_path / "toy.toml"), "--out", str(out)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not ((out / "log.csv").exists() and rows(out)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert f"stopped by {number.name} at step" in output
    assert read_checkpoint(out / "checkpoint.pt")["step"] >= 20
