"""Distributions of points in the plane, within about [-1, 1]^2."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Sampler = Callable[[int, torch.Generator], Tensor]
"""`sampler(count, generator)` draws points of shape (count, 2)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """A distribution that real points are drawn from."""

    title: str
    sample: Sampler
    modes: Float[Tensor, "m 2"] | None = None
    """Centres of its Gaussians, if it is a mixture."""
    deviation: float = 0.0
    """Standard deviation of each of them."""


def gaussians(title: str, modes: Float[Tensor, "m 2"], deviation: float) -> Distribution:
    """A mixture of equal Gaussians."""

    def sample(count: int, generator: torch.Generator) -> Tensor:
        chosen = torch.randint(len(modes), (count,), generator=generator)
        return modes[chosen] + deviation * torch.randn(count, 2, generator=generator)

    return Distribution(title=title, sample=sample, modes=modes, deviation=deviation)


def ring(count: int, radius: float = 0.75) -> Float[Tensor, "m 2"]:
    """Centres on a circle."""
    angles = torch.arange(count) * (2 * math.pi / count)
    return radius * torch.stack((angles.cos(), angles.sin()), dim=1)


def grid(side: int, reach: float = 0.75) -> Float[Tensor, "m 2"]:
    """Centres on a square grid."""
    steps = torch.linspace(-reach, reach, side)
    return torch.cartesian_prod(steps, steps)


def _spiral(count: int, generator: torch.Generator) -> Tensor:
    turn = torch.rand(count, generator=generator).sqrt()
    angle, radius = 3 * math.pi * turn, 0.85 * turn
    points = radius[:, None] * torch.stack((angle.cos(), angle.sin()), dim=1)
    return points + 0.02 * torch.randn(count, 2, generator=generator)


def _moons(count: int, generator: torch.Generator) -> Tensor:
    angle = math.pi * torch.rand(count, generator=generator)
    upper = torch.rand(count, generator=generator) < 0.5
    sign = torch.where(upper, 1.0, -1.0)
    x = 0.55 * angle.cos() * sign + torch.where(upper, -0.27, 0.27)
    y = 0.6 * angle.sin() * sign + torch.where(upper, -0.15, 0.15)
    return torch.stack((x, y), dim=1) + 0.04 * torch.randn(count, 2, generator=generator)


DISTRIBUTIONS: Mapping[str, Distribution] = {
    "ring": gaussians("Ring of eight", ring(8), 0.04),
    "grid": gaussians("Grid of 25", grid(5), 0.03),
    "pair": gaussians("Two clusters", torch.tensor([[-0.55, -0.35], [0.55, 0.35]]), 0.12),
    "moons": Distribution(title="Two moons", sample=_moons),
    "spiral": Distribution(title="Spiral", sample=_spiral),
}
"""By name."""


def covered(points: Float[Tensor, "n 2"], distribution: Distribution) -> int:
    """The number of modes that hold, within three deviations, at least a quarter of their share of `points`.

    Raises `ValueError` for a distribution without modes.
    """
    if distribution.modes is None:
        raise ValueError(f"{distribution.title} is no mixture of Gaussians")
    distances = torch.cdist(points, distribution.modes)
    near = distances.min(dim=1)
    hits = near.indices[near.values < 3 * distribution.deviation]
    shares = torch.bincount(hits, minlength=len(distribution.modes)) / len(points)
    return int((shares >= 0.25 / len(distribution.modes)).sum())
