"""Fur: patterns and pale regions in the head frame, the direction of its hairs, and its tufted outline."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.animals.anatomy import EYE_Y, MOUTH_Y, NOSE_Y, Proportions
from deepfake_core.synthetic.animals.breeds import PATTERNS
from deepfake_core.synthetic.animals.identity import AnimalIdentity
from deepfake_core.synthetic.render.brushes import Colour, Field, bump, edge, over, tint

Point = Float[Tensor, "b 3 n"]
Phase = Float[Tensor, "b 4 1"]
Painters = dict[str, Callable[[Point, Phase], Field]]


def _none(point: Point, phase: Phase) -> Field:
    return torch.zeros_like(point[:, 0])


def _tabby(point: Point, phase: Phase) -> Field:
    """Lines that fan out over the forehead and run back over the cheeks."""
    x, y, _ = point.unbind(1)
    lateral, wave = x.abs(), 0.5 * (9 * y + 6.28 * phase[:, 0] + 5 * x).sin()
    fan = lateral / (0.50 + 0.45 * y.clamp_min(0))
    crown = edge((26 * fan + wave).cos() - 0.05, 0.9) * edge(y - 0.30, 0.12)
    rear = (
        edge((20 * (y + 0.45 * lateral) + 2 * wave).sin() - 0.15, 0.9)
        * edge(lateral - 0.46, 0.10)
        * edge(0.36 - y, 0.1)
    )
    return 0.85 * torch.maximum(crown, rear)


def _tiger(point: Point, phase: Phase) -> Field:
    """Bars across the forehead and from the sides towards the face, thinning inwards."""
    x, y, _ = point.unbind(1)
    lateral, wave = x.abs(), 0.7 * (7 * x + 6.28 * phase[:, 0]).sin() + 0.4 * (13 * y + 6.28 * phase[:, 1]).sin()
    crown = (21 * (y - 0.35 * x * x) + wave).sin() - 0.12 - 1.1 * (lateral - 0.20).clamp_min(0)
    crown = edge(crown, 0.5) * edge(y - 0.36, 0.06)
    rear = (17 * (y + 0.22 * lateral) + wave).sin() - 0.05 - 3.2 * (0.62 - lateral).clamp_min(0)
    rear = edge(rear, 0.5) * edge(lateral - 0.34, 0.05)
    return torch.maximum(crown, rear)


def _cells(point: Point, phase: Phase, count: float) -> tuple[Field, Field]:
    """Distance to the jittered middle of a cell, in cells, and a number in 0 .. 1 for each cell; unrolled sideways."""
    x, y, z = point.unbind(1)
    u, v = torch.atan2(x, z + 0.75) * count + 9 * phase[:, 0], y * count + 9 * phase[:, 1]
    u = u + 0.5 * (v.floor() % 2)
    column, row = u.floor(), v.floor()
    code = ((column * 12.99 + row * 78.23).sin() * 437.6).frac().abs()
    other = ((column * 39.35 + row * 11.14).sin() * 153.1).frac().abs()
    across, along = u - column - 0.35 - 0.3 * code, v - row - 0.35 - 0.3 * other
    return (across * across + along * along + 1e-6).sqrt(), code


def _spots(point: Point, phase: Phase) -> Field:
    """Rosettes at the sides, dots towards the middle of the face."""
    distance, code = _cells(point, phase, 7.5)
    x, y, _ = point.unbind(1)
    away = (((x / 0.62) ** 2 + ((y + 0.02) / 0.62) ** 2) - 0.15).clamp(0, 1)
    size = 0.17 + 0.22 * away
    hollow = 0.55 * edge(size * 0.45 - distance, 0.14) * edge(away - 0.45, 0.2)
    return edge(size - distance, 0.16) * (1 - hollow) * edge(away - 0.08, 0.15) * (0.75 + 0.25 * code)


def _dots(point: Point, phase: Phase) -> Field:
    """Round spots of all sizes."""
    distance, code = _cells(point, phase, 4.2)
    return edge(0.10 + 0.22 * code - distance, 0.10) * edge(code - 0.25, 0.1)


def _patches(point: Point, phase: Phase) -> Field:
    """Patches over both sides of the head that leave a pale stripe between the eyes."""
    x, y, _ = point.unbind(1)
    wave = 0.05 * (9 * y + 6.28 * phase[:, 0]).sin() + 0.04 * (15 * x + 6.28 * phase[:, 1]).sin()
    inner = 0.10 + 0.05 * phase[:, 2] + 0.10 * (EYE_Y - 0.05 - y).clamp_min(0)
    return edge(x.abs() - inner - wave, 0.05) * edge(y + 0.12 + 0.5 * (0.5 - x.abs()).clamp_min(0) + wave, 0.06)


def _calico(point: Point, phase: Phase) -> Field:
    """A patch around each eye, up to the ear."""
    x, y, _ = point.unbind(1)
    wave = 0.06 * (8 * y + 6.28 * phase[:, 0]).sin() + 0.05 * (11 * x + 6.28 * phase[:, 1]).sin()
    return edge(x.abs() - 0.09 - wave, 0.04) * edge(y - 0.02 + 0.3 * (x.abs() - 0.35) - wave, 0.05)


def _points(point: Point, phase: Phase) -> Field:
    """A dark mask around nose and eyes that fades outwards."""
    x, y, _ = point.unbind(1)
    return bump(x, y + 0.16, 0.42, 0.36) ** 0.8


def _muzzle(point: Point, phase: Phase) -> Field:
    """A dark muzzle and dark rings around the eyes."""
    x, y, _ = point.unbind(1)
    around = bump(x.abs() - 0.31, y - EYE_Y, 0.24, 0.20)
    return torch.maximum(edge(1 - ((x / 0.42) ** 2 + ((y + 0.34) / 0.30) ** 2), 0.5), 0.75 * around)


_PAINTERS: Painters = {
    "plain": _none, "tabby": _tabby, "tiger": _tiger, "spots": _spots, "dots": _dots, "patches": _patches,
    "calico": _calico, "points": _points, "muzzle": _muzzle,
}  # fmt: skip


def _collars(point: Point, phase: Phase) -> Field:
    """Bars that come round both sides of the neck and the chest and end before its middle."""
    x, y, z = point.unbind(1)
    round_it = torch.atan2(x.abs(), z + 0.35)  # 0 at the middle of the chest
    wave = 0.5 * (5 * round_it + 6.28 * phase[:, 0]).sin() + 0.4 * (7 * x + 6.28 * phase[:, 1]).sin()
    bars = (15 * (y + 0.20 * round_it) + wave).sin() - 0.25 - 1.6 * (0.75 - round_it).clamp_min(0)
    return 0.9 * edge(bars, 0.6)


_CHEST_PAINTERS: Painters = {
    **dict.fromkeys(PATTERNS, _none), "tabby": _collars, "tiger": _collars, "spots": _spots, "dots": _dots,
}  # fmt: skip


def pattern_share(identity: AnimalIdentity, point: Point) -> Field:
    """The share of the second colour at points of the head frame."""
    return _share(identity, point, _PAINTERS)


def chest_share(identity: AnimalIdentity, point: Point) -> Field:
    """The same at points of the chest, in the body's frame."""
    return _share(identity, point, _CHEST_PAINTERS)


