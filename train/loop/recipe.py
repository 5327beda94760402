"""What the training loop asks of a recipe: its networks, its phases, a batch, a sample sheet.

A recipe is one paper's training written down as data. The loop in `train.loop.loop` runs every recipe alike: each step
draws one batch and walks through the phases in order; each phase turns the batch into named loss terms, weighs
them once, and moves its own networks and no others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn


def always(step: int) -> bool:
    """Be active at every step."""
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One optimizer's share of a training step, such as the generator's or the discriminator's."""

    name: str
    """Stands before the names of the terms in the log, as in `generator/perceptual`."""
    trained: nn.Module
    """The networks that this phase moves. While it runs, no parameter outside them asks for a gradient; those that
    the recipe froze itself stay frozen."""
    optimizer: torch.optim.Optimizer
    """Holds the parameters of `trained`; its learning rates are multiplied by the loop's schedule. Two phases may
    share one, as a lazy regulariser does with its discriminator."""
    losses: Callable[[Any, int], tuple[Mapping[str, Tensor], Any]]
    """(batch, step) -> the unweighted scalar terms by name, and the batch for the next phase, to which a generator
    adds its (detached) image so that the discriminator need not draw it again."""
    weights: Callable[[int], Mapping[str, float]]
    """step -> the weight of every term, under the same names."""
    clip_norm: float | None = None
    """Largest norm of the gradient over all of `trained`; a longer one is shortened. None leaves it alone."""
    active: Callable[[int], bool] = always
    """step -> whether the phase takes part in it."""


@runtime_checkable
class Recipe(Protocol):
    """What `train.loop.loop.fit` trains. A frozen dataclass with these fields and methods will do."""

    @property
    def networks(self) -> nn.ModuleDict:
        """Everything that a checkpoint holds, already on its device."""

    @property
    def averaged(self) -> tuple[str, ...]:
        """Names of the networks of which the loop keeps a moving average; these are exported as weights."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of one step, in order, under different names."""

    @property
    def batch_size(self) -> int:
        """Samples in one batch; the log counts with it."""

    def batch(self, generator: torch.Generator) -> Any:
        """Draw one batch on the networks' device; all its chance comes from `generator`, which lives there too."""

    def sheet(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        """Draw the sample sheet, in [0, 1], from fixed held-out seeds.

        `networks` holds the averages where there are any, in evaluation mode; gradients are off.
        """

    def metadata(self) -> Mapping[str, str]:
        """Strings for the header of the exported weights (config, licence, paper); JSON where one is structured."""


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, int | float]) -> Float[Tensor, ""]:
    """Return sum_i weights[i] * terms[i] in float32.

    Raises `ValueError` when the names differ: a term without a weight is a mistake, and so is a weight without a term.
    """
    if terms.keys() != weights.keys():
        unweighted, unused = sorted(terms.keys() - weights.keys()), sorted(weights.keys() - terms.keys())
        raise ValueError(f"loss terms without a weight: {unweighted}; weights without a term: {unused}")
    if not terms:
        raise ValueError("a phase needs at least one loss term")
    return torch.stack([weights[name] * term.float() for name, term in terms.items()]).sum()
