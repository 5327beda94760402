"""The interface between the training loop and a recipe: networks, phases, batches, sample grids.

A recipe describes the training of one paper's networks. The loop in `train.loop.loop` runs all recipes in the same way:
each step draws one batch and runs the phases in order; each phase computes named loss terms from the batch, weights
them once, and updates its own networks only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn


def always(step: int) -> bool:
    """Return True: active at every step."""
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One optimizer update within a training step, such as the generator's or the discriminator's."""

    name: str
    """Prefix of the loss terms in the log, as in `generator/perceptual`."""
    trained: nn.Module
    """The networks that this phase updates. While it runs, no other parameter requires a gradient; parameters that
    the recipe froze stay frozen."""
    optimizer: torch.optim.Optimizer
    """Holds the parameters of `trained`; its learning rates are multiplied by the loop's schedule. Two phases may
    share one, for example a lazy regulariser and its discriminator."""
    losses: Callable[[Any, int], tuple[Mapping[str, Tensor], Any]]
    """(batch, step) -> the unweighted scalar terms by name, and the batch for the next phase, to which a generator
    adds its (detached) output so that the discriminator need not compute it again."""
    weights: Callable[[int], Mapping[str, float]]
    """step -> the weight of every term, under the same names."""
    clip_norm: float | None = None
    """Maximum norm of the gradient over all of `trained`, to which it is clipped. None disables clipping."""
    active: Callable[[int], bool] = always
    """step -> whether the phase runs."""


@runtime_checkable
class Recipe(Protocol):
    """What `train.loop.loop.fit` trains: typically a frozen dataclass with these fields and methods."""

    @property
    def networks(self) -> nn.ModuleDict:
        """All networks that a checkpoint contains, already on their device."""

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """Names of the networks of which the loop keeps a moving average, which is exported as weights."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of one step, in order; their names differ."""

    @property
    def batch_size(self) -> int:
        """Samples in one batch, for the counts in the log."""

    def batch(self, generator: torch.Generator) -> Any:
        """Draw one batch on the networks' device; `generator`, on that device too, is the only source of randomness."""

    def sample_grid(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        """Draw a grid of samples, in [0, 1], from fixed held-out seeds.

        `networks` contains the moving averages where there are any, in evaluation mode; gradients are disabled.
        """

    def metadata(self) -> Mapping[str, str]:
        """Strings for the header of the exported weights (config, licence, paper); structured values as JSON."""


@runtime_checkable
class HasDiscriminators(Protocol):
    """A recipe whose discriminators are exported beside the weights, as they are."""

    def discriminators(self) -> Mapping[str, tuple[nn.Module, Mapping[str, str]]]:
        """What each judges -> the discriminator, and strings for the header of its file."""


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, int | float]) -> Float[Tensor, ""]:
    """Return sum_i weights[i] * terms[i] in float32.

    Raises `ValueError` if the names differ: a term without a weight is an error, and so is a weight without a term.
    """
    if terms.keys() != weights.keys():
        unweighted, unused = sorted(terms.keys() - weights.keys()), sorted(weights.keys() - terms.keys())
        raise ValueError(f"loss terms without a weight: {unweighted}; weights without a term: {unused}")
    if not terms:
        raise ValueError("a phase needs at least one loss term")
    return torch.stack([weights[name] * term.float() for name, term in terms.items()]).sum()
