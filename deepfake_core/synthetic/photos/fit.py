"""Where a head stands in a portrait, by the five landmarks that a face detector finds: eyes, nose tip, mouth corners.

Two frames are fitted. The rigid one (world units, as `camera` has them) carries depth and turns. The face's own
coordinates (u, v), in which expressions move the skin, are an affine map that takes eyes and mouth to where drawn
heads have them.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL

EYE, MOUTH = (0.275, 0.05), -0.50  # of drawn heads, head units
NOSE_V = -0.16
SURFACE = 0.60  # depth of eyes and mouth corners before the head's axis, head units
NOSE_OUT = 0.35  # how far the nose tip stands out before them
TURNED = 0.45  # radians; portraits in profile say nothing more


class Fit(NamedTuple):
    """Places of b heads, in grid coordinates (x right, y down) of their portraits' frames."""

    centre: Float[Tensor, "b 2"]  # of the head's axis, at the height v = 0
    unit: Float[Tensor, "b"]  # one head unit at the depth of the axis, grid units
    yaw: Float[Tensor, "b"]  # radians, by how much the nose stands lateral
    roll: Float[Tensor, "b"]
    face: Float[Tensor, "b 2 3"]  # (x, y, 1) -> (u, v)
    mouth: Float[Tensor, "b"]  # half the mouth's width, head units

    @property
    def scale(self) -> Float[Tensor, "b"]:
        """World units per head unit."""
        return self.unit * (DISTANCE / FOCAL)


def fit(points: Float[Tensor, "b 5 2"]) -> Fit:
    """Fit heads to left eye, right eye, nose tip, left and right mouth corner (left and right of the picture)."""
    left, right, nose, *corners = points.unbind(1)
    eyes, mouth = (left + right) / 2, (corners[0] + corners[1]) / 2
    across, down = right - left, mouth - eyes
    along = unit_vector(unit_vector(across) + unit_vector(torch.stack((down[:, 1], -down[:, 0]), 1)))
    below = torch.stack((-along[:, 1], along[:, 0]), 1)
    width, height = dot(across, along), dot(down, below)
    share = (EYE[1] - NOSE_V) / (EYE[1] - MOUTH)
    rough = 0.5 * (width / (2 * EYE[0]) + height / (EYE[1] - MOUTH))
    lateral = dot(nose - eyes - share * down, along) / rough / NOSE_OUT
    yaw = lateral.clamp(-0.95, 0.95).asin().clamp(-TURNED, TURNED)
    near = 0.5 * (width / (2 * EYE[0]) / yaw.cos() + height / (EYE[1] - MOUTH))
    unit = near / (1 + SURFACE * near / FOCAL)  # what is nearer looks larger
    middle = eyes + (EYE[1] / (EYE[1] - MOUTH)) * down
    centre = middle - along * (SURFACE * yaw.sin() * near)[:, None]
    return Fit(centre, unit, yaw, torch.atan2(along[:, 1], along[:, 0]), face_map(eyes, along, below, down, width),
               0.5 * dot(corners[1] - corners[0], along) / width * (2 * EYE[0]))  # fmt: skip


def face_map(eyes: Tensor, along: Tensor, below: Tensor, down: Tensor, width: Tensor) -> Float[Tensor, "b 2 3"]:
    """The affine map that takes the eyes to (-.275, .05) and (.275, .05), and the mouth's middle to (0, -.5)."""
    height = dot(down, below)
    right = along - below * (dot(down, along) / height)[:, None]  # the line from eyes to mouth has u = 0
    right = right * (2 * EYE[0] / width)[:, None]
    up = below * (-(EYE[1] - MOUTH) / height)[:, None]
    linear = torch.stack((right, up), 1)
    shift = torch.stack((torch.zeros_like(width), torch.full_like(width, EYE[1])), 1)
    return torch.cat((linear, (shift - (linear @ eyes[..., None])[..., 0])[..., None]), 2)


def to_face(fitted: Fit, grid: Float[Tensor, "b n 2"]) -> tuple[Float[Tensor, "b n"], Float[Tensor, "b n"]]:
    """Grid points -> (u, v)."""
    u, v = (grid @ fitted.face[:, :, :2].mT + fitted.face[:, None, :, 2]).unbind(-1)
    return u, v


def from_face(fitted: Fit, u: Float[Tensor, "b n"], v: Float[Tensor, "b n"]) -> Float[Tensor, "b n 2"]:
    """(u, v) -> grid points."""
    back = torch.linalg.inv(fitted.face[:, :, :2])
    return (torch.stack((u, v), -1) - fitted.face[:, None, :, 2]) @ back.mT


def unit_vector(x: Float[Tensor, "b 2"]) -> Float[Tensor, "b 2"]:
    return x / x.norm(dim=1, keepdim=True).clamp_min(1e-6)


def dot(a: Float[Tensor, "b 2"], b: Float[Tensor, "b 2"]) -> Float[Tensor, "b"]:
    return (a * b).sum(1)
