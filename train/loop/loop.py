"""The one training loop: it draws a batch, walks through the recipe's phases, averages, logs, and saves."""

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from deepfake_core.errors import BadRequest, LabError
from train.loop.checkpoint import CHECKPOINT, WEIGHTS, export_weights, read_checkpoint, write_checkpoint
from train.loop.config import LoopConfig
from train.loop.ema import follow, with_averages
from train.loop.logger import Journal
from train.loop.recipe import Recipe
from train.loop.schedules import averaging_decay
from train.loop.signals import stop_watch
from train.loop.state import TrainingState, begin, restore, to_checkpoint
from train.loop.step import run_phase

logger = logging.getLogger(__name__)
PATIENCE = 10  # steps in a row that may be skipped before the run gives up


class TrainingDiverged(LabError):
    """The loss stayed infinite or undefined; the last checkpoint is from before that."""


def fit(recipe: Recipe, config: LoopConfig, out: Path, resume: bool) -> None:
    """Train `recipe` for `config.steps` steps, writing checkpoints, weights, log and sheets into `out`.

    With `resume` the run in `out` goes on where it was saved, bit for bit on one device if its kernels are
    deterministic; without it, a run that is already there is left alone and `BadRequest` raised. SIGINT, SIGTERM and
    the time limit end it after a step, saved. Raises `TrainingDiverged` after `PATIENCE` steps in a row that
    were not finite.
    """
    config = config.on(next(recipe.networks.parameters()).device)
    state = open_run(recipe, config, out, resume)
    if state.step >= config.steps:
        logger.info("%s is already at step %d of %d; ask for more --steps to go on", out, state.step, config.steps)
        return
    if config.compile == "always":
        for network in recipe.networks.values():
            for part in (network, *network.children()):  # a recipe may call a network's parts by themselves
                part.compile()
    with stop_watch(config.time_limit) as watch, Journal(out, state.step, config.steps) as journal:
        began, saved_at, logged = time.monotonic() - state.seconds, state.step, (state.step, state.seconds)
        while state.step < config.steps and not watch.reason():
            state.means.add(train_step(recipe, config, state))
            state.seconds = time.monotonic() - began
            journal.advance()
            if due(state.step, config.log_every, config.steps):
                logged = log_row(recipe, state, journal, logged)
            if due(state.step, config.sheet_every, config.steps):
                journal.sheet(state.step, draw_sheet(recipe, state))
            if due(state.step, config.save_every, config.steps):
                save(recipe, config, state, out)
                saved_at = state.step
        if saved_at < state.step:
            save(recipe, config, state, out)
    reason = watch.reason() if state.step < config.steps else None
    logger.info("%s at step %d of %d; saved in %s", reason or "finished", state.step, config.steps, out)


def due(step: int, every: int, steps: int) -> bool:
    """Whether something that happens every so many steps (0: never), and at the last one, happens after `step`."""
    return step == steps or (every > 0 and step % every == 0)


def open_run(recipe: Recipe, config: LoopConfig, out: Path, resume: bool) -> TrainingState:
    """Return the state to start from: that of the checkpoint in `out`, or a new one."""
    state = begin(recipe, config)
    checkpoint = out / CHECKPOINT
    if checkpoint.exists() and not resume:
        raise BadRequest(f"{out} already holds a training run; add --resume to go on with it, or choose another --out")
    if checkpoint.exists():
        restore(state, read_checkpoint(checkpoint), str(checkpoint))
        logger.info("resumed at step %d of %d", state.step, config.steps)
    elif resume:
        logger.info("%s holds no checkpoint yet: starting at step 0", out)
    out.mkdir(parents=True, exist_ok=True)
    return state


def train_step(recipe: Recipe, config: LoopConfig, state: TrainingState) -> dict[str, Tensor]:
    """Take one step and return its terms by name; none, and no move after the failure, if one was not finite."""
    state.set_rates(config.rate(state.step))
    buffers = [buffer for buffer in state.networks.buffers() if buffer.is_floating_point()]
    before = [buffer.clone() for buffer in buffers]  # a bad batch would stay in the running statistics for good
    batch = recipe.batch(state.generator)
    terms: dict[str, Tensor] = {}
    step, state.step = state.step, state.step + 1
    for phase in state.phases:
        if not phase.active(step):
            continue
        outcome = run_phase(phase, batch, step, state.networks, state.scalers[phase.name], config.precision)
        if not outcome.finite:
            with torch.no_grad():
                for buffer, kept in zip(buffers, before, strict=True):
                    buffer.copy_(kept)
            count_skipped(state, outcome.terms)
            return {}
        terms |= outcome.terms
        batch = outcome.batch
    state.skipped_in_a_row = 0
    follow(state.averages, state.networks, averaging_decay(step, config.averaging))
    return terms


def count_skipped(state: TrainingState, terms: dict[str, Tensor]) -> None:
    """Count a step that was not finite; raise `TrainingDiverged` after too many in a row."""
    state.skipped += 1
    state.skipped_in_a_row += 1
    if state.skipped_in_a_row >= PATIENCE:
        bad = ", ".join(name for name, term in terms.items() if not torch.isfinite(term))
        raise TrainingDiverged(
            f"{PATIENCE} steps in a row were not finite (step {state.step}: {bad}); "
            "resume from the last checkpoint with a lower learning rate, a clip_norm, or precision float32"
        )


def log_row(recipe: Recipe, state: TrainingState, journal: Journal, last: tuple[int, float]) -> tuple[int, float]:
    """Write the means since the last row, which was at `last` (step, seconds); return the place of this one."""
    step, seconds = last
    rates = {f"{phase.name}/rate": float(phase.optimizer.param_groups[0]["lr"]) for phase in state.phases}
    means = state.means.take()
    progress = {
        "step": state.step,
        "samples": state.step * recipe.batch_size,
        "seconds": state.seconds,
        "samples_per_second": (state.step - step) * recipe.batch_size / max(1e-9, state.seconds - seconds),
        "skipped": state.skipped,
    }
    journal.write({**progress, **means, **rates})
    return state.step, state.seconds


def draw_sheet(recipe: Recipe, state: TrainingState) -> Tensor:
    """Draw the recipe's sample sheet without a trace in the training: modes and random states are put back."""
    modes = [(module, module.training) for module in state.networks.modules()]
    devices = [state.device] if state.device.type == "cuda" else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            return recipe.sheet(with_averages(state.networks, state.averages).eval())
    finally:
        for module, training in modes:
            module.training = training


def save(recipe: Recipe, config: LoopConfig, state: TrainingState, out: Path) -> None:
    """Write the checkpoint, and each averaged network as weights that say how they were trained."""
    write_checkpoint(out / CHECKPOINT, to_checkpoint(state))
    training = {"step": state.step, "samples": state.step * recipe.batch_size, "seconds": round(state.seconds)}
    metadata = {**recipe.metadata(), "training": json.dumps({**training, "loop": asdict(config)})}
    if len(state.averages) < 2:
        export_weights(out / WEIGHTS, state.averages, metadata)
        return
    for name, average in state.averages.items():  # a file each, with the keys that a file of one network has
        alone = nn.ModuleDict({metadata.get("network", name): average})
        export_weights(out / f"{name}.safetensors", alone, metadata)
