"""What the phases of one StarGAN step share."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from train.recipes.stargan.data import Samples


class StarGanBatch(NamedTuple):
    """Data shared by the phases of one step."""

    samples: Samples
    share: Float[Tensor, "b 1 1 1"]  # weight of the real image in the interpolation for the gradient penalty
    chance: torch.Generator
    made: Float[Tensor, "b 3 s s"] | None = None  # set by the generator's phase for the discriminator's
