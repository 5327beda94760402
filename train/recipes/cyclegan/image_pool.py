"""A pool of generated images for the discriminator, which reduces oscillation (Shrivastava et al., CVPR 2017)."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Exchange(NamedTuple):
    """Random decisions for each image of a batch, used once the pool is full."""

    older: Bool[Tensor, "b"]
    """Whether an older image replaces it."""
    place: Int[Tensor, "b"]
    """Index of that image; the new one is stored there."""


class ImagePool(nn.Module):
    """The latest generated images; half of the time the discriminator sees one of them instead of a new one.

    It is a module so that its buffers are in the checkpoint, and a resumed run continues with the same pool.
    """

    pictures: Tensor
    held: Tensor

    def __init__(self, size: int, channels: int, side: int) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("pictures", torch.zeros(size, channels, side, side))
        self.register_buffer("held", torch.zeros((), dtype=torch.int64))

    def decide(self, count: int, generator: torch.Generator) -> Exchange:
        """Draw the decisions for `count` images: an older one half of the time, chosen uniformly."""
        device = generator.device
        older = torch.rand(count, generator=generator, device=device) > 0.5
        return Exchange(older, torch.randint(max(1, self.size), (count,), generator=generator, device=device))

    @torch.no_grad()
    def exchange(self, images: Float[Tensor, "b c h w"], decisions: Exchange) -> Float[Tensor, "b c h w"]:
        """Store the images and return as many, new or older; until the pool is full, and for size 0, the new ones."""
        if self.size == 0:
            return images
        shown = images.clone()
        held = int(self.held)
        for row, (older, place) in enumerate(zip(decisions.older.tolist(), decisions.place.tolist(), strict=True)):
            if held < self.size:
                self.pictures[held] = images[row]
                held += 1
            elif older:
                shown[row] = self.pictures[place]
                self.pictures[place] = images[row]
        self.held.fill_(held)
        return shown
