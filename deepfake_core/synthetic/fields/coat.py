"""The coat of horses and zebras, painted in the rest frame of `fields.skeleton`, with mane and tail.

Stripes are one fixed function of the place on the body: upright on the trunk, turning about a point above the withers
into rings around the neck, about the flank into bands over the rump, and rings down the legs. A zebra's white and black
both keep a share of the horse's coat, so that the horse can be told from the zebra.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.fields.parameters import Animal
from deepfake_core.synthetic.render.brushes import Colour, bump, edge, over

TAU = 6.2832
WHITE, BLACK = (0.99, 0.97, 0.93), (0.09, 0.08, 0.09)
WHITE_SHARE, BLACK_SHARE = 0.20, 0.14  # of the coat in white and black
WIDE, NARROW, RING = 0.128, 0.075, 0.078  # from one black stripe to the next: trunk, head, legs
HUB = (0.20, 1.26)  # stripes of the neck turn about it
NECK = (0.62, 0.785)  # along the neck
FULL = 0.902  # radians between the trunk's stripes and the neck's
FAN = 3.0  # black stripes between the trunk's upright and the neck's slanting ones
FLANK = (-0.10, 0.50)  # stripes of the rump turn about it
RUMP = 3.1  # black stripes over a right angle there
HEAD = (0.66, -0.75)
HOOF = (0.20, 0.17, 0.15)
# Where muscles part: middle, cosine and sine of the way that the hollow runs, its half length and width, its depth (a
# negative one is a swelling).
_HOLLOWS = (
    (0.275, 0.800, 0.45, -0.89, 0.17, 0.028, 0.20),  # behind the shoulder blade
    (0.405, 0.870, 0.62, -0.79, 0.13, 0.024, 0.17),  # before it
    (0.350, 0.790, 0.55, -0.83, 0.14, 0.045, -0.10),  # the shoulder
    (0.270, 0.625, 0.95, 0.31, 0.07, 0.022, 0.20),  # elbow
    (-0.140, 0.680, 0.35, 0.94, 0.13, 0.030, 0.20),  # flank before the thigh
    (-0.290, 0.760, 0.60, 0.80, 0.14, 0.070, -0.10),  # thigh
    (-0.365, 0.600, 0.45, -0.89, 0.13, 0.020, 0.16),  # between the muscles of the thigh
    (0.520, 1.010, 0.62, 0.785, 0.20, 0.020, 0.13),  # furrow of the jugular
    (0.705, 1.190, 0.70, -0.71, 0.060, 0.018, 0.22),  # behind the jaw
    (0.810, 1.115, 0.66, -0.75, 0.080, 0.014, 0.16),  # below the cheek bone
)

CREST = (0.33, 1.0)  # the mane's place is told along and across the line through it in the direction of the neck
SLANT = 0.75  # strands of a raised neck lean back by it, those of a lowered one forward: they hang
LOCK, FINE = 105.0, 262.0  # radians per animal unit across locks and across strands

PerPoint = Float[Tensor, "b n"]


def white_of(coat: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3"]:
    """A zebra's white, tinted by the coat that it would have as a horse."""
    return torch.lerp(coat.new_tensor(WHITE).expand_as(coat), coat, WHITE_SHARE)


