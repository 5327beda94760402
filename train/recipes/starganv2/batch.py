"""What the phases of one StarGAN v2 step share."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from train.recipes.starganv2.data import Samples
from train.recipes.starganv2.losses import Pictures


class StyleBatch(NamedTuple):
    """Data shared by the phases of one step."""

    samples: Samples
    source: Pictures
    first: Float[Tensor, "b l"]  # latents
    second: Float[Tensor, "b l"]
    many: Float[Tensor, "d n l"] | None  # latents for matching the distribution of styles
    chance: torch.Generator
    made: Float[Tensor, "b 3 s s"] | None = None  # set by the truth phase for the patch discriminator's
