"""Supervision of CycleGAN by drawn counterparts, in addition to the terms of the paper."""

from dataclasses import dataclass

from torch import Tensor

from train.loop.schedules import linear
from train.recipes.cyclegan.losses import Pair, distance


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """Weight of the distance to the drawn counterparts; zero for pictures without one."""

    truth: float = 0.0
    truth_first: int = 0
    """Steps in which nothing else is computed: two passes of a generator instead of six."""
    fades: int = 0
    """Step at which the weight has fallen to `floor` of its value, linearly from `truth_first` on; 0: it stays."""
    floor: float = 0.1

    def weights(self, step: int) -> dict[str, float]:
        """The weights at a step; none are named when the truth never counts."""
        factor = linear(step, self.truth_first, self.fades, self.floor) if self.fades else 1.0
        weight = factor * self.truth
        return {"truth_a2b": weight, "truth_b2a": weight} if self.truth > 0 else {}


def truth_terms(made: Pair, truth: Pair) -> dict[str, Tensor]:
    """Distance to the drawn counterparts: `truth.b` is what a's picture really is in b. Not in the paper."""
    return {"truth_a2b": distance(made.b, truth.b), "truth_b2a": distance(made.a, truth.a)}
