"""A portrait's depth, and where the camera sees its points when head and body move.

The person is a closed relief: a front whose height is that of an ellipsoid with a nose inside the face, swelling from
the outline elsewhere, and a back, its mirror image with the same paint, which comes into sight where a turn shows it.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.photos.fit import Fit
from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL, HEAD_PIVOT, rotation
from deepfake_core.synthetic.render.pose import HeadState

NECK_BASE = (0.0, -1.25, -0.15)  # head units: about which the body leans
RADII = (0.70, 1.02, 0.78)  # of the head
RISE = 0.06  # its middle above the height v = 0


class View(NamedTuple):
    """What else moves in a clip: the camera, the body, the light. Every field has shape (b,)."""

    pan_x: Float[Tensor, "b"]  # grid units: by how much the background moves to the right
    pan_y: Float[Tensor, "b"]  # and down
    zoom: Float[Tensor, "b"]  # 1: as in the portrait
    lean: Float[Tensor, "b"]  # radians, of the body
    sway: Float[Tensor, "b"]  # grid units, of the body to the right


def still_view(count: int, device: torch.device | str = "cpu") -> View:
    """A camera and a body that do not move."""
    zero = torch.zeros(count, device=device)
    return View(zero, zero, zero + 1, zero, zero)


def swelling(matte: Float[Tensor, "b 1 c c"]) -> Float[Tensor, "b 1 c c"]:
    """Distance to the outline, in pixels of the canvas; the canvas's own edge is no outline."""
    person = (matte[:, 0] > 0.5).cpu().numpy().astype(np.uint8)
    pad = person.shape[-1] // 2
    distances = []
    for one in person:
        large = cv2.copyMakeBorder(one, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        distances.append(cv2.distanceTransform(large, cv2.DIST_L2, 5)[pad:-pad, pad:-pad])
    return torch.from_numpy(np.stack(distances))[:, None].to(matte.device)


def head_axes(fitted: Fit, grid: Float[Tensor, "b n 2"]) -> tuple[Tensor, Tensor]:
    """Grid points in head units along and across the head's axis, as if nothing had depth."""
    away = (grid - fitted.centre[:, None]) / fitted.unit[:, None, None]
    cos, sin = fitted.roll.cos()[:, None], fitted.roll.sin()[:, None]
    return away[..., 0] * cos + away[..., 1] * sin, away[..., 0] * sin - away[..., 1] * cos


def heights(
    fitted: Fit, nose: Float[Tensor, "b 2"], distance: Float[Tensor, "b n"], grid: Float[Tensor, "b n 2"]
) -> Float[Tensor, "b n"]:
    """Height of the front before the plane of the outline, head units."""
    x, y = head_axes(fitted, grid)
    tip_x, tip_y = (part[:, :1] for part in head_axes(fitted, nose[:, None]))
    swell = distance / (fitted.unit[:, None] * 0.5 * 255)  # pixels of a frame of 256, to head units
    round_ = (1 - (x / RADII[0]) ** 2 - ((y - RISE) / RADII[1]) ** 2).clamp_min(0).sqrt() * RADII[2]
    across, along = (x - tip_x) / 0.13, (y - tip_y) / torch.where(y > tip_y, 0.26, 0.10)
    round_ = round_ + 0.24 * torch.exp(-(across**2) - along**2)
    bulge = (swell * (0.9 - swell).clamp_min(0.45)).clamp_min(0).clamp_max(0.25).sqrt()  # hair, neck, chest
    mix = head_share(x, y)
    head = torch.maximum(round_, 0.6 * bulge)
    body = 0.45 * bulge
    height = mix * head + (1 - mix) * body
    return height.minimum(1.5 * (swell * (swell + 0.12)).sqrt())  # the outline lies in the plane


def head_share(x: Float[Tensor, "b n"], y: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
    """1 where a point goes with the head, 0 where with the body; the neck between them bends."""
    end = -0.72 - 0.26 * (1 - (x / 0.60) ** 2).clamp_min(0).sqrt()  # below the jaw
    share = ((y - end + 0.50) / 0.45).clamp(0, 1)
    return share * share * (3 - 2 * share)


class Pose(NamedTuple):
    """Two rigid movements of world points: of the head and of the body, in the camera's frame."""

    turn: Float[Tensor, "b 2 3 3"]
    pivot: Float[Tensor, "b 2 3"]
    shift: Float[Tensor, "b 2 3"]
    scale: Float[Tensor, "b 1"]


def pose(fitted: Fit, state: HeadState, view: View) -> Pose:
    """The movements of a state; those of the neutral state move nothing."""
    zero = torch.zeros_like(state.yaw)
    before = rotation(fitted.yaw, zero, fitted.roll)
    head = rotation(fitted.yaw + state.yaw, state.pitch, fitted.roll + state.roll) @ before.mT
    body = rotation(0.2 * state.yaw, zero, 0.12 * state.roll + view.lean)
    wide = DISTANCE / FOCAL
    centre = torch.stack((fitted.centre[:, 0] * wide, -fitted.centre[:, 1] * wide, zero), 1)
    pivots = [centre + place @ centre.new_tensor(point) * fitted.scale[:, None]
              for place, point in ((before, HEAD_PIVOT), (before, NECK_BASE))]  # fmt: skip
    moved = torch.stack(((state.shift_x + view.sway) * wide, -state.shift_y * wide, zero), 1)
    shifts = torch.stack((moved, 0.6 * moved + 0.4 * torch.stack((view.sway * wide, zero, zero), 1)), 1)
    lean = (body - torch.eye(3, device=zero.device)) @ (pivots[0] - pivots[1])[..., None]
    shifts = shifts + torch.stack((lean[..., 0], torch.zeros_like(moved)), 1)  # a leaning body takes the head along
    return Pose(torch.stack((head, body), 1), torch.stack(pivots, 1), shifts, state.scale[:, None])


def carried(
    fitted: Fit, moves: Pose, grid: Float[Tensor, "b n 2"], height: Float[Tensor, "b n"]
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n"]]:
    """Where points of the portrait, that many head units before the outline's plane, stand now; and how near."""
    z = height * fitted.scale[:, None]
    depth = (DISTANCE - z) / FOCAL
    world = torch.stack((grid[..., 0] * depth, -grid[..., 1] * depth, z), -1)  # (b, n, 3)
    share = head_share(*head_axes(fitted, grid))[..., None]
    there = torch.zeros_like(world)
    for part, weight in ((0, share), (1, 1 - share)):
        pivot, turn, shift = moves.pivot[:, part, None], moves.turn[:, part], moves.shift[:, part, None]
        there = there + weight * ((world - pivot) @ turn.mT * moves.scale[..., None] + pivot + shift)
    far = DISTANCE - there[..., 2]
    return torch.stack((FOCAL * there[..., 0] / far, -FOCAL * there[..., 1] / far), -1), there[..., 2]
