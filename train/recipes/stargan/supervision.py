"""Supervision of StarGAN by drawn edits, in addition to the terms of the paper."""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from train.loop.schedules import linear

LEAST_CHANGE = 3 / 64**2  # mean square of a change that gets half the weight of a large one
EDGES = 1 / 12  # the same for edges, relative to it


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """Weights of the terms that compare with the drawn truth; all zero for images without truth."""

    truth: float = 0.0
    """Mean distance to the drawn image."""
    truth_changed: float = 0.0
    """Missing share of the energy of the change (see `truth_terms`)."""
    truth_edges: float = 0.0
    """The same for the edges of the change."""
    fades: int = 0
    """Step by which the weights have faded linearly to the factor `floor`; 0: they are constant."""
    floor: float = 0.1
    classes: float = 0.0
    """Eq. 3, the classification loss of the target attributes, during `truth_first` at full size: details of few pixels
    that distinguish ages or sexes count by their meaning. It does not fade."""
    classes_from: int = 0
    """Step from which this loss is used, as the class head must be trained first."""

    def weights(self, step: int) -> dict[str, float]:
        """The weights of the supervision terms at a step; unused terms are omitted."""
        factor = linear(step, 0, self.fades, self.floor) if self.fades else 1.0
        terms = {"truth": self.truth, "truth_changed": self.truth_changed, "truth_edges": self.truth_edges}
        return {name: factor * weight for name, weight in terms.items() if weight > 0}


def truth_terms(
    real: Float[Tensor, "b 3 h w"], made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """Distance of the result to the drawn truth, and the missing share of the change, in pixels and in edges.

    `truth` is the mean absolute difference. `truth_changed` is the missing share of the energy of the change, so that
    wrinkles, which are few and faint pixels, count nearly as much as hair; unlike the median that minimises the first
    term, it rewards partial changes. `truth_edges` is the same for edges, the difference of each pixel from the mean of
    its 3 x 3 neighbourhood: for age, greying hair has most of the energy, but lines are what viewers see.
    """
    missing, change = made - truth, real - truth
    least = LEAST_CHANGE * real.shape[2] * real.shape[3]
    return {
        "truth": missing.abs().mean(),
        "truth_changed": (energy(missing) / (energy(change) + least)).mean(),
        "truth_edges": (energy(edges(missing)) / (energy(edges(change)) + EDGES * least)).mean(),
    }


def energy(difference: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
    """Sum over pixels of the mean square over channels."""
    return difference.square().mean(dim=1).sum(dim=(1, 2))


def edges(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """The difference of each pixel from the mean of its 3 x 3 neighbourhood."""
    return image - F.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
