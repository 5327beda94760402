"""The parameters of a field: season, light and land, and up to two animals with pose and coat colour.

Everything is here but the species, so that one field can be drawn with horses and with zebras.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

SPECIES = ("horse", "zebra")
HERD = 2  # animals in a field; the first is nearer, the second is not always there

Colour = tuple[float, float, float]

# Coat, then mane, tail and lower legs: the second follows from the first, so that it can be told from the coat.
COATS: dict[str, tuple[Colour, Colour]] = {
    "bay": ((0.50, 0.26, 0.12), (0.14, 0.10, 0.08)),
    "chestnut": ((0.67, 0.36, 0.19), (0.50, 0.25, 0.13)),
    "seal brown": ((0.31, 0.20, 0.15), (0.12, 0.09, 0.09)),
    "black": ((0.16, 0.15, 0.16), (0.09, 0.08, 0.09)),
    "grey": ((0.74, 0.75, 0.77), (0.44, 0.45, 0.48)),
    "blue roan": ((0.46, 0.46, 0.50), (0.15, 0.15, 0.17)),
    "red roan": ((0.62, 0.48, 0.43), (0.36, 0.18, 0.13)),
    "palomino": ((0.90, 0.67, 0.34), (0.95, 0.87, 0.70)),
    "buckskin": ((0.74, 0.58, 0.36), (0.22, 0.16, 0.13)),
    "cream": ((0.91, 0.83, 0.69), (0.95, 0.91, 0.83)),
}

# Sky above, sky at the horizon, far hills, trees, far meadow, near meadow, light.
SEASONS: dict[str, tuple[Colour, ...]] = {
    "spring": (
        (0.36, 0.62, 0.90), (0.80, 0.91, 0.97), (0.55, 0.70, 0.72), (0.30, 0.50, 0.25), (0.62, 0.76, 0.36),
        (0.35, 0.56, 0.20), (1.00, 0.98, 0.93),
    ),
    "summer": (
        (0.28, 0.55, 0.87), (0.86, 0.92, 0.94), (0.50, 0.62, 0.70), (0.22, 0.38, 0.20), (0.72, 0.73, 0.38),
        (0.45, 0.55, 0.22), (1.02, 0.98, 0.90),
    ),
    "autumn": (
        (0.46, 0.63, 0.80), (0.94, 0.90, 0.80), (0.62, 0.60, 0.66), (0.70, 0.41, 0.17), (0.80, 0.70, 0.38),
        (0.56, 0.50, 0.23), (1.02, 0.95, 0.84),
    ),
    "savannah": (
        (0.42, 0.66, 0.88), (0.97, 0.92, 0.78), (0.70, 0.66, 0.62), (0.46, 0.46, 0.24), (0.90, 0.78, 0.48),
        (0.72, 0.57, 0.28), (1.03, 0.97, 0.85),
    ),
    "evening": (
        (0.42, 0.48, 0.72), (1.00, 0.78, 0.55), (0.58, 0.47, 0.60), (0.30, 0.27, 0.26), (0.80, 0.65, 0.38),
        (0.46, 0.42, 0.22), (1.06, 0.90, 0.72),
    ),
    "overcast": (
        (0.66, 0.72, 0.78), (0.86, 0.88, 0.89), (0.60, 0.66, 0.70), (0.33, 0.42, 0.33), (0.60, 0.66, 0.44),
        (0.38, 0.47, 0.28), (0.93, 0.95, 0.98),
    ),
    "morning": (
        (0.56, 0.74, 0.88), (0.98, 0.91, 0.86), (0.72, 0.75, 0.82), (0.40, 0.52, 0.44), (0.72, 0.78, 0.55),
        (0.44, 0.58, 0.32), (1.00, 0.95, 0.92),
    ),
    "winter": (
        (0.58, 0.74, 0.90), (0.92, 0.94, 0.97), (0.70, 0.77, 0.86), (0.44, 0.46, 0.46), (0.90, 0.92, 0.95),
        (0.80, 0.84, 0.90), (0.97, 0.97, 1.00),
    ),
}  # fmt: skip
_FLOWERS = ((0.98, 0.95, 0.85), (0.97, 0.82, 0.25), (0.88, 0.30, 0.25), (0.62, 0.48, 0.82))


class Animal(NamedTuple):
    """One animal of each of b fields; see Field."""

    present: Float[Tensor, "b"]
    coat: Float[Tensor, "b 3"]
    points: Float[Tensor, "b 3"]
    facing: Float[Tensor, "b"]
    turn: Float[Tensor, "b"]
    graze: Float[Tensor, "b"]
    stride: Float[Tensor, "b"]
    gait: Float[Tensor, "b"]
    girth: Float[Tensor, "b"]
    tail: Float[Tensor, "b"]
    scale: Float[Tensor, "b"]
    place: Float[Tensor, "b 2"]

    def pick(self, index: slice) -> "Animal":
        """The animals at the given indices of the batch."""
        return Animal(*(part[index] for part in self))


class Field(NamedTuple):
    """b fields. Colours in [0, 1]; grid units span -1 to 1, y down; an animal's unit is its height at the withers."""

    sky: Float[Tensor, "b 2 3"]  # above, at the horizon
    land: Float[Tensor, "b 4 3"]  # far hills, trees, far meadow, near meadow
    light_colour: Float[Tensor, "b 3"]
    light: Float[Tensor, "b 3"]  # unit vector to the light: right, up, to the viewer
    horizon: Float[Tensor, "b"]  # grid units
    clouds: Float[Tensor, "b"]  # 0 clear .. 1 covered
    hills: Float[Tensor, "b"]  # height in grid units
    trees: Float[Tensor, "b"]  # height of the line of trees, grid units
    flowers: Float[Tensor, "b"]  # 0 .. 1
    flower_colour: Float[Tensor, "b 3"]
    phase: Float[Tensor, "b 8"]  # 0 .. 1: which clouds, hills, trees, tufts
    present: Float[Tensor, "b 2"]  # 0 or 1
    coat: Float[Tensor, "b 2 3"]
    points: Float[Tensor, "b 2 3"]  # mane, tail and lower legs
    facing: Float[Tensor, "b 2"]  # 1 to the right, -1 to the left
    turn: Float[Tensor, "b 2"]  # radians, + turns the head to the viewer; 0 is the side view
    graze: Float[Tensor, "b 2"]  # 0 head up .. 1 muzzle in the grass
    stride: Float[Tensor, "b 2"]  # 0 standing .. 1 a long walk
    gait: Float[Tensor, "b 2"]  # 0 .. 1: the moment of the walk
    girth: Float[Tensor, "b 2"]  # ratio
    tail: Float[Tensor, "b 2"]  # radians, + away from the legs
    scale: Float[Tensor, "b 2"]  # grid units that the height at the withers takes
    place: Float[Tensor, "b 2 2"]  # where the middle of the trunk stands on the ground, grid units

    def pick(self, index: slice | Tensor) -> "Field":
        """The fields at the given indices of the batch."""
        return Field(*(part[index] for part in self))

    def animal(self, which: int) -> Animal:
        """The nearer (0) or the farther (1) animal of every field."""
        return Animal(*(getattr(self, name)[:, which] for name in Animal._fields))


