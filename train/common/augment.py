"""Faults that do not change what a picture shows: networks that name things learn from pictures that have them.

A network that names what the generator made, and was taught on flawless drawings alone, can be pleased by a pattern
that nobody sees; and a few thousand drawings are soon learned by heart.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SHIFT = 3  # pixels of 128
GAIN, OFFSET = 0.05, 0.03  # of each colour, of all
NOISE = 0.03  # largest standard deviation


def blemished(image: Float[Tensor, "b 3 h w"], generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
    """Pictures in [-1, 1], moved by a few pixels, in colours that are a little off, with some noise.

    All chance comes from `generator`, which lives on the pictures' device.
    """

    def chance(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=generator.device)

    count, _, height, width = image.shape
    most = max(1, SHIFT * height // 128)
    down, right = (int(torch.randint(-most, most + 1, (), generator=generator, device=generator.device)) for _ in "yx")
    moved = F.pad(image, (most, most, most, most), mode="replicate")
    moved = moved[:, :, most + down : most + down + height, most + right : most + right + width]
    tinted = moved * (1 + GAIN * (2 * chance(count, 3, 1, 1) - 1)) + OFFSET * (2 * chance(count, 1, 1, 1) - 1)
    grain = torch.randn(image.shape, generator=generator, device=generator.device)
    return tinted + NOISE * chance(count, 1, 1, 1) * grain
