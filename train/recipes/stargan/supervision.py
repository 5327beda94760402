"""Supervision of StarGAN by drawn edits, in addition to the terms of the paper."""

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from train.loop.schedules import linear

LEAST_CHANGE = 3 / 64**2  # mean square of a change that counts half as much as a large one
EDGES = 1 / 12  # of edges it is that part


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """Weights of the terms that compare with the drawn truth; all zero for pictures without one."""

    truth: float = 0.0
    """Mean distance to the drawn picture."""
    truth_changed: float = 0.0
    """The share of the change's energy that is missing (`truth_terms`)."""
    truth_edges: float = 0.0
    """The same share of the change's edges."""
    fades: int = 0
    """Step at which the weights have fallen to `floor` of their value; 0: they stay."""
    floor: float = 0.1
    classes: float = 0.0
    """Eq. 3, the wanted attributes as the class head sees them, during `truth_first` at full size: what is few pixels,
    but tells ages or sexes apart, counts for what it tells. It does not fade."""
    classes_from: int = 0
    """Step from which the class head, which has to learn first, is listened to."""

    def weights(self, step: int) -> dict[str, float]:
        """The weights of the truth's terms at a step; terms that never count are not named."""
        factor = linear(step, 0, self.fades, self.floor) if self.fades else 1.0
        terms = {"truth": self.truth, "truth_changed": self.truth_changed, "truth_edges": self.truth_edges}
        return {name: factor * weight for name, weight in terms.items() if weight > 0}


def truth_terms(
    real: Float[Tensor, "b 3 h w"], made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """How far the made picture is from the drawn one, everywhere, and how much of the change is missing.

    The second is the share of the change's energy that is missing, so that wrinkles, which are few pixels and faint
    ones, count nearly as much as a head of hair. Going some of the way is better than nothing there, which a median,
    the best guess for the first, does not find. The third is the same of edges, each pixel beside the mean of the nine
    around it: of what age changes, greying hair has most of the energy, but lines tell it.
    """
    missing, change = made - truth, real - truth
    least = LEAST_CHANGE * real.shape[2] * real.shape[3]
    return {
        "truth": missing.abs().mean(),
        "truth_changed": (energy(missing) / (energy(change) + least)).mean(),
        "truth_edges": (energy(edges(missing)) / (energy(edges(change)) + EDGES * least)).mean(),
    }


def energy(difference: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
    """Sum over the pixels of the mean square of their colours."""
    return difference.square().mean(dim=1).sum(dim=(1, 2))


def edges(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Each pixel's difference from the mean of the nine around it."""
    return image - F.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
