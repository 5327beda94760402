"""Perceptual distance of images: LPIPS without its trained networks.

LPIPS (Zhang et al., CVPR 2018) compares features of a network trained on photographs, weighted to agree with human
judgement. This project includes neither such a network nor those weights. The features here are convolutions with fixed
random weights, the weakest baseline of that paper: they respond to edges, colours and textures, not to meaning. The
distances can be compared with one another only, not with published LPIPS values.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (16, 32, 64, 64)
SEED = 0


class RandomFeatures(nn.Module):
    """Strided convolutions with fixed random weights; returns the features of every layer of images in [0, 1]."""

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(SEED)
        self.layers = nn.ModuleList()
        for before, after in pairwise((3, *widths)):
            layer = nn.Conv2d(before, after, 3, stride=2, padding=1)
            layer.weight.data = torch.randn(layer.weight.shape, generator=generator) * (2 / (before * 9)) ** 0.5
            bias = torch.randn(after, generator=generator) * 0.05  # so that black has a direction too
            layer.bias = nn.Parameter(bias)
            self.layers.append(layer)
        self.eval().requires_grad_(False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        features = [image]
        for layer in self.layers:
            features.append(layer(features[-1]).relu())
        return features[1:]


class RandomFeatureDistance(nn.Module):
    """Eq. 1 of LPIPS with equal weights for all channels, on `RandomFeatures`.

        d(a, b) = mean over layers of mean over positions of |f_a / |f_a| - f_b / |f_b||^2

    where f is the vector of features at a position. 0 for equal images; at most 2, as features are never negative.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = RandomFeatures()

    def forward(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        """One distance for each pair of images in [0, 1]."""
        pairs = zip(self.features(first.float()), self.features(second.float()), strict=True)
        distances = [(unit(a) - unit(b)).square().sum(dim=1).mean(dim=(1, 2)) for a, b in pairs]
        return torch.stack(distances).mean(dim=0)


def unit(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The features of every position, scaled to unit length."""
    return features / (features.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()
