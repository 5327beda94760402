"""Generative Adversarial Nets (Goodfellow et al., NIPS 2014) in the plane: data are points, so that all is visible.

The generator maps latent points of the square [-1, 1]^2 to points of the plane; the discriminator gives each point of
the plane a logit, positive where it takes it for real. Data lie within about [-1, 1]^2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

LATENT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaneGanConfig:
    """Both networks."""

    width: int = 48
    """Units of a hidden layer."""
    layers: int = 3
    """Hidden layers of each network."""


class Perceptron(nn.Module):
    """A multilayer perceptron."""

    def __init__(
        self, inputs: int, outputs: int, config: PlaneGanConfig, activation: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        sizes = [inputs, *[config.width] * config.layers, outputs]
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.activation = activation

    def forward(self, x: Float[Tensor, "n i"]) -> Float[Tensor, "n o"]:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)


class Generator(nn.Module):
    """Maps latent points in [-1, 1]^2 to the plane."""

    def __init__(self, config: PlaneGanConfig) -> None:
        super().__init__()
        self.perceptron = Perceptron(LATENT, 2, config, torch.tanh)

    def forward(self, latent: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        return self.perceptron(latent)


class Discriminator(nn.Module):
    """The logit of each point of the plane: positive for real."""

    def __init__(self, config: PlaneGanConfig) -> None:
        super().__init__()
        self.perceptron = Perceptron(2, 1, config, F.elu)

    def forward(self, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n"]:
        return self.perceptron(points).squeeze(1)
