"""The landscape from back to front: sky, far hills, a line of trees and the meadow."""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

from deepfake_core.synthetic.fields.parameters import Field

SIDE = 256  # texels
_KINDS = {"cloud": (1.7, 2.0, 1.0), "leaf": (1.9, 9.0, 1.0), "bush": (1.0, 6.0, 1.0), "blade": (1.0, 14.0, 1.6)}

FINE = 190  # pixels: pictures of that size show single blades
DIP = 0.10  # grid units: the meadow's edge strays less from the horizon

Picture = Float[Tensor, "b 3 h w"]
Share = Float[Tensor, "b h w"]


class Landscape(NamedTuple):
    """The land without animals, and the tufts of grass in front of their hooves."""

    image: Picture
    blades: Share  # deviation 1 around 0


def paint_landscape(field: Field, grid: Float[Tensor, "h w 2"]) -> Landscape:
    """Paint the land on a square grid."""
    count, size = len(field.horizon), len(grid)
    x, y = (grid[..., i].expand(count, -1, -1) for i in (0, 1))
    highest, lowest = field.horizon.amin().item() - DIP, field.horizon.amax().item() + DIP
    above = slice(0, min(int((lowest + 1) / 2 * size) + 2, size))  # rows on which more than meadow may show
    below = slice(max(int((highest + 1) / 2 * size) - 2, 0), size)
    picture = torch.zeros_like(x[:, None]).repeat(1, 3, 1, 1)
    high = x[:, above], y[:, above]
    picture[:, :, above] = _trees(_hills(_sky(field, *high), field, *high), field, *high)
    meadow, cover, tufts = _meadow(field, x[:, below], y[:, below])
    picture[:, :, below] = _over(picture[:, :, below], meadow, cover)
    blades = torch.zeros_like(x).contiguous()
    blades[:, below] = tufts
    return Landscape(picture, blades)


def _sky(field: Field, x: Share, y: Share) -> Picture:
    top, low = field.sky[:, 0], field.sky[:, 1]
    height = ((_each(field.horizon) - y) / (1 + _each(field.horizon))).clamp(0, 1)  # 0 at the horizon
    sky = _over(_flat(low, x), top, height**1.15)
    u, v = 0.22 * x + _phase(field, 0), (0.42 + 0.22 * height) * y + _phase(field, 1)
    puff = noise("cloud", u, v)
    above = noise("cloud", u, v - 0.02)
    cover = ((puff + 2.6 * _each(field.clouds) - 1.5) * 0.8).clamp(0, 1) * (0.35 + 0.65 * height) * 0.85
    bright = (0.92 + 0.10 * (puff - above)).clamp(0.8, 1.05)
    return _over(sky, (0.65 + 0.35 * low * field.light_colour)[..., None, None] * bright[:, None], cover)


def _hills(picture: Picture, field: Field, x: Share, y: Share) -> Picture:
    hill, low = field.land[:, 0], field.sky[:, 1]
    for i, (share, wide) in enumerate(((1.0, 0.11), (0.55, 0.17))):
        roll = _along("cloud", wide * x + _phase(field, 2) + 0.37 * i, _phase(field, 3) + 0.21 * i)
        ridge = _each(field.horizon) - _each(field.hills) * share * (0.5 + 0.28 * roll).clamp_min(0.04)
        mist = ((y - ridge) / (_each(field.hills) + 0.05)).clamp(0, 1) * 0.55 + 0.15 * (1 - i)
        shade = 1 + 0.035 * noise("bush", 0.5 * x + _phase(field, 4), 0.9 * y + _phase(field, 5))
        colour = _over(_flat(hill * (1 - 0.14 * i), x), low, mist) * shade[:, None]
        picture = _over(picture, colour, _step(y - ridge, x))
    return picture


def _trees(picture: Picture, field: Field, x: Share, y: Share) -> Picture:
    line = _along("cloud", 0.3 * x + _phase(field, 5), _phase(field, 6))
    crown = noise("leaf", 0.62 * x + _phase(field, 6), 0.55 * y + _phase(field, 7))
    lit = noise("leaf", 0.62 * x + _phase(field, 6), 0.55 * (y - 0.045) + _phase(field, 7))
    high = _each(field.trees) * (0.75 + 0.45 * line)
    top = (
        _each(field.horizon) - high - 0.024 * crown.clamp(-1.6, 1.6) * (20 * high).clamp(0, 1)
    )  # no leaves without a tree
    foot = _each(field.horizon) + 0.02
    leaves = _flat(field.land[:, 1], x) * (0.95 + 0.13 * (crown - lit) - 0.25 * ((y - top) * 3).clamp(0, 1))[:, None]
    return _over(picture, leaves, _step(y - top, x, 3.0) * _step(foot - y, x))