def black_of(coat: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3"]:
    """A zebra's black, tinted likewise."""
    return torch.lerp(coat.new_tensor(BLACK).expand_as(coat), coat, BLACK_SHARE)


def stripes(u: PerPoint, v: PerPoint) -> PerPoint:
    """0 white to 1 black at places (u, v) on the body."""
    wavy = u + 0.010 * (17 * v + 1.3).sin() + 0.006 * (31 * v + 9 * u).sin()
    a, b = wavy - HUB[0], v - HUB[1]
    along = a * NECK[0] + b * NECK[1]
    fan = torch.atan2(a, (-b).clamp_min(1e-3)).clamp(0, FULL) * (FAN / FULL)
    trunk = fan + (a.clamp_max(0) + along.clamp_min(0)) * (1 / WIDE)
    p, q = wavy - FLANK[0], v - FLANK[1]
    back = torch.atan2(-p, q.clamp_min(1e-3)).clamp(0, 1.5708)
    start = (FLANK[0] - HUB[0]) / WIDE
    rump = start - back * (RUMP / 1.5708) - (-q).clamp_min(0) * (1 / RING)
    phase = torch.where(p < 0, rump, trunk)
    body = _band(phase, 0.10 - 1.1 * edge(0.60 - v, 0.12) * edge(p, 0.06))
    leg = edge(0.555 - v, 0.10) * edge(u - 0.1, 0.05)
    legs = _band((v + 0.25 * u) * (1 / RING), 0.0)
    c = _past_cheek(u, v)
    head = _band(((u - 0.70) * HEAD[0] + (v - 1.28) * HEAD[1]) * (1 / NARROW) + 9 * c * c, 0.0)
    out = torch.lerp(body, legs, leg)
    return torch.lerp(out, head, edge(c, 0.04))


def _past_cheek(u: PerPoint, v: PerPoint) -> PerPoint:
    """Distance past the line from behind the ears to the throat, + on the head."""
    return (u - 0.665) * 0.96 + (v - 1.25) * 0.26


def _band(phase: PerPoint, more: PerPoint | float) -> PerPoint:
    """Soft black bands where the phase is close to an integer; `more` widens them."""
    return ((TAU * phase).cos() * 1.9 + (0.5 + more)).clamp(0, 1)


def paint_coat(animal: Animal, zebra: Float[Tensor, "b"], rest: Float[Tensor, "b 2 n"]) -> Colour:
    """Paint trunk, neck, head and legs; coats that no animal of the batch has are skipped."""
    u, v = rest.unbind(1)
    muzzle = edge(((u - 0.70) * HEAD[0] + (v - 1.28) * HEAD[1]) * edge(_past_cheek(u, v), 0.02) - 0.285, 0.10)
    hoof = 0.9 * edge(0.050 - v, 0.02)
    if bool((zebra == 0).all()):
        out = _horse(animal, v, muzzle)
    elif bool((zebra == 1).all()):
        out = _zebra(animal, u, v, muzzle)
    else:
        out = torch.lerp(_horse(animal, v, muzzle), _zebra(animal, u, v, muzzle), zebra[:, None, None])
    return over(out, out.new_tensor(HOOF).expand_as(animal.coat), hoof)


def _horse(animal: Animal, v: PerPoint, muzzle: PerPoint) -> Colour:
    warm = animal.coat[..., None] * (1 + 0.10 * (edge(v - 0.80, 0.3) - 0.5))[:, None]
    return over(warm, animal.points, 0.85 * torch.maximum(edge(0.30 - v, 0.30), 0.75 * muzzle))


def _zebra(animal: Animal, u: PerPoint, v: PerPoint, muzzle: PerPoint) -> Colour:
    base = white_of(animal.coat)[..., None].expand(-1, -1, v.shape[1])
    white = over(base, animal.coat, 0.10 * edge(0.62 - v, 0.2))  # duller on the legs
    return over(white, black_of(animal.coat), torch.maximum(stripes(u, v), muzzle))


def paint_muscles(coat: Colour, rest: Float[Tensor, "b 2 n"]) -> Colour:
    """Hollows between muscles, the same for both species, as smooth unions of limbs have too few."""
    u, v = rest.unbind(1)
    shade = torch.zeros_like(u)
    for x, y, cosine, sine, long, wide, depth in _HOLLOWS:
        p, q = u - x, v - y
        shade = shade + depth * bump(p * cosine + q * sine, q * cosine - p * sine, long, wide)
    return coat * (1 - shade.clamp(-0.2, 0.5))[:, None]


def paint_face(coat: Colour, rest: Float[Tensor, "b 2 n"]) -> Colour:
    """Eye, nostril, lips and the inside of the ear, the same for both species."""
    u, v = rest.unbind(1)
    coat = coat * (1 - 0.55 * bump(u - 0.681, v - 1.395, 0.011, 0.034))[:, None]
    p, q = (u - 0.915) * HEAD[0] + (v - 0.998) * HEAD[1], (u - 0.915) * -HEAD[1] + (v - 0.998) * HEAD[0]
    coat = coat * (1 - 0.50 * bump(p, q + 0.10 * p, 0.036, 0.006))[:, None]
    x, y = u - 0.772, v - 1.232
    coat = coat * (1 - 0.45 * bump(x, y, 0.036, 0.030))[:, None]
    ball = edge(1 - (x / 0.021) ** 2 - (y / 0.019) ** 2, 0.6)
    glint = edge(1 - ((x - 0.006) / 0.009) ** 2 - ((y - 0.007) / 0.009) ** 2, 0.8)
    coat = over(coat, coat.new_tensor((0.06, 0.04, 0.04)).expand(len(u), 3), ball)
    coat = over(coat, coat.new_tensor((0.95, 0.95, 0.95)).expand(len(u), 3), 0.8 * glint)
    return coat * (1 - 0.80 * bump(p - 0.022, q - 0.036, 0.017, 0.011))[:, None]


def paint_crest(animal: Animal, rest: Float[Tensor, "b 2 n"]) -> Colour:
    """A zebra's upright mane continues the stripes of its neck and has dark ends."""
    u, v = rest.unbind(1)
    above = (u - 0.33) * -NECK[1] + (v - 1.0) * NECK[0]
    dark = torch.maximum(stripes(u, v), 0.8 * edge(above - 0.075, 0.05))
    return over(white_of(animal.coat)[..., None].expand(-1, -1, u.shape[1]), black_of(animal.coat), dark)


def paint_dock(animal: Animal, rest: Float[Tensor, "b 2 n"]) -> Colour:
    """A zebra's tail: rings, then a dark tuft."""
    v = rest[:, 1]
    dark = torch.maximum(_band(v * (1 / RING), 0.0), edge(0.56 - v, 0.08))
    return over(white_of(animal.coat)[..., None].expand(-1, -1, v.shape[1]), black_of(animal.coat), dark)


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