def _share(identity: AnimalIdentity, point: Point, painters: Painters) -> Field:
    """What each animal's painter leaves at its points."""
    kinds, phase = identity.pattern.tolist(), identity.pattern_phase[..., None]
    share = torch.zeros_like(point[:, 0])
    for present in sorted(set(kinds)):
        chosen = [i for i, kind in enumerate(kinds) if kind == present]
        share[chosen] = painters[PATTERNS[present]](point[chosen], phase[chosen])
    return share


def hairs(point: Point) -> Field:
    """-1 .. 1: strands that run away from the nose over the whole head."""
    x, y, z = point.unbind(1)
    below = y - NOSE_Y
    angle, reach = torch.atan2(x, below), (x * x + below * below + 0.3 * z * z + 1e-6).sqrt()
    coarse = (23 * angle + 2.5 * (7 * reach).sin() + 9 * z).sin() * (11 * reach + 3 * (5 * angle).sin()).cos()
    fine = (57 * angle + 3 * (13 * reach).sin()).sin() * (19 * reach + 4 * (9 * angle).sin()).sin()
    return 0.55 * coarse + 0.45 * fine


def hanging_hairs(point: Point) -> Field:
    """-1 .. 1: strands that run down the chest and part a little towards the shoulders."""
    x, y, z = point.unbind(1)
    angle = torch.atan2(x, z + 0.35) + 0.12 * x * y
    locks = (19 * angle + 1.8 * (6 * y + 2 * x).sin()).sin() * (12 * y + 3 * (7 * angle).sin()).cos()
    fine = (61 * angle + 1.5 * (9 * y).sin()).sin() * (15 * y + 4 * (11 * angle).sin()).sin()
    return 0.55 * locks + 0.45 * fine