def _meadow(field: Field, x: Share, y: Share) -> tuple[Picture, Share, Share]:
    """Grass that is seen at a flat angle: what lies at depth 1 / v stands v below the horizon.

    Far away one pixel holds many tufts, which leaves their mean: grain fades towards the horizon, patches stay.
    """
    dip = 0.02 * _along("cloud", 0.08 * x + _phase(field, 0), _phase(field, 2))
    v = ((y - _each(field.horizon) - dip) / (1 - _each(field.horizon))).clamp_min(0)
    deep = 1 / (v + 0.16)
    u = x * deep
    patch = noise("cloud", 0.10 * u + _phase(field, 1), 0.5 * deep + _phase(field, 3))
    blades = noise("blade", 0.42 * u + _phase(field, 4), 0.80 * deep + _phase(field, 6))
    tufts = noise("leaf", 0.20 * u + _phase(field, 7), 0.60 * deep + _phase(field, 1))
    near = (v**0.6 + 0.10 * patch * (0.3 + v)).clamp(0, 1)
    green = _over(_flat(field.land[:, 2], x), field.land[:, 3], near)
    close = v * (1 / 0.45)
    bare = (1.35 - field.land[:, 3].mean(1)).clamp(0.4, 1)  # snow buries the blades
    sharp = 0.095 * min(1.0, x.shape[-1] / FINE)  # a small picture's pixels average them
    grain = sharp * _each(bare) * close.clamp_max(1.3) * blades + 0.05 * close.clamp_max(1) * tufts + 0.045 * patch
    image = green * (1 + grain * field.light_colour.mean(1)[:, None, None])[:, None] + 0.03 * v[:, None]
    petals = noise("bush", 0.6 * u + _phase(field, 5), 1.7 * deep + _phase(field, 2))
    bloom = ((petals - 2.0) * 3).clamp(0, 1) * _each(field.flowers) * (0.2 + v).clamp(0, 1)
    return _over(image, field.flower_colour, bloom), _step(y - _each(field.horizon) - dip, x, 1.5), blades


def _along(kind: str, x: Share, y: Float[Tensor, "b 1 1"]) -> Float[Tensor, "b 1 w"]:
    """Noise that is the same in every row."""
    first = x[:, :1]
    return noise(kind, first, y.expand_as(first))


def _step(distance: Share, x: Share, pixels: float = 1.2) -> Share:
    """0 to 1 across a few pixels around distance 0."""
    return (distance * ((x.shape[-1] - 1) / (2 * pixels)) + 0.5).clamp(0, 1)


def _over(base: Picture, colour: Tensor, share: Share) -> Picture:
    colour = colour if colour.dim() == 4 else colour[..., None, None]
    return base + (colour - base) * share[:, None]


def _flat(colour: Float[Tensor, "b 3"], x: Share) -> Picture:
    return colour[..., None, None].expand(-1, -1, *x.shape[1:])


def _each(value: Float[Tensor, "b"]) -> Float[Tensor, "b 1 1"]:
    return value[:, None, None]


def _phase(field: Field, which: int) -> Float[Tensor, "b 1 1"]:
    return field.phase[:, which, None, None]


def noise(kind: str, x: Float[Tensor, "b h w"], y: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """Smooth noise with mean 0 and deviation 1, the same in every image; it repeats in x and y with period 1.

    Kinds: `cloud` rolls, `leaf` clumps softly, `bush` has grain, `blade` is drawn out along y.
    """
    grid = torch.stack((x - x.floor(), y - y.floor()), -1) * 2 - 1
    texture = _texture(kind, x.device).expand(len(x), 1, SIDE + 1, SIDE + 1)
    return grid_sample(texture, grid, align_corners=True)[:, 0]  # from edge to edge, which are equal


@lru_cache(maxsize=16)
def _texture(kind: str, device: torch.device) -> Float[Tensor, "1 1 s s"]:
    """Filter white noise by f ** -slope, where f is the frequency; computed on the CPU, so that all devices agree."""
    slope, low, stretch = _KINDS[kind]
    white = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(len(kind)))
    y = torch.fft.fftfreq(SIDE, 1 / SIDE)[:, None] * stretch
    x = torch.fft.rfftfreq(SIDE, 1 / SIDE)[None]
    f = (x * x + y * y).sqrt()
    weight = f.clamp_min(low) ** -slope * (-((f / 90) ** 2)).exp()
    weight[0, 0] = 0
    texture = torch.fft.irfft2(torch.fft.rfft2(white) * weight, s=(SIDE, SIDE))
    texture = (texture - texture.mean()) / (texture.std() + math.ulp(1.0))
    wrapped = torch.cat((texture, texture[:, :1]), 1)
    return torch.cat((wrapped, wrapped[:1]), 0)[None, None].to(device)
