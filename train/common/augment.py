"""Augmentation of the images that classifiers are trained on: small shifts, colour changes and noise.

A classifier that was trained on clean drawings alone can be fooled by invisible patterns in generated images, and it
soon overfits a few thousand drawings.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SHIFT = 3  # pixels, at a size of 128
GAIN, OFFSET = 0.05, 0.03  # of each channel, of all channels
NOISE = 0.03  # maximum standard deviation


def augmented(image: Float[Tensor, "b 3 h w"], generator: torch.Generator) -> Float[Tensor, "b 3 h w"]:
    """Shift images in [-1, 1] by a few pixels, change their colours slightly, and add noise.

    All randomness comes from `generator`, which must be on the images' device.
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
