"""Augmentation of the images that classifiers are trained on: small shifts, colour changes and noise.

A classifier that was trained on clean drawings alone can be fooled by invisible patterns in generated images, and it
soon overfits a few thousand drawings.
"""

from collections.abc import Sequence

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

    count = len(image)
    (moved,) = shifted((image,), generator, most=max(1, SHIFT * image.shape[2] // 128))
    tinted = moved * (1 + GAIN * (2 * chance(count, 3, 1, 1) - 1)) + OFFSET * (2 * chance(count, 1, 1, 1) - 1)
    grain = torch.randn(image.shape, generator=generator, device=generator.device)
    return tinted + NOISE * chance(count, 1, 1, 1) * grain


def shifted(
    images: Sequence[Float[Tensor, "b c h w"]], generator: torch.Generator, most: int
) -> list[Float[Tensor, "b c h w"]]:
    """Move images by the same random number of pixels, up to `most` either way; the outer pixels are repeated.

    Strided convolutions see a fixed lattice at the same phase in every image, so that a generator that is trained by
    them may paint one unpunished. After a shift they see it at all phases.
    """
    down, right = (int(torch.randint(2 * most + 1, (), generator=generator, device=generator.device)) for _ in "yx")
    height, width = images[0].shape[2:]
    padded = (F.pad(image, (most, most, most, most), mode="replicate") for image in images)
    return [image[:, :, down : down + height, right : right + width] for image in padded]
