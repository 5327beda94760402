"""Hair as clay: every style is a list of ellipsoids in the head frame (x right, y up, z out of the face).

A row is (x, y, z, rx, ry, rz, tilt about z, tilt about x). The skull is about 0.70 x 0.72 x 0.80 around
(0, 0.28, -0.12); a cap a little larger, higher and farther back comes out of it along the hairline.
"""

from functools import lru_cache
from math import cos, pi, sin

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.quadrics import Quadrics, ellipsoids

Row = tuple[float, float, float, float, float, float, float, float]

_CAP: Row = (0.0, 0.36, -0.21, 0.76, 0.75, 0.83, 0.0, 0.0)
_LOW_CAP: Row = (0.0, 0.30, -0.26, 0.78, 0.80, 0.82, 0.0, 0.0)


def _ball(x: float, y: float, z: float, r: float) -> Row:
    return (x, y, z, r, r, r, 0.0, 0.0)


def _mirrored(*rows: Row) -> tuple[Row, ...]:
    return tuple(row for x, y, z, rx, ry, rz, tz, tx in rows for row in (
        (x, y, z, rx, ry, rz, tz, tx), (-x, y, z, rx, ry, rz, -tz, tx)))  # fmt: skip


def _crown(count: int, radius: float, y: float, z: float, size: float) -> tuple[Row, ...]:
    """Balls along the hairline from ear over the crown to ear."""
    angles = [pi * (0.02 + 0.96 * i / (count - 1)) for i in range(count)]
    return tuple(_ball(radius * cos(a), y + radius * 0.95 * sin(a), z, size) for a in angles)


HAIRSTYLES: dict[str, tuple[Row, ...]] = {
    "bald": (_ball(0.0, 0.2, -0.2, 0.02),),
    "crop": (_CAP, (0.1, 0.84, 0.16, 0.44, 0.16, 0.34, 0.12, 0.25)),
    "buzz": ((0.0, 0.345, -0.185, 0.715, 0.725, 0.81, 0.0, 0.0),),
    "side part": (
        _CAP, (0.26, 0.80, 0.24, 0.44, 0.17, 0.30, -0.42, 0.5), (-0.40, 0.72, 0.16, 0.26, 0.15, 0.30, 0.75, 0.4),
        (0.10, 0.92, -0.05, 0.5, 0.22, 0.5, -0.1, 0.0),
    ),
    "quiff": (
        _CAP, (0.0, 0.98, 0.22, 0.42, 0.20, 0.30, 0.06, -0.3), (0.12, 1.08, 0.08, 0.36, 0.18, 0.34, -0.1, 0.0),
        (0.0, 0.9, -0.1, 0.55, 0.28, 0.5, 0.0, 0.0),
    ),
    "curls": (_CAP, *_crown(9, 0.66, 0.36, 0.08, 0.20), *_crown(6, 0.52, 0.50, 0.30, 0.17)),
    "afro": (
        _ball(0.0, 0.46, -0.30, 0.92), _ball(0.40, 0.56, -0.08, 0.50), _ball(-0.40, 0.56, -0.08, 0.50),
        _ball(0.0, 0.82, -0.02, 0.44), _ball(0.62, 0.12, -0.28, 0.38), _ball(-0.62, 0.12, -0.28, 0.38),
    ),
    "long": (
        _LOW_CAP,
        *_mirrored((0.64, -0.30, -0.12, 0.20, 0.95, 0.34, 0.04, 0.0)),
        *_mirrored((0.34, 0.74, 0.22, 0.40, 0.14, 0.28, -0.65, 0.35)),
        (0.0, -0.25, -0.55, 0.66, 1.05, 0.36, 0.0, 0.0),
    ),
    "bob": (
        _LOW_CAP, *_mirrored((0.64, -0.12, -0.02, 0.22, 0.62, 0.42, -0.06, 0.0)),
        (0.0, -0.05, -0.45, 0.72, 0.72, 0.48, 0.0, 0.0),
        (0.0, 0.66, 0.33, 0.54, 0.20, 0.28, 0.0, 0.35), (0.0, 0.80, 0.12, 0.58, 0.22, 0.42, 0.0, 0.3),
    ),
    "waves": (
        _LOW_CAP,
        *_mirrored(
            _ball(0.66, 0.32, 0.02, 0.24), _ball(0.76, 0.0, -0.10, 0.26),
            _ball(0.68, -0.34, -0.08, 0.25), _ball(0.78, -0.66, -0.08, 0.25), _ball(0.68, -0.95, -0.05, 0.22),
        ),
        (0.28, 0.78, 0.22, 0.46, 0.16, 0.30, -0.5, 0.4), (-0.44, 0.70, 0.16, 0.24, 0.15, 0.28, 0.8, 0.4),
        (0.0, -0.2, -0.55, 0.68, 0.95, 0.36, 0.0, 0.0),
    ),
    "bun": (_CAP, _ball(0.0, 1.20, -0.18, 0.29), (0.0, 0.86, 0.12, 0.42, 0.14, 0.36, 0.0, 0.4)),
    "ponytail": (
        _CAP, (0.24, 0.78, 0.22, 0.46, 0.15, 0.30, -0.45, 0.45),
        _ball(0.52, 0.62, -0.85, 0.26), (0.82, 0.18, -0.80, 0.22, 0.50, 0.24, 0.25, 0.0),
        (0.86, -0.4, -0.72, 0.19, 0.50, 0.2, -0.1, 0.0),
    ),
    "pigtails": (
        _CAP,
        *_mirrored(_ball(0.80, 0.22, -0.22, 0.17), (0.96, -0.12, -0.2, 0.20, 0.36, 0.22, 0.25, 0.0)),
        *_mirrored((1.0, -0.55, -0.16, 0.16, 0.34, 0.18, -0.1, 0.0)),
        (0.0, 0.66, 0.34, 0.52, 0.18, 0.28, 0.0, 0.35),
    ),
}  # fmt: skip
BALD = 0
CURLY_STYLES = ("curls", "afro", "waves")
LONG_STYLES = ("long", "bob", "waves", "bun", "ponytail", "pigtails")
HAIR_BLEND = 0.035


def hair_count(style: Tensor) -> int:
    """How many of the ellipsoids of `hair_solid` the longest of these styles needs."""
    counts = [len(rows) for rows in HAIRSTYLES.values()]
    wanted: list[int] = style.tolist()
    return max(counts[i] for i in wanted)


@lru_cache(maxsize=4)
def _table(device: torch.device) -> Float[Tensor, "s k 8"]:
    """All styles as one tensor, short ones filled up with a ball out of sight inside the skull."""
    longest = max(len(rows) for rows in HAIRSTYLES.values())
    filler = _ball(0.0, 0.2, -0.2, 0.02)
    rows = [list(style) + [filler] * (longest - len(style)) for style in HAIRSTYLES.values()]
    return torch.tensor(rows, device=device)


def hair_solid(style: Tensor, volume: Tensor, side: Tensor, width: Tensor) -> Quadrics:
    """Ellipsoids (b, k) of each head's hair; `width` is the head's own width, so that hair sits on wide heads too."""
    rows = _table(style.device)[style]
    stretch = torch.stack((side * width, torch.ones_like(side), torch.ones_like(side)), 1)[:, None]
    radii = rows[..., 3:6] * volume[:, None, None] * stretch.abs()
    tilt = rows[..., 6:] * torch.stack((side, torch.ones_like(side)), 1)[:, None]
    return ellipsoids(rows[..., :3] * stretch, radii, tilt)
