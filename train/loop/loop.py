"""The training loop: draw a batch, run the recipe's phases, update the averages, log and save."""

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from deepfake_core.errors import BadRequest, LabError
from train.loop.checkpoint import CHECKPOINT, WEIGHTS, export_weights, read_checkpoint, write_checkpoint
from train.loop.config import LoopConfig
from train.loop.ema import update_ema, with_ema
from train.loop.logger import RunLogger
from train.loop.recipe import HasDiscriminators, Recipe
from train.loop.schedules import ema_decay
from train.loop.signals import StopSignals, stop_signals
from train.loop.state import TrainingState, begin, restore, to_checkpoint
from train.loop.step import run_phase

logger = logging.getLogger(__name__)
PATIENCE = 10  # consecutive steps that may be skipped before the run gives up


class TrainingDiverged(LabError):
    """The loss stayed infinite or undefined; the last checkpoint is from before that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Yielded after every step."""

    step: int
    """Steps done."""
    steps: int
    """Steps in all."""
    losses: Mapping[str, float] = field(default_factory=dict)
    """Means of the loss terms, by `phase/term`, since the last row of the log; empty between rows."""
    rate: float = 0.0
    """Samples per second up to the last row of the log; 0 before the first."""
    seconds_left: float | None = None
    """Estimate at that rate; None before the first row."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """Yielded last, when everything is saved."""

    step: int
    steps: int
    reason: str
    """Why the run ended, as a clause: "finished", or "stopped by SIGINT", "on request" or "at the time limit"."""


def fit(
    recipe: Recipe, config: LoopConfig, out: Path, resume: bool, stop: threading.Event | None = None
) -> Iterator[Progress | Finished]:
    """Train `recipe` for `config.steps` steps and write checkpoints, weights, log and samples into `out`.

    With `resume` the run in `out` continues from its checkpoint, bit for bit on one device if its kernels are
    deterministic; without it, an existing run is left alone and `BadRequest` raised. SIGINT, SIGTERM, `stop` and the
    time limit end the run between two steps, saved. Raises `TrainingDiverged` after `PATIENCE` consecutive steps that
    were not finite. Training happens while the events are consumed; closing the iterator early discards the steps
    since the last checkpoint.
    """
    config = config.on(next(recipe.networks.parameters()).device)
    state = open_run(recipe, config, out, resume)
    if state.step < config.steps:
        if config.compile == "always":
            compile_networks(recipe.networks)
        with stop_signals(config.time_limit, stop) as signals, RunLogger(out, state.step) as run_log:
            yield from run_steps(recipe, config, state, out, signals, run_log)
            reason = signals.reason() if state.step < config.steps else None
    else:
        reason = "nothing left to do"
    yield Finished(step=state.step, steps=config.steps, reason=reason or "finished")


def run_steps(
    recipe: Recipe, config: LoopConfig, state: TrainingState, out: Path, signals: StopSignals, run_log: RunLogger
) -> Iterator[Progress]:
    """Run steps until the last one or until `signals` has a reason to stop; yield after each, and save at the end."""
    began, saved_at, row_at = time.monotonic() - state.seconds, state.step, (state.step, state.seconds)
    progress = Progress(step=state.step, steps=config.steps)
    while state.step < config.steps and not signals.reason():
        state.means.add(train_step(recipe, config, state))
        state.seconds = time.monotonic() - began
        losses: Mapping[str, float] = {}
        rate, seconds_left = progress.rate, progress.seconds_left
        if due(state.step, config.log_every, config.steps):
            losses, rate = write_row(recipe, state, run_log, row_at)
            seconds_left = (config.steps - state.step) * recipe.batch_size / rate
            row_at = (state.step, state.seconds)
        if due(state.step, config.samples_every, config.steps):
            run_log.write_samples(state.step, draw_samples(recipe, state))
        if due(state.step, config.save_every, config.steps):
            save(recipe, config, state, out)
            saved_at = state.step
        progress = Progress(step=state.step, steps=config.steps, losses=losses, rate=rate, seconds_left=seconds_left)
        yield progress
    if saved_at < state.step:
        save(recipe, config, state, out)


def compile_networks(networks: nn.ModuleDict) -> None:
    """Compile each network and its direct parts, which a recipe may call on their own."""
    for network in networks.values():
        for part in (network, *network.children()):
            part.compile()


def due(step: int, every: int, steps: int) -> bool:
    """Whether something scheduled for every `every` steps (0: never), and for the last one, is due after `step`."""
    return step == steps or (every > 0 and step % every == 0)


def open_run(recipe: Recipe, config: LoopConfig, out: Path, resume: bool) -> TrainingState:
    """Return the state to start from: that of the checkpoint in `out`, or a new one."""
    state = begin(recipe, config)
    checkpoint = out / CHECKPOINT
    if checkpoint.exists() and not resume:
        raise BadRequest(f"{out} already holds a training run; add --resume to continue it, or choose another --out")
    if checkpoint.exists():
        restore(state, read_checkpoint(checkpoint), str(checkpoint))
        logger.info("resumed at step %d of %d", state.step, config.steps)
    elif resume:
        logger.info("no checkpoint in %s yet: starting at step 0", out)
    out.mkdir(parents=True, exist_ok=True)
    return state


def train_step(recipe: Recipe, config: LoopConfig, state: TrainingState) -> dict[str, Tensor]:
    """Run one step and return its terms by name; none, with all later phases skipped, if one was not finite."""
    state.set_rates(config.rate(state.step))
    buffers = [buffer for buffer in state.networks.buffers() if buffer.is_floating_point()]
    before = [buffer.clone() for buffer in buffers]  # a bad batch would stay in the running statistics for good
    batch = recipe.batch(state.generator)
    terms: dict[str, Tensor] = {}
    step, state.step = state.step, state.step + 1
    for phase in state.phases:
        if not phase.active(step):
            continue
        result = run_phase(phase, batch, step, state.networks, config.precision)
        if not result.finite:
            with torch.no_grad():
                for buffer, kept in zip(buffers, before, strict=True):
                    buffer.copy_(kept)
            count_skipped(state, result.terms)
            return {}
        terms |= result.terms
        batch = result.batch
    state.skipped_in_a_row = 0
    update_ema(state.ema, state.networks, ema_decay(step, config.ema_decay))
    return terms


def count_skipped(state: TrainingState, terms: dict[str, Tensor]) -> None:
    """Count a step that was not finite; raise `TrainingDiverged` after too many in a row."""
    state.skipped += 1
    state.skipped_in_a_row += 1
    if state.skipped_in_a_row >= PATIENCE:
        bad = ", ".join(name for name, term in terms.items() if not torch.isfinite(term))
        raise TrainingDiverged(
            f"{PATIENCE} consecutive steps were not finite (step {state.step}: {bad}); "
            "resume from the last checkpoint with a lower learning rate, a clip_norm, or precision float32"
        )


def write_row(
    recipe: Recipe, state: TrainingState, run_log: RunLogger, last: tuple[int, float]
) -> tuple[Mapping[str, float], float]:
    """Log the means since the last row, which was at `last` (step, seconds); return them and the samples per second."""
    step, seconds = last
    means = state.means.take()
    rate = (state.step - step) * recipe.batch_size / max(1e-9, state.seconds - seconds)
    row = {
        "step": state.step,
        "samples": state.step * recipe.batch_size,
        "seconds": state.seconds,
        "samples_per_second": rate,
        "skipped": state.skipped,
    }
    learning_rates = {f"{phase.name}/rate": float(phase.optimizer.param_groups[0]["lr"]) for phase in state.phases}
    run_log.write({**row, **means, **learning_rates})
    return means, rate


def draw_samples(recipe: Recipe, state: TrainingState) -> Tensor:
    """Draw the recipe's sample grid without side effects: training modes and random states are restored."""
    modes = [(module, module.training) for module in state.networks.modules()]
    devices = [state.device] if state.device.type == "cuda" else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            return recipe.sample_grid(with_ema(state.networks, state.ema).eval())
    finally:
        for module, training in modes:
            module.training = training


def save(recipe: Recipe, config: LoopConfig, state: TrainingState, out: Path) -> None:
    """Write the checkpoint, and the average of each exported network as weights, with metadata about the training."""
    write_checkpoint(out / CHECKPOINT, to_checkpoint(state))
    training = {"step": state.step, "samples": state.step * recipe.batch_size, "seconds": round(state.seconds)}
    metadata = {**recipe.metadata(), "training": json.dumps({**training, "loop": asdict(config)})}
    if isinstance(recipe, HasDiscriminators):
        for name, (network, about) in recipe.discriminators().items():
            named = nn.ModuleDict({about["network"]: network})
            export_weights(
                out / f"{name}-discriminator.safetensors", named, {**about, "training": metadata["training"]}
            )
    if len(state.ema) < 2:
        export_weights(out / WEIGHTS, state.ema, metadata)
        return
    for name, average in state.ema.items():  # one file each, with the keys that a file of one network has
        alone = nn.ModuleDict({metadata.get("network", name): average})
        export_weights(out / f"{name}.safetensors", alone, metadata)