def sample_field(count: int, generator: torch.Generator, device: torch.device | str = "cpu") -> Field:
    """Draw random fields; each has one large animal, and every third has a smaller one farther back."""

    def uniform(low: float = 0.0, high: float = 1.0, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand((count, *shape), generator=generator, device=generator.device)

    def sign(*shape: int) -> Tensor:
        return torch.where(uniform(0.0, 1.0, *shape) < 0.5, -1.0, 1.0)

    def choose(table: Tensor, *shape: int) -> Tensor:
        return table[(uniform(0.0, float(len(table)), *shape)).long().clamp_max(len(table) - 1)]

    seasons = torch.tensor(list(SEASONS.values()), device=generator.device)
    palette = torch.lerp(choose(seasons), choose(seasons), uniform(0.0, 0.3, 1, 1))
    palette = (palette * (1 + uniform(-0.04, 0.04, 1, 3)) * (1 + uniform(-0.04, 0.04, 7, 1))).clamp(0, 1.08)
    looks = choose(torch.tensor(list(COATS.values()), device=generator.device), 2)
    looks = (looks * (1 + uniform(-0.08, 0.08, 2, 1, 1)) * (1 + uniform(-0.03, 0.03, 2, 1, 3))).clamp(0, 1)
    height = uniform(0.45, 0.95)
    azimuth = uniform(-1.1, 1.1)
    light = torch.stack((azimuth.sin(), height, azimuth.cos()), 1)
    horizon, facing, turn = uniform(-0.30, 0.12), sign(2), uniform(-0.45, 0.5, 2)
    grazes, steps = uniform(0.0, 1.0, 2), uniform(0.0, 1.0, 2)
    graze = torch.where(grazes < 0.35, uniform(0.9, 1.0, 2), uniform(-0.12, 0.45, 2))
    near = uniform(0.86, 1.16)
    second = (uniform() < 0.33).float()
    ahead = facing * turn.cos() * (0.20 + 0.06 * graze)  # the head reaches out: stand back by it, so that all is seen
    place = torch.stack((-ahead * near[:, None], torch.zeros_like(ahead)), -1)
    far = near * uniform(0.42, 0.6)
    ground = torch.maximum(uniform(0.62, 0.86), 1.52 * near - 0.96)  # ears stay in the picture
    behind = torch.lerp(horizon, ground, uniform(0.45, 0.6))
    lateral = sign() * uniform(0.45, 0.7)
    place[:, 0, 0] += uniform(-0.14, 0.14) * (1.25 - near) * 2 - second * lateral * 0.3
    place[:, 1, 0] = lateral
    place[:, 0, 1], place[:, 1, 1] = ground, behind
    parts = Field(
        sky=palette[:, :2], land=palette[:, 2:6], light_colour=palette[:, 6],
        light=light / light.norm(dim=1, keepdim=True), horizon=horizon, clouds=uniform(),
        hills=uniform(0.05, 0.5), trees=uniform(-0.04, 0.30),
        flowers=(uniform() * 2 - 1).clamp_min(0) * (palette[:, 5, 2] < 0.6),  # none in snow
        flower_colour=choose(torch.tensor(_FLOWERS, device=horizon.device)),
        phase=uniform(0.0, 1.0, 8), present=torch.stack((torch.ones_like(second), second), 1),
        coat=looks[:, :, 0], points=looks[:, :, 1], facing=facing, turn=turn, graze=graze,
        stride=torch.where(steps < 0.55, uniform(0.4, 1.0, 2) * (1 - 0.6 * graze.clamp(0, 1)), uniform(0.1, 0.3, 2)),
        gait=uniform(0.0, 1.0, 2), girth=uniform(0.95, 1.06, 2), tail=uniform(-0.1, 0.5, 2),
        scale=torch.stack((near, far), 1), place=place,
    )  # fmt: skip
    return Field(*(part.to(device) for part in parts))
