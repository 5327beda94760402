"""Building blocks shared by several networks: sampling grids, warping, anti-aliased downscaling, masks of a face.

Every grid spans pixel centres: -1 and 1 are the centres of the outer pixels, x comes first.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.motion import coordinate_grid


def warp(
    image: Float[Tensor, "b c h w"], grid: Float[Tensor, "b hg wg 2"], *, align_corners: bool = True
) -> Float[Tensor, "b c hg wg"]:
    """Sample `image` bilinearly at `grid`, with zeros outside the picture.

    `align_corners=True` reads the grid as spanning pixel centres (the rule of this project and of the published
    weights), False as spanning pixel edges (what the first-order code does under today's torch).
    """
    return F.grid_sample(image, grid.to(image.dtype), align_corners=align_corners)


def resize_like(
    x: Float[Tensor, "b c h w"], size: tuple[int, int], *, align_corners: bool = False
) -> Float[Tensor, "b c hn wn"]:
    """Bilinear resize to `size` (height, width); returns the input if it has that size.

    `align_corners=True` keeps every place of a grid that spans pixel centres where it is, as `warp` reads it.
    """
    if (x.shape[2], x.shape[3]) == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)


def gaussian_kernel(scale: float) -> Float[Tensor, "k k"]:
    """The low-pass filter before downscaling by `scale` < 1: sigma = (1/scale - 1)/2, radius 4 sigma, sum 1."""
    sigma = (1 / scale - 1) / 2
    size = 2 * round(sigma * 4) + 1
    offset = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    line = torch.exp(-(offset**2) / (2 * sigma**2))
    kernel = line[:, None] * line[None, :]
    return kernel / kernel.sum()


class AntiAliasedDownscale(nn.Module):
    """Anti-aliased downscaling: blur, then keep every (1/scale)-th pixel (zeros outside the picture)."""

    kernel: Tensor

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.stride = round(1 / scale)
        kernel = gaussian_kernel(scale) if self.stride > 1 else torch.ones(1, 1)
        self.channels, self.padding = channels, kernel.shape[0] // 2
        self.register_buffer("kernel", kernel.expand(channels, 1, -1, -1).clone(), persistent=False)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c hs ws"]:
        if self.stride == 1:
            return image
        return F.conv2d(image, self.kernel, padding=self.padding, stride=self.stride, groups=self.channels)


class AlignedDownscale(nn.Module):
    """The mean of each block of 1/scale pixels, sampled at the pixel centres of the small grid.

    `AntiAliasedDownscale` puts the small picture's last pixel 1/scale - 1 pixels away from the large one's.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.stride = round(1 / scale)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c hs ws"]:
        if self.stride == 1:
            return image
        small, (height, width) = F.avg_pool2d(image, self.stride), image.shape[2:]
        from_edges = torch.tensor(((width - 1) / width, (height - 1) / height), device=image.device)
        outermost = 1 - 1 / torch.tensor((small.shape[3], small.shape[2]), device=image.device)
        grid = coordinate_grid(small.shape[2], small.shape[3], device=image.device) * from_edges
        grid = grid.clamp(-outermost, outermost)  # repeats the border; Apple's GPUs lack that padding mode
        grid = grid.expand(len(small), -1, -1, -1)
        return F.grid_sample(small.float(), grid, align_corners=False).to(image.dtype)


class Masks(NamedTuple):
    """Masks in [0, 1] of the parts of a face whose edges StarGAN v2 keeps, computed by the heatmap network."""

    coarse: Float[Tensor, "b 1 h w"]  # chin, brows, eyes, nose and lips, for features of 32 pixels
    fine: Float[Tensor, "b 1 h w"]  # eyes and nose alone, for features of 64 and 128

    def at(self, side: int) -> Float[Tensor, "b 1 side side"]:
        """The mask for features of `side` pixels."""
        return resize_like(self.coarse if side <= 32 else self.fine, (side, side))
