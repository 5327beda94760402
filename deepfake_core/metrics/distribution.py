"""Distances of two sets as distributions: KID (Binkowski et al., ICLR 2018) of images, energy distance of vectors.

KID's features are those of `RandomFeatures`, not of a network trained on photographs, so its values can be compared
with one another only, not with published ones.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.metrics.perceptual import RandomFeatures

DEGREE = 3  # of the polynomial kernel
LEAST_SPREAD = 0.05  # of a feature, relative to the mean of all, by which it is standardised


def kernel_distance(made: Float[Tensor, "n 3 h w"], real: Float[Tensor, "m 3 h w"]) -> float:
    """The squared maximum mean discrepancy of as many results as real images; unbiased: 0 on average if equal.

    Features are standardised by the real images'. Row i of one set may be the truth of row i of the other: these pairs
    are left out. Raises `ValueError` for fewer than two images or sets of different sizes.
    """
    if len(made) != len(real) or len(made) < 2:
        raise ValueError(f"two sets of the same size, at least 2, are needed, got {len(made)} and {len(real)}")
    mine, right = (described(images) for images in (made, real))
    mean, spread = right.mean(dim=0), right.std(dim=0)
    scale = spread.clamp_min(
        LEAST_SPREAD * float(spread.mean())
    )  # a feature that no real image shows is 0 in all of them
    mine, right = ((each - mean) / scale for each in (mine, right))
    return float(between(mine, mine) + between(right, right) - 2 * between(mine, right))


def described(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n f"]:
    """Mean and standard deviation over the positions of every feature of every layer."""
    layers = RandomFeatures().to(images.device)(images.float())
    parts = [statistic for layer in layers for statistic in (layer.mean(dim=(2, 3)), layer.flatten(2).std(dim=2))]
    return torch.cat(parts, dim=1).double()


def between(first: Float[Tensor, "n f"], second: Float[Tensor, "n f"]) -> Float[Tensor, ""]:
    """The mean of the kernel (x.y / f + 1)^3 over all pairs of different rows."""
    kernel = (first @ second.T / first.shape[1] + 1) ** DEGREE
    return (kernel.sum() - kernel.diagonal().sum()) / (len(first) * (len(first) - 1))


def energy_distance(first: Float[Tensor, "n d"], second: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Szekely & Rizzo (2013): 2 E|X - Y| - E|X - X'| - E|Y - Y'|, unbiased; 0 on average for equal distributions."""
    return 2 * torch.cdist(first, second).mean() - mean_distance(first) - mean_distance(second)


def mean_distance(points: Float[Tensor, "n d"]) -> Float[Tensor, ""]:
    """The mean distance between two different points."""
    count = len(points)
    return torch.cdist(points, points).sum() / (count * (count - 1))
