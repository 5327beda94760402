"""Supervision of CycleGAN by drawn counterparts, in addition to the terms of the paper."""

from dataclasses import dataclass

from torch import Tensor

from train.loop.schedules import linear
from train.recipes.cyclegan.losses import Pair, distance


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """Weight of the distance to the drawn counterparts; zero for images without truth."""

    truth: float = 0.0
    truth_first: int = 0
    """Steps that compute this loss only: two generator passes instead of six."""
    fades: int = 0
    """Step by which the weight has faded linearly, from `truth_first` on, to the factor `floor`; 0: it is constant."""
    floor: float = 0.1

    def weights(self, step: int) -> dict[str, float]:
        """The weights at a step; empty if `truth` is 0."""
        factor = linear(step, self.truth_first, self.fades, self.floor) if self.fades else 1.0
        weight = factor * self.truth
        return {"truth_a2b": weight, "truth_b2a": weight} if self.truth > 0 else {}


def truth_terms(made: Pair, truth: Pair) -> dict[str, Tensor]:
    """Distance to the drawn counterparts, where `truth.b` shows a's image in domain b. Not in the paper."""
    return {"truth_a2b": distance(made.b, truth.b), "truth_b2a": distance(made.a, truth.a)}
