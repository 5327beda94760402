"""Everything that changes during training, and its journey into a checkpoint and back, bit for bit."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler

from deepfake_core.errors import BadWeights
from train.loop.config import LoopConfig
from train.loop.ema import average_of
from train.loop.recipe import Phase, Recipe
from train.loop.step import gradient_scaler

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Means:
    """Running sums of the logged terms since the last row; they stay on the device until a row is due."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Count in one step's terms."""
        for name, term in terms.items():
            self.sums[name] = self.sums[name] + term if name in self.sums else term
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Return the mean of each term over the steps that had it, and begin anew."""
        values = torch.stack(list(self.sums.values())).tolist() if self.sums else []
        means = {name: value / self.counts[name] for name, value in zip(self.sums, values, strict=True)}
        self.sums.clear()
        self.counts.clear()
        return means


@dataclass(kw_only=True, slots=True)
class TrainingState:
    """The moving parts of one run."""

    networks: nn.ModuleDict
    averages: nn.ModuleDict
    phases: tuple[Phase, ...]
    base_rates: dict[str, list[float]]
    """Learning rates of each phase's parameter groups before the schedule. They come from the recipe, not from the
    checkpoint, so that a run can be resumed with another rate."""
    scalers: dict[str, GradScaler]
    generator: torch.Generator
    means: Means = field(default_factory=Means)
    step: int = 0
    """Steps done."""
    skipped: int = 0
    """Of these, how many were skipped for a loss or gradient that was not finite."""
    skipped_in_a_row: int = 0
    seconds: float = 0.0
    """Time spent, over every resumption."""

    @property
    def device(self) -> torch.device:
        """The device of the networks and of the generator."""
        return self.generator.device

    def set_rates(self, factor: float) -> None:
        """Set every learning rate to its base times `factor`."""
        for phase in self.phases:
            for group, base in zip(phase.optimizer.param_groups, self.base_rates[phase.name], strict=True):
                group["lr"] = base * factor


def begin(recipe: Recipe, config: LoopConfig) -> TrainingState:
    """Return the state before the first step."""
    names = [phase.name for phase in recipe.phases]
    if len(set(names)) != len(names):
        raise ValueError(f"two phases have one name: {names}")
    device = next(recipe.networks.parameters()).device
    return TrainingState(
        networks=recipe.networks.train(),
        averages=average_of(recipe.networks, recipe.averaged),
        phases=recipe.phases,
        base_rates={
            # the optimizer keeps its base rate, so that a second `fit` in one process does not start from a decayed one
            phase.name: [group.setdefault("initial_lr", group["lr"]) for group in phase.optimizer.param_groups]
            for phase in recipe.phases
        },
        scalers={phase.name: gradient_scaler(device, config.precision) for phase in recipe.phases},
        generator=torch.Generator(device).manual_seed(config.seed),
    )


def to_checkpoint(state: TrainingState) -> dict[str, Any]:
    """Return the state as plain containers of tensors and numbers, which `torch.load(weights_only=True)` reads."""
    return {
        "networks": state.networks.state_dict(),
        "averages": state.averages.state_dict(),
        "optimizers": {phase.name: phase.optimizer.state_dict() for phase in state.phases},
        "scalers": {name: scaler.state_dict() for name, scaler in state.scalers.items()},
        "random": random_state(state),
        "means": {"sums": dict(state.means.sums), "counts": dict(state.means.counts)},
        "step": state.step,
        "skipped": state.skipped,
        "skipped_in_a_row": state.skipped_in_a_row,
        "seconds": state.seconds,
    }


def restore(state: TrainingState, saved: Mapping[str, Any], source: str) -> None:
    """Put a checkpoint back into a state that `begin` made; `source` names it in a `BadWeights` if it does not fit."""
    try:
        state.networks.load_state_dict(saved["networks"])
        state.averages.load_state_dict(saved["averages"])
        for phase in state.phases:
            phase.optimizer.load_state_dict(saved["optimizers"][phase.name])
        for name, scaler in state.scalers.items():
            if scaler.is_enabled() and saved["scalers"][name]:  # empty when it was saved under another precision
                scaler.load_state_dict(saved["scalers"][name])
        sums = {name: value.to(state.device) for name, value in saved["means"]["sums"].items()}
        state.means = Means(sums=sums, counts=dict(saved["means"]["counts"]))
        state.step, state.skipped = saved["step"], saved["skipped"]
        state.skipped_in_a_row, state.seconds = saved["skipped_in_a_row"], saved["seconds"]
        restore_random(state, saved["random"])
    except (KeyError, RuntimeError, ValueError) as error:
        cause = str(error).splitlines()[0]
        raise BadWeights(f"{source} is of another recipe or config ({cause}); train into another --out") from error


def random_state(state: TrainingState) -> dict[str, Any]:
    """Return the states of the batches' generator, and of torch's own, from which dropout draws."""
    own = torch.cuda.get_rng_state(state.device) if state.device.type == "cuda" else None
    states = {"batches": state.generator.get_state(), "cpu": torch.get_rng_state(), "cuda": own}
    return {"device": state.device.type, **states}


def restore_random(state: TrainingState, saved: Mapping[str, Any]) -> None:
    """Put the random states back; on another kind of device, which they do not fit, draw on from new seeds."""
    torch.set_rng_state(saved["cpu"])
    if saved["device"] != state.device.type:
        state.generator.manual_seed(state.generator.initial_seed() + state.step)
        logger.info("resumed on %s a run from %s: its batches differ from here on", state.device.type, saved["device"])
        return
    state.generator.set_state(saved["batches"])
    if saved["cuda"] is not None:
        torch.cuda.set_rng_state(saved["cuda"], state.device)
