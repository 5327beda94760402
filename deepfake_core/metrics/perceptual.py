"""How different two pictures look: a distance of features, in the manner of LPIPS but without its trained networks.

LPIPS (Zhang et al., CVPR 2018) compares features of a network trained on photos, weighted to agree with people. Neither
such a network nor those weights come with this project. The features here are convolutions with fixed random weights,
the weakest baseline of that paper: they see edges, colours and textures but no meaning. Its figures stand beside each
other and beside nothing else; above all they are not comparable to published LPIPS.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (16, 32, 64, 64)
SEED = 0


class RandomFeatureDistance(nn.Module):
    """Eq. 1 of LPIPS with all channels weighted alike, on a network with fixed random weights.

        d(a, b) = mean over layers of mean over places of |f_a / |f_a| - f_b / |f_b||^2

    where f is the vector of features at a place. 0 for equal pictures, at most 2 for features that are never negative.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(SEED)
        self.layers = nn.ModuleList()
        for before, after in pairwise((3, *widths)):
            layer = nn.Conv2d(before, after, 3, stride=2, padding=1)
            layer.weight.data = torch.randn(layer.weight.shape, generator=chance) * (2 / (before * 9)) ** 0.5
            layer.bias = nn.Parameter(torch.randn(after, generator=chance) * 0.05)  # so that black has a direction too
            self.layers.append(layer)
        self.eval().requires_grad_(False)

    def forward(self, first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        """One distance for each pair of pictures in [0, 1]."""
        distances = []
        a, b = first.float(), second.float()  # not centred: a brighter shade is a longer vector, hardly another one
        for layer in self.layers:
            a, b = layer(a).relu(), layer(b).relu()
            distances.append((unit(a) - unit(b)).square().sum(dim=1).mean(dim=(1, 2)))
        return torch.stack(distances).mean(dim=0)


def unit(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The features of every place, scaled to length 1."""
    return features / (features.square().sum(dim=1, keepdim=True) + 1e-10).sqrt()
