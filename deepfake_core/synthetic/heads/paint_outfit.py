"""Hair, shirts and glasses."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from deepfake_core.synthetic.heads.anatomy import EYE_Y, Proportions
from deepfake_core.synthetic.heads.hairstyles import CURLY_STYLES, HAIRSTYLES
from deepfake_core.synthetic.heads.identity import GLASSES, SHIRTS, HeadIdentity
from deepfake_core.synthetic.render.brushes import Colour, Field, edge

GLASSES_Z = 0.80  # head frame: the plane in which glasses stand


def paint_hair(identity: HeadIdentity, point: Float[Tensor, "b 3 n"]) -> tuple[Colour, Field]:
    """Straight strands from the crown, or curls; returns colour and gloss."""
    straight = ~is_curly(identity.hair_style)[:, None]
    strand, band = torch.zeros_like(point[:, 0]), torch.zeros_like(point[:, 0])
    if bool(straight.any()):
        strand, band = _strands(identity, point)
    if not bool(straight.all()):
        strand, band = torch.where(straight, strand, _coils(identity, point)), band * straight
    colour = identity.hair_colour[..., None] * ((1 + 0.20 * strand) * (1 + 0.22 * band * (1 + 0.5 * strand)))[:, None]
    if bool((identity.young < 1).any()):
        y = point[:, 1]
        old = (0.40 * (1 - identity.young))[:, None] * edge(0.42 - y, 0.7) * edge(y + 0.5, 0.8)
        colour = colour + (0.62 - colour) * old[:, None]
    return colour, (0.20 + 0.20 * band) * (1 + 0.8 * strand) * (0.5 + identity.hair_colour.mean(1)[:, None])


def is_curly(style: Int[Tensor, "b"]) -> Bool[Tensor, "b"]:
    curly = torch.tensor([name in CURLY_STYLES for name in HAIRSTYLES], device=style.device)
    return curly[style]


def _strands(identity: HeadIdentity, point: Float[Tensor, "b 3 n"]) -> tuple[Field, Field]:
    """Locks and fine strands in them, -1 .. 1; and the soft ring of light round a crown of straight hair."""
    x, y, z = point.unbind(1)
    phase = (6.28 * identity.hair_phase)[:, None]
    angle = torch.atan2(x, z + 0.25)
    wave = (3.1 * y + phase).sin()
    fall = angle * 11 + 0.8 * wave
    lock = (fall + phase).sin()
    strand = 0.45 * lock + 0.3 * (2.3 * fall + 5 * y + 2 * phase).sin()
    strand = strand + 0.28 * (47 * angle + 3 * wave).sin()
    ring = y - 0.74 - 0.035 * lock
    return strand, (ring * ring * -70).clamp_min(-20).exp()


def _coils(identity: HeadIdentity, point: Float[Tensor, "b 3 n"]) -> Field:
    x, y, z = point.unbind(1)
    phase = (6.28 * identity.hair_phase)[:, None]
    coil = (26 * x + 3 * (17 * y + phase).sin()).sin() * (24 * y + 3 * (19 * z).sin()).sin()
    return 1.5 * coil * (22 * z + 3 * (15 * x).sin()).sin()


def paint_shirt(identity: HeadIdentity, point: Float[Tensor, "b 3 n"], pixel: Float[Tensor, "b 1"]) -> Colour:
    """Cloth with one of a few patterns, and skin where the neckline opens."""
    soft = 1.5 * pixel
    share = torch.zeros_like(point[:, 0])
    for kind in sorted(set(identity.shirt.tolist())):
        share = torch.where((identity.shirt == kind)[:, None], _PATTERNS[SHIRTS[kind]](point, soft), share)
    first, second = identity.shirt_colour[:, 0, :, None], identity.shirt_colour[:, 1, :, None]
    is_open = identity.shirt == SHIRTS.index("v-neck")
    second = torch.where(is_open[:, None, None], identity.skin[..., None], second)
    folds = 1 + _folds(point) * (1 - share * is_open[:, None])  # skin has none
    return (first + (second - first) * share[:, None]) * folds[:, None]


def _plain(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    return torch.zeros_like(point[:, 0])


def _stripes(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    return edge((point[:, 1] * 17).sin() * 0.05, soft)


def _collar(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    """Two pointed flaps, and buttons below them."""
    x, y, z = point.unbind(1)
    flaps = edge(y + 0.48 - 1.1 * (x.abs() - 0.17).abs(), soft) * edge(x.abs() - 0.02, soft)
    up = (4.5 * y).frac() + 0.5
    buttons = edge(0.028 - (x * x + 0.05 * up * up + 1e-8).sqrt(), soft) * edge(-0.50 - y, soft)
    return torch.maximum(flaps, buttons) * edge(z, soft)


def _neckline(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    x, y, z = point.unbind(1)
    return edge(y + 0.62 - 1.5 * x.abs(), soft) * edge(z, soft)


def _dots(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    x, y, _ = point.unbind(1)
    cell = torch.stack((x * 4.2 + 0.5 * ((y * 4.2).floor() % 2), y * 4.2))
    cell = cell - cell.floor() - 0.5
    return edge(0.22 - (cell * cell).sum(0).sqrt(), soft * 5)


def _plaid(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    """Broad bands both ways, darker where they cross, and a thin line between those that hang."""
    x, y, _ = point.unbind(1)
    broad = edge((x * 15 + 0.8).sin() * 0.06 - 0.01, soft) + edge((y * 15).sin() * 0.06 - 0.01, soft)
    return 0.42 * broad + 0.16 * edge((x * 15 - 0.77).cos() * 0.06 - 0.055, soft)


_PATTERNS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "plain": _plain, "stripes": _stripes, "collar": _collar, "v-neck": _neckline, "dots": _dots, "plaid": _plaid,
}  # fmt: skip


def _folds(point: Float[Tensor, "b 3 n"]) -> Field:
    """Shading of soft creases from the neck over the chest to the armpits."""
    x, y, _ = point.unbind(1)
    crease = (7.0 * x.abs() + 5.0 * y + 1.2 * (4.0 * x + 1.0).sin()).sin()
    return 0.065 * crease * edge(-0.32 - y, 0.4)


def glasses_cover(
    identity: HeadIdentity, sizes: Proportions, point: Float[Tensor, "b 3 n"], pixel: Float[Tensor, "b 1"]
) -> tuple[Field, Field]:
    """Shares of frame and of lens at points of the plane of the glasses."""
    x, y = point[:, 0].abs() - 1.03 * sizes.eye_x, point[:, 1] - EYE_Y + 0.005
    round_ = (x * x + y * y + 1e-8).sqrt() - 0.225
    corner_x, corner_y = (x.abs() - 0.13).clamp_min(0), (y.abs() - 0.085).clamp_min(0)
    square = (corner_x * corner_x + corner_y * corner_y + 1e-8).sqrt() - 0.095
    rim = torch.where((identity.glasses == GLASSES.index("round"))[:, None], round_, square)
    inner = 1.03 * sizes.eye_x - 0.20
    bridge = torch.maximum((y - 0.05).abs() - 0.018, point[:, 0].abs() - inner)
    worn = (identity.glasses != GLASSES.index("none")).float()[:, None]
    frame = edge(0.020 - torch.minimum(rim.abs(), bridge + 0.020), 1.2 * pixel)
    return frame * worn, edge(-rim, 1.2 * pixel) * worn
