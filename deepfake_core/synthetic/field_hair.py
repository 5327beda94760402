"""A horse's mane and tail: fine strands that hang, gathered in locks that end at different heights."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.field_coat import NECK
from deepfake_core.synthetic.field_parameters import Animal
from deepfake_core.synthetic.painting import Colour, edge

PerPoint = Float[Tensor, "b n"]
CREST = (0.33, 1.0)  # the mane's place is told along and across the line through it in the direction of the neck
SLANT = 0.75  # strands of a raised neck lean back by it, those of a lowered one forward: they hang
LOCK, FINE = 105.0, 262.0  # radians per animal unit across locks and across strands


class Strands(NamedTuple):
    """Hair at n points."""

    shade: PerPoint  # -1 .. 1 across strands
    cut: PerPoint  # animal units by which hair ends inside its outline


def strands(part: str, graze: Float[Tensor, "b"], rest: Float[Tensor, "b 2 n"], pixel: Float[Tensor, "b 1"]) -> Strands:
    """Strands of the mane or of the tail; those finer than a pixel fade."""
    u, v = rest.unbind(1)
    if part == "mane":
        a, b = u - CREST[0], v - CREST[1]
        above = b * NECK[0] - a * NECK[1]
        way = a * NECK[0] + b * NECK[1] - SLANT * (1 - 1.6 * graze.clamp(0, 1))[:, None] * above
        down, deep = edge(-0.075 - above, 0.11), 0.055
    else:
        way, down, deep = u + 0.02 * (7 * v).sin(), edge(0.46 - v, 0.44), 0.070
    lock = 0.6 * (LOCK * way + 1.5 * (23 * way).sin()).sin() + 0.4 * (1.62 * LOCK * way + 9 * v).sin()
    fine = (FINE * way + 1.2 * (31 * v + 40 * way).sin()).sin() * (2 - 90 * pixel).clamp(0, 1)
    return Strands(0.5 * lock + 0.5 * fine, deep * down * (0.5 - 0.5 * lock) + 0.004 * fine * down)


def paint_hair(animal: Animal, shade: PerPoint) -> Colour:
    """Hair in the colour of the animal's points."""
    return animal.points[..., None] * (1.0 + 0.20 * shade)[:, None]
