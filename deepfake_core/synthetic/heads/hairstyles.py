"""Hairstyles as solids: every style is a list of ellipsoids in the head frame (x right, y up, z out of the face).

A row is (x, y, z, rx, ry, rz, tilt about z, tilt about x). The skull is about 0.70 x 0.72 x 0.80 around
(0, 0.28, -0.12); a cap a little larger, higher and farther back comes out of it along the hairline.
"""

from functools import lru_cache
from math import cos, pi, sin

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.synthetic.render.quadrics import Quadrics, ellipsoids

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
        (0.57, -0.72, 0.06, 0.12, 0.50, 0.15, -0.07, 0.0), (-0.60, -0.62, 0.08, 0.11, 0.46, 0.14, 0.10, 0.0),
        (0.78, -0.58, -0.10, 0.10, 0.52, 0.16, 0.06, 0.0), (-0.77, -0.70, -0.10, 0.11, 0.56, 0.16, -0.05, 0.0),
        (0.0, -0.25, -0.55, 0.66, 1.05, 0.36, 0.0, 0.0),
    ),
    "bob": (
        _LOW_CAP, *_mirrored((0.64, -0.12, -0.02, 0.22, 0.62, 0.42, -0.06, 0.0)),
        (0.0, -0.05, -0.45, 0.72, 0.72, 0.48, 0.0, 0.0),
        (0.20, 0.66, 0.35, 0.36, 0.20, 0.25, -0.22, 0.40), (-0.28, 0.66, 0.33, 0.28, 0.20, 0.25, 0.34, 0.35),
        (0.0, 0.80, 0.12, 0.58, 0.22, 0.42, 0.0, 0.3),
        *_mirrored((0.56, -0.46, 0.20, 0.12, 0.28, 0.15, -0.22, -0.1)),
        *_mirrored((0.76, -0.48, -0.02, 0.14, 0.27, 0.24, 0.14, 0.0)),
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
    "braids": (
        _CAP, *_mirrored((0.26, 0.76, 0.20, 0.34, 0.14, 0.30, -0.6, 0.4)),
        *_mirrored(*((0.74 + 0.03 * (i % 2), 0.08 - 0.19 * i, 0.02, 0.135, 0.125, 0.135, 0.5 - i % 2, 0.0)
                     for i in range(6))),
        *_mirrored((0.75, -1.12, 0.02, 0.075, 0.17, 0.08, 0.0, 0.0)),
    ),
    "mohawk": (
        (0.0, 0.345, -0.185, 0.715, 0.725, 0.81, 0.0, 0.0),
        *((0.0, 0.36 + 0.78 * sin(a), -0.16 + 0.74 * cos(a), 0.17, 0.25, 0.24, 0.0, 0.0)
          for a in (pi * (0.21 + 0.10 * i) for i in range(7))),
    ),
    "fringe": (
        _CAP, *((0.22 * i, 0.66 - 0.035 * i * i, 0.44 - 0.035 * i * i, 0.16, 0.22, 0.15, -0.16 - 0.1 * i, 0.45)
                for i in (-2, -1, 0, 1, 2)),
        (0.0, 0.86, 0.04, 0.56, 0.22, 0.48, 0.0, 0.2), *_mirrored((0.68, 0.16, 0.02, 0.10, 0.36, 0.22, 0.05, 0.0)),
    ),
}  # fmt: skip
BALD = 0
CURLY_STYLES = ("curls", "afro", "waves")
LONG_STYLES = ("long", "bob", "waves", "bun", "ponytail", "pigtails", "braids")
HAT_STYLES = ("bald", "crop", "side part", "long", "bob", "waves", "ponytail", "pigtails", "braids", "fringe")
HAIR_BLEND = 0.035
_HAT_LINE = 0.80  # head frame: locks that reach higher are pressed flat by a hat
_UNDER_HAT = (
    *_mirrored((0.17, 0.585, 0.50, 0.24, 0.085, 0.12, -0.18, 0.3), (0.45, 0.50, 0.30, 0.17, 0.11, 0.19, -0.75, 0.2)),
    *_mirrored((0.655, 0.28, 0.08, 0.075, 0.30, 0.13, 0.05, 0.0)),
)  # fmt: skip


def _pressed(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """A style under a hat: parts that would stick out are removed; fringe and temples stay visible."""
    if len(rows) == 1:
        return rows
    return rows[0], *(row for row in rows[1:] if row[1] + row[4] < _HAT_LINE), *_UNDER_HAT


_STYLES = (tuple(HAIRSTYLES.values()), tuple(_pressed(rows) for rows in HAIRSTYLES.values()))  # without, with a hat


def hair_count(style: Int[Tensor, "b"], hat: Int[Tensor, "b"]) -> int:
    """The number of ellipsoids of `hair_solid` that these styles need."""
    wanted: list[tuple[int, int]] = torch.stack(((hat > 0).long(), style), 1).tolist()
    return max(len(_STYLES[pressed][i]) for pressed, i in wanted)


@lru_cache(maxsize=4)
def _table(device: torch.device) -> Float[Tensor, "2 s k 8"]:
    """All styles, without and with a hat, padded with invisible balls inside the skull."""
    longest = max(len(rows) for styles in _STYLES for rows in styles)
    filler = _ball(0.0, 0.2, -0.2, 0.02)
    rows = [[list(style) + [filler] * (longest - len(style)) for style in styles] for styles in _STYLES]
    return torch.tensor(rows, device=device)


def hair_solid(style: Tensor, volume: Tensor, side: Tensor, width: Tensor, hat: Tensor) -> Quadrics:
    """Ellipsoids (b, k) of each head's hair; `width` is the head's own width, so that hair fits wide heads too."""
    rows = _table(style.device)[(hat > 0).long(), style, : hair_count(style, hat)]
    stretch = torch.stack((side * width, torch.ones_like(side), torch.ones_like(side)), 1)[:, None]
    radii = rows[..., 3:6] * volume[:, None, None] * stretch.abs()
    tilt = rows[..., 6:] * torch.stack((side, torch.ones_like(side)), 1)[:, None]
    return ellipsoids(rows[..., :3] * stretch, radii, tilt)
