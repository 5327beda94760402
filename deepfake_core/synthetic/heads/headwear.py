"""Hats and scarves: solids like the hair, with occlusion, shading, rotation and flow.

Rows are those of `hairstyles`: (x, y, z, rx, ry, rz, tilt about z, tilt about x), hats in the head frame, the scarf in
the neck's. A hat sits above the brow, tipped a little back: brows, temples and the fringe below it stay in sight.
"""

from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.synthetic.render.brushes import Colour, Field, edge
from deepfake_core.synthetic.render.quadrics import Quadrics, ellipsoids

HATS = ("none", "beanie", "cap", "brim")
HAT_BLEND, SCARF_BLEND = 0.02, 0.03
TIP = 0.07  # radians by which hats are tipped back
CUFF = 0.86  # head frame: a beanie's turned-up cuff ends here, a brimmed hat's ribbon too

_CRUMB = (0.0, 0.2, -0.2, 0.02, 0.02, 0.02, 0.0, 0.0)  # inside the skull
_HAT_ROWS = (
    (_CRUMB, _CRUMB, _CRUMB),
    (
        (0.0, 0.73, -0.22, 0.79, 0.20, 0.84, 0.0, -0.07),
        (0.0, 0.84, -0.23, 0.77, 0.49, 0.80, 0.0, -0.07),
        (0.0, 1.38, -0.28, 0.15, 0.14, 0.15, 0.0, 0.0),
    ),
    (
        (0.0, 0.77, -0.22, 0.79, 0.26, 0.84, 0.0, -0.05),
        (0.0, 0.84, -0.22, 0.76, 0.44, 0.80, 0.0, 0.0),
        (0.0, 0.72, 0.58, 0.50, 0.045, 0.48, 0.0, 0.04),
    ),
    (
        (0.0, 0.72, -0.18, 1.10, 0.055, 1.08, 0.0, -0.05),
        (0.0, 0.80, -0.22, 0.77, 0.24, 0.81, 0.0, -0.05),
        (0.0, 0.97, -0.23, 0.68, 0.36, 0.70, 0.0, -0.05),
    ),
)
_SCARF_CRUMB = (0.0, -0.42, 0.0, 0.02, 0.02, 0.02, 0.0, 0.0)  # inside the neck
_SCARF_ROWS = (
    (_SCARF_CRUMB,) * 4,
    (
        (0.0, -0.48, 0.00, 0.55, 0.17, 0.50, 0.06, 0.10),
        (0.0, -0.32, 0.00, 0.48, 0.13, 0.45, -0.06, 0.12),
        (0.19, -0.50, 0.42, 0.14, 0.13, 0.13, 0.3, 0.0),
        (0.24, -0.82, 0.43, 0.13, 0.36, 0.10, 0.12, -0.12),
    ),
)


@lru_cache(maxsize=8)
def _table(rows: tuple[tuple[tuple[float, ...], ...], ...], device: torch.device) -> Float[Tensor, "s k 8"]:
    return torch.tensor(rows, device=device)


def hat_solid(hat: Int[Tensor, "b"], width: Float[Tensor, "b"]) -> Quadrics:
    """Ellipsoids of each head's hat; scaled with the width of the head."""
    rows = _table(_HAT_ROWS, hat.device)[hat]
    stretch = torch.stack((width, torch.ones_like(width), torch.ones_like(width)), 1)[:, None]
    return ellipsoids(rows[..., :3] * stretch, rows[..., 3:6] * stretch, rows[..., 6:])


def scarf_solid(scarf: Float[Tensor, "b"]) -> Quadrics:
    """Two wraps round the neck, a knot and an end that hangs from it."""
    rows = _table(_SCARF_ROWS, scarf.device)[scarf.long()]
    return ellipsoids(rows[..., :3], rows[..., 3:6], rows[..., 6:])


def paint_hat(
    hat: Int[Tensor, "b"],
    colour: Float[Tensor, "b 3"],
    point: Float[Tensor, "b 3 n"],
    pixel: Float[Tensor, "b 1"],
) -> Colour:
    """The hat's colour, with its texture."""
    shade = torch.ones_like(point[:, 0])
    for kind in sorted(set(hat.tolist()) - {0}):
        shade = torch.where((hat == kind)[:, None], (_knit, _panels, _felt)[kind - 1](point, 1.5 * pixel), shade)
    return (colour[..., None] * shade[:, None]).clamp(0, 1)


def _rise(point: Float[Tensor, "b 3 n"]) -> Field:
    """Height along a hat, which is tipped back."""
    return point[:, 1] - TIP * (point[:, 2] + 0.22)


def _knit(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    """Rows of stitches, upright ribs on the turned-up cuff, and a pale pompom."""
    x, y, z = point.unbind(1)
    angle, rise = torch.atan2(x, z + 0.22), _rise(point)
    cuff = edge(CUFF - rise, soft)
    stitches = (38 * rise + 0.8 * (26 * angle).sin().abs()).sin()
    knit = 1 + 0.13 * torch.lerp(stitches, (34 * angle).sin(), cuff) - 0.10 * cuff
    knit = knit - 0.25 * edge(0.02 - (rise - CUFF).abs(), soft)
    fluff = 1.25 + 0.25 * (40 * x).sin() * (40 * y).sin() * (40 * z).sin()
    return torch.lerp(knit, fluff, edge(rise - 1.30, soft))


def _panels(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    """Six panels with seams between them, a button on top and a slightly darker peak."""
    x, y, z = point.unbind(1)
    back = z + 0.22
    seam = edge(0.02 - 0.16 * (torch.atan2(x, back) * 3).sin().abs(), soft) * edge(y - 0.70, soft)
    peak = edge(z - 0.62 - 0.5 * (y - 0.72).clamp_min(0), soft) * edge(0.81 - y, soft)
    button = edge(0.004 - x * x - back * back, 0.004)
    return (1 - 0.25 * seam) * (1 - 0.12 * peak) * (1 - 0.3 * button)


def _felt(point: Float[Tensor, "b 3 n"], soft: Float[Tensor, "b 1"]) -> Field:
    """Plain felt with a dark ribbon above the brim."""
    rise = _rise(point)
    ribbon = edge(0.05 - (rise - CUFF).abs(), soft) * edge(rise - 0.76, soft)
    return 1 - 0.62 * ribbon


def paint_scarf(colour: Float[Tensor, "b 2 3"], point: Float[Tensor, "b 3 n"], pixel: Float[Tensor, "b 1"]) -> Colour:
    """Stripes across the cloth, which runs round the neck and down the end, with fine ribs along it."""
    x, y, z = point.unbind(1)
    hanging = edge(-0.58 - y, 0.06) * edge(z - 0.30, 0.06)
    angle = torch.atan2(x, z)
    along = torch.lerp(4.5 * angle, 15 * y, hanging)
    stripe = edge(along.sin() * 0.10 - 0.055, 1.5 * pixel)
    rib = torch.lerp((58 * y + 3 * angle).sin(), (60 * x).sin(), hanging)
    first, second = colour[:, 0, :, None], colour[:, 1, :, None]
    cloth = first + (second - first) * stripe[:, None]
    return (cloth * (1 + 0.10 * rib[:, None])).clamp(0, 1)
