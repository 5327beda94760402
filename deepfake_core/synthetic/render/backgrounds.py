"""Backgrounds, softly out of focus. Every kind is a function of image points, colours and phases."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Colours = Float[Tensor, "b 3 3"]
Phases = Float[Tensor, "b 4"]
Picture = Float[Tensor, "b 3 h w"]


def _step(x: Tensor, width: float = 0.05) -> Tensor:
    """0 to 1 around x = 0, over `width` grid units."""
    return (x * (1 / width) + 0.5).clamp(0, 1)


def _per_head(x: Tensor) -> Tensor:
    return x[:, None, None]


def _mix(low: Tensor, high: Tensor, share: Tensor) -> Picture:
    """Mix two colours (b, 3) or images by a share (b, h, w)."""
    low = low if low.dim() == 4 else low[..., None, None]
    high = high if high.dim() == 4 else high[..., None, None]
    return low + (high - low) * share[:, None]


def _gradient(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    turn = 6.2832 * phase[:, 0]
    along = 0.5 + 0.4 * (x * _per_head(turn.cos()) + y * _per_head(turn.sin()))
    glow = (-((x - _per_head(phase[:, 1] - 0.5)) ** 2 + (y + 0.3) ** 2) * 1.2).exp()
    return _mix(_mix(colour[:, 0], colour[:, 1], along.clamp(0, 1)), (colour[:, 0] * 1.15).clamp(0, 1), 0.5 * glow)


def _bokeh(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    out = _mix(colour[:, 0] * 0.45, colour[:, 1] * 0.7, (0.5 - 0.5 * y).clamp(0, 1))
    for i in range(9):
        seed = phase * (17.0 + 7.3 * i) + 0.37 * i
        spot = (seed * 9.7).frac() * 2.2 - 1.1
        radius = 0.10 + 0.16 * seed[:, 2].frac()
        d = ((x - _per_head(spot[:, 0])) ** 2 + (y - _per_head(spot[:, 1])) ** 2).sqrt()
        disc = _step(_per_head(radius) - d, 0.07) * (0.7 + 0.3 * (d / _per_head(radius)).clamp_max(1))
        out = _mix(out, (colour[:, i % 3] * 1.25).clamp(0, 1), 0.45 * disc)
    return out


def _stripes(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    across = x + y * _per_head((phase[:, 0] > 0.5).float() * (phase[:, 1] - 0.5))
    wave = (across * _per_head(8 + 8 * phase[:, 2]) + _per_head(6.28 * phase[:, 3])).sin()
    return (
        _mix(colour[:, 0], 0.7 * colour[:, 0] + 0.3 * colour[:, 1], _step(wave, 0.9))
        * (1 - 0.08 * (x * x + y * y))[:, None]
    )


def _window(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    side = torch.where(phase[:, 0] > 0.5, 1.0, -1.0) * (0.45 + 0.2 * phase[:, 1])
    u, v = x - _per_head(side), y + 0.35
    sky = colour.new_tensor((0.80, 0.91, 0.98)).expand_as(colour[:, 0])
    hill = _step(v - 0.22 - 0.08 * (4 * u + 6 * _per_head(phase[:, 2])).sin(), 0.08)
    view = _mix(
        _mix(sky, sky.new_ones(sky.shape), (0.5 + v).clamp(0, 1) * 0.6),
        sky * 0 + sky.new_tensor((0.55, 0.68, 0.45)),
        hill,
    )
    frame = _step(0.52 - u.abs()) * _step(0.62 - v.abs())
    pane = _step(0.47 - u.abs()) * _step(0.57 - v.abs()) * _step(u.abs() - 0.025) * _step((v - 0.03).abs() - 0.025)
    wall = _mix(colour[:, 0] * 0.92, colour[:, 0] * 0.75, (0.5 + 0.5 * y).clamp(0, 1))
    return _mix(_mix(wall, sky * 0 + 0.96, frame), view, pane)


def _bookshelf(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    row = (y + 1.05 + 0.2 * _per_head(phase[:, 0])) / 0.62
    shelf, up = row.floor(), row.frac()
    along = x * 5.2 + shelf * 2.7 + _per_head(phase[:, 1] * 9)
    book, across = along.floor(), along - along.floor()
    code = (book * 12.9898 + shelf * 78.233 + _per_head(phase[:, 2] * 40)).sin() * 437.58
    code = code - code.floor()
    tall = _step(up - 0.12 - 0.3 * code, 0.07) * _step(0.93 - up, 0.05) * _step(0.46 - (across - 0.5).abs(), 0.1)
    tint = _mix(_mix(colour[:, 0], colour[:, 1], _step(code - 0.35, 0.02)), colour[:, 2], _step(code - 0.7, 0.02))
    back = _mix(
        colour[:, 0] * 0.28,
        colour.new_tensor((0.50, 0.35, 0.24)).expand_as(colour[:, 0]),
        _step(up - 0.93, 0.05) + _step(0.03 - up, 0.05),
    )
    return _mix(back, tint * (0.72 + 0.3 * code)[:, None], tall)


def _foliage(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    a, b, c = (_per_head(6.28 * phase[:, i]) for i in range(3))
    leaf = (7 * x + 3 * y + a + 1.5 * (4 * y + b).sin()).sin() + (5 * y - 6 * x + c + 1.5 * (5 * x + a).sin()).sin()
    light = (2.3 * x - 1.7 * y + b).sin() * 0.5 + 0.5
    green = colour.new_tensor((0.26, 0.42, 0.24)) * (0.7 + 0.6 * colour[:, 0])
    out = _mix(green * 0.75, green * 1.25 + 0.06, _step(leaf, 2.2))
    return _mix(out, colour.new_tensor((0.93, 0.92, 0.66)).expand_as(green), 0.35 * light * _step(leaf - 0.7, 1.0))


def _tiles(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    size = 0.36 + 0.2 * phase[:, 0]
    row = y / (0.5 * _per_head(size)) + _per_head(phase[:, 1])
    column = x / _per_head(size) + 0.5 * (row.floor() % 2) + _per_head(phase[:, 2])
    code = ((column.floor() * 7.31 + row.floor() * 3.17 + _per_head(phase[:, 3] * 9)).sin() * 43.7).sin() * 0.5 + 0.5
    u, v = column - column.floor(), row - row.floor()
    brick = _step(0.47 - (u - 0.5).abs(), 0.09) * _step(0.44 - (v - 0.5).abs(), 0.16)
    tint = _mix(colour[:, 0], 0.75 * colour[:, 0] + 0.25 * colour[:, 1], code)
    return _mix(colour[:, 0] * 0.5 + 0.42, tint, brick)


def _hills(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    sky = _mix(
        colour.new_tensor((0.60, 0.80, 0.95)).expand_as(colour[:, 0]),
        colour[:, 1] * 0.3 + 0.68,
        (0.6 + 0.8 * y).clamp(0, 1),
    )
    for i, far in enumerate((0.55, 0.3, 0.1)):
        ridge = 0.05 + 0.22 * i + 0.14 * ((2.1 + i) * x + _per_head(6.28 * phase[:, i])).sin()
        ground = torch.lerp(
            colour.new_tensor((0.45, 0.60, 0.36)) * (0.7 + 0.3 * colour[:, 0]), colour[:, 1] * 0.3 + 0.6, far
        )
        sky = _mix(sky, ground, _step(y - ridge, 0.05))
    return sky


def _skyline(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    """Two rows of houses with lit windows under an evening sky."""
    out = _mix(colour[:, 0] * 0.55, colour[:, 1] * 0.4 + 0.52, (0.55 + 0.6 * y).clamp(0, 1))
    for i, (wide, base) in enumerate(((4.2, 0.05), (2.9, 0.35))):
        along = x * wide + _per_head(phase[:, i] * 9)
        house, across = along.floor(), along - along.floor()
        code = (house * 12.9898 + _per_head(phase[:, 2] * 40) + i).sin() * 437.58
        code = code - code.floor()
        wall = _step(y - base + 0.55 * code, 0.04) * _step(0.49 - (across - 0.5).abs(), 0.06)
        column, row = (across * 4).frac() - 0.5, (y * 9).remainder(1.0) - 0.5
        pane = _step(0.24 - column.abs(), 0.2) * _step(0.22 - row.abs(), 0.3)
        lit = _step(((house * 7.1 + (across * 4).floor() * 3.3 + (y * 9).floor() * 5.7).sin() * 43.7).sin(), 0.1)
        front = _mix(colour[:, 2] * (0.50 - 0.15 * i), colour.new_tensor((0.98, 0.84, 0.55)) * 0.9, 0.6 * pane * lit)
        out = _mix(out, front, wall)
    return out


def _shore(x: Tensor, y: Tensor, colour: Colours, phase: Phases) -> Picture:
    """Sky over the sea, glitter on the water, and a beach."""
    sky = colour.new_tensor((0.58, 0.79, 0.95)) * 0.7 + 0.3 * colour[:, 1]
    out = _mix(sky, sky * 0.35 + 0.65, (0.75 + 0.8 * y).clamp(0, 1))
    cloud = (2.6 * x + _per_head(6.28 * phase[:, 0]) + (5 * y).sin()).sin() * (7 * y + _per_head(phase[:, 1] * 6)).sin()
    out = _mix(out, out * 0 + 0.97, 0.5 * _step(cloud - 0.35, 0.7))
    sea = _mix(sky * 0.75, sky * colour.new_tensor((0.35, 0.62, 0.72)), (2.0 * y).clamp(0, 1))
    glitter = (30 * y + 3 * (5 * x).sin()).sin() * (9 * x + 20 * y + _per_head(6.28 * phase[:, 2])).sin()
    out = _mix(out, _mix(sea, sea * 0.5 + 0.5, 0.5 * _step(glitter - 0.5, 0.6)), _step(y + 0.05, 0.02))
    beach = y - 0.50 - 0.06 * (3 * x + _per_head(6.28 * phase[:, 3])).sin()
    sand = colour.new_tensor((0.90, 0.80, 0.62)) * (0.85 + 0.15 * colour[:, 0])
    return _mix(_mix(out, out * 0 + 0.95, _step(beach + 0.05, 0.04)), sand, _step(beach, 0.05))


BACKGROUNDS: dict[str, Callable[[Tensor, Tensor, Colours, Phases], Picture]] = {
    "gradient": _gradient, "bokeh": _bokeh, "stripes": _stripes, "window": _window,
    "bookshelf": _bookshelf, "foliage": _foliage, "tiles": _tiles, "hills": _hills,
    "skyline": _skyline, "shore": _shore,
}  # fmt: skip


def paint_background(kind: Tensor, colour: Colours, phase: Phases, grid: Float[Tensor, "h w 2"]) -> Picture:
    """Draw the background of every item, in [0, 1]; `kind` is an index into BACKGROUNDS."""
    x, y = grid[None, ..., 0], grid[None, ..., 1]
    kinds = kind.tolist()
    painters = list(BACKGROUNDS.values())
    out = colour.new_empty(len(kinds), 3, *grid.shape[:2])
    for present in sorted(set(kinds)):
        chosen = [i for i, k in enumerate(kinds) if k == present]
        out[chosen] = painters[present](x, y, colour[chosen], phase[chosen])
    return out.clamp(0, 1)
