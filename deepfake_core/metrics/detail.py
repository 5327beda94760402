"""How sharp results are, and whether up-sampling shows in them as a grid.

Images are (b, 3, h, w) in [0, 1]. PSNR and SSIM hardly tell a soft result from a sharp one, which is why these exist.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

CHANGED = 10 / 255
"""Mean difference of the channels above which a pixel counts as changed."""


def laplacian(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b h w"]:
    """The sum of a pixel's four neighbours less four times itself, of the mean of the channels; 0 at the border."""
    grey = image.float().mean(dim=1, keepdim=True)
    kernel = grey.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
    return F.pad(F.conv2d(grey, kernel[None, None]), (1, 1, 1, 1))[:, 0]


def fine_detail(
    made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"], source: Float[Tensor, "b 3 h w"]
) -> float:
    """The standard deviation of the Laplacian of results over that of the truths, over all pixels to be changed.

    These are the pixels where truth and source differ by more than `CHANGED`. 1 for the truth itself, less for soft
    results. Noise and grids count as detail too: look at the images, and at `grid_peaks`. NaN if nothing changes.
    """
    changed: Bool[Tensor, "b h w"] = (truth - source).abs().mean(dim=1) > CHANGED
    if changed.sum() < 2:
        return math.nan
    mine, right = (laplacian(image)[changed].std() for image in (made, truth))
    return float(mine / right)


def grid_peaks(image: Float[Tensor, "b 3 h w"], periods: Sequence[int] = (2, 4, 8)) -> Float[Tensor, " p"]:
    """How much of the fine detail stands on a grid: peaks of its spectrum at the given periods in pixels.

    The Laplacian, relative to its root mean square, and its square are averaged over the images and one axis, which
    leaves profiles along the other. The peak is the amplitude of their Fourier components of that period: the root mean
    square over the axes, of the root of the sum of the squares of both profiles. What is drawn falls on every column
    alike, so this tends to 0 with more images; up-sampling does the same to each image, so its grid stays: as lines of
    one sign, or as columns with more detail than others. Width and height must be multiples of the periods.
    """
    inner = laplacian(image)[:, 1:-1, 1:-1]  # the border has no Laplacian
    relative = inner / inner.square().mean().sqrt().clamp_min(1e-12)
    peaks = []
    for axis in (0, 1):
        squares = []
        for part in (relative, relative.square()):
            profile = part.mean(dim=0).mean(dim=axis)
            spectrum = torch.fft.rfft(F.pad(profile - profile.mean(), (1, 1))).abs() / len(profile)
            squares.append(torch.stack([spectrum[(len(profile) + 2) // period] for period in periods]).square())
        peaks.append(squares[0] + squares[1])
    return torch.stack(peaks).mean(dim=0).sqrt()