def tufts(point: Point) -> Field:
    """How far hairs stand out at a point of an outline, 0 .. 1."""
    x, y, z = point.unbind(1)
    angle = torch.atan2(x, y - 0.1)
    spikes = 1 - (17 * angle + 1.2 * (5 * angle).sin() + 3 * z).sin().abs()
    return 0.55 * spikes + 0.45 * (1 - (31 * angle + 2 * (3 * angle).sin() - 4 * z).sin().abs())


def coat(identity: AnimalIdentity, sizes: Proportions, point: Point) -> Colour:
    """Fur of the head without eyes, nose and mouth."""
    x, y, z = point.unbind(1)
    share, lateral = pattern_share(identity, point), x.abs()
    fur = over(identity.base[..., None].expand_as(point), second_colour(identity, point), share)
    fur = tint(fur, (0.84, 0.82, 0.80), edge(y - 0.45, 0.5) * 0.6)
    white = _pale_places(identity, sizes, lateral, y) * edge(z - 0.05, 0.25)
    fur = over(fur, identity.pale, white)
    tiger = identity.pattern == PATTERNS.index("tiger")
    if bool(tiger.any()):  # its stripes go over the pale cheeks
        fur = over(fur, identity.second, tiger[:, None] * share * edge(lateral - 0.2, 0.1))
    return fur * (1 + 0.10 * hairs(point))[:, None]


def second_colour(identity: AnimalIdentity, point: Point) -> Colour:
    """The pattern's colour; a calico cat's is dark on the left."""
    second, calico = identity.second[..., None].expand_as(point), identity.pattern == PATTERNS.index("calico")
    if not bool(calico.any()):
        return second
    dark = calico[:, None] & (point[:, 0] < 0)
    return torch.where(dark[:, None], 0.30 * second.mean(1, keepdim=True), second)


def _pale_places(identity: AnimalIdentity, sizes: Proportions, lateral: Field, y: Field) -> Field:
    """The share of the pale colour: muzzle and throat, cheeks, above and between the eyes."""
    muzzle = 1 - (lateral / (1.25 * sizes.mouth_width)) ** 2 - ((y - MOUTH_Y + 0.04) / 0.27) ** 2
    cheek = 1 - ((lateral - 0.46) / 0.30) ** 2 - ((y + 0.26) / 0.27) ** 2
    under = edge(MOUTH_Y - 0.14 - y - 0.2 * lateral, 0.1)
    brow = bump(lateral - 0.95 * sizes.eye_x, y - EYE_Y - 1.5 * sizes.eye_height, 0.13, 0.085)
    half = 0.13 * identity.pale_blaze[:, None] * (1 + 0.6 * (y - 0.35).abs())
    blaze = edge(half - lateral, 0.05) * edge(y + 0.25, 0.2)
    places = (
        (torch.maximum(edge(muzzle, 0.5), 0.8 * under), identity.pale_muzzle),
        (edge(cheek, 0.7), identity.pale_cheeks),
        (0.95 * brow, identity.pale_brows),
        (blaze, (identity.pale_blaze > 0.05).float()),
    )
    return torch.stack([field * share[:, None] for field, share in places]).amax(0)
