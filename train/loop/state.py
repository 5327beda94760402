"""Everything that changes during training, and how it is saved in a checkpoint and restored, bit for bit."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from deepfake_core.errors import BadWeights
from train.loop.config import LoopConfig
from train.loop.ema import ema_copies
from train.loop.recipe import Phase, Recipe

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Means:
    """Running sums of the loss terms since the last row of the log; they stay on the device until a row is due."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Add one step's terms."""
        for name, term in terms.items():
            self.sums[name] = self.sums[name] + term if name in self.sums else term
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """Return the mean of each term over the steps that had it, and reset."""
        values = torch.stack(list(self.sums.values())).tolist() if self.sums else []
        means = {name: value / self.counts[name] for name, value in zip(self.sums, values, strict=True)}
        self.sums.clear()
        self.counts.clear()
        return means


@dataclass(kw_only=True, slots=True)
class TrainingState:
    """The state of one run."""

    networks: nn.ModuleDict
    ema: nn.ModuleDict
    phases: tuple[Phase, ...]
    base_rates: dict[str, list[float]]
    """Learning rates of each phase's parameter groups before the schedule. They come from the recipe, not from the
    checkpoint, so that a run can be resumed with another rate."""
    generator: torch.Generator
    means: Means = field(default_factory=Means)
    step: int = 0
    """Steps done."""
    skipped: int = 0
    """How many of them were skipped because a loss or gradient was not finite."""
    skipped_in_a_row: int = 0
    seconds: float = 0.0
    """Time spent, over all resumptions."""

    @property
    def device(self) -> torch.device:
        """Device of the networks and of the generator."""
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
        raise ValueError(f"phase names must differ, got {names}")
    device = next(recipe.networks.parameters()).device
    return TrainingState(
        networks=recipe.networks.train(),
        ema=ema_copies(recipe.networks, recipe.ema_networks),
        phases=recipe.phases,
        base_rates={
            # the optimizer keeps its base rate, so that a second `fit` in one process does not start from a decayed one
            phase.name: [group.setdefault("initial_lr", group["lr"]) for group in phase.optimizer.param_groups]
            for phase in recipe.phases
        },
        generator=torch.Generator(device).manual_seed(config.seed),
    )


def to_checkpoint(state: TrainingState) -> dict[str, Any]:
    """Return the state as plain containers of tensors and numbers, which `torch.load(weights_only=True)` reads."""
    return {
        "networks": state.networks.state_dict(),
        "ema": state.ema.state_dict(),
        "optimizers": {phase.name: phase.optimizer.state_dict() for phase in state.phases},
        "random": random_state(state),
        "means": {"sums": dict(state.means.sums), "counts": dict(state.means.counts)},
        "step": state.step,
        "skipped": state.skipped,
        "skipped_in_a_row": state.skipped_in_a_row,
        "seconds": state.seconds,
    }


def restore(state: TrainingState, saved: Mapping[str, Any], source: str) -> None:
    """Load a checkpoint into a state that `begin` made; raise `BadWeights`, naming `source`, if it does not fit."""
    try:
        state.networks.load_state_dict(saved["networks"])
        state.ema.load_state_dict(saved["ema"] if "ema" in saved else saved["averages"])  # the latter in older files
        for phase in state.phases:
            phase.optimizer.load_state_dict(saved["optimizers"][phase.name])
        sums = {name: value.to(state.device) for name, value in saved["means"]["sums"].items()}
        state.means = Means(sums=sums, counts=dict(saved["means"]["counts"]))
        state.step, state.skipped = saved["step"], saved["skipped"]
        state.skipped_in_a_row, state.seconds = saved["skipped_in_a_row"], saved["seconds"]
        restore_random(state, saved["random"])
    except (KeyError, RuntimeError, ValueError) as error:
        cause = str(error).splitlines()[0]
        raise BadWeights(f"{source} is from another recipe or config ({cause}); choose another --out") from error


def random_state(state: TrainingState) -> dict[str, Any]:
    """Return the states of the batches' generator and of torch's own, which dropout uses."""
    own = torch.cuda.get_rng_state(state.device) if state.device.type == "cuda" else None
    states = {"batches": state.generator.get_state(), "cpu": torch.get_rng_state(), "cuda": own}
    return {"device": state.device.type, **states}


def restore_random(state: TrainingState, saved: Mapping[str, Any]) -> None:
    """Restore the random states; on another kind of device, where they do not fit, continue from new seeds."""
    torch.set_rng_state(saved["cpu"])
    if saved["device"] != state.device.type:
        state.generator.manual_seed(state.generator.initial_seed() + state.step)
        logger.info(
            "resumed on %s a run from %s: its batches will differ from here on", state.device.type, saved["device"]
        )
        return
    state.generator.set_state(saved["batches"])
    if saved["cuda"] is not None:
        torch.cuda.set_rng_state(saved["cuda"], state.device)
