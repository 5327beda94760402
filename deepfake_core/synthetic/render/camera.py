"""The camera, and the coordinate frames of head, neck and body.

World: x to the right of the picture, y up, z towards the camera, which stands at (0, 0, DISTANCE) and looks along -z.
Picture: x right, y down, -1 and 1 at the centres of the outer pixels. One unit is half the height of a head.
Rotations: positive yaw turns the face to the right of the picture, positive pitch lifts it, positive roll tilts the
crown to the right; yaw acts first, then pitch, then roll.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.quadrics import Pencil

DISTANCE = 7.0
FOCAL = 4.35
HEAD_ANCHOR = (0.0, 0.0, -0.05)  # head frame: the point that shift_x and shift_y move in the image
HEAD_PIVOT = (0.0, -0.60, -0.22)  # head frame: where the neck ends
NECK_LENGTH = 0.50
RAISED = 0.16  # world units by which the head is above the centre of the image


class Frame(NamedTuple):
    """A similarity transform: world = scale * rotation @ p + offset."""

    rotation: Float[Tensor, "b 3 3"]
    offset: Float[Tensor, "b 3"]
    scale: Float[Tensor, "b"]

    def to_world(self, point: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 3 n"]:
        return self.scale[:, None, None] * (self.rotation @ point) + self.offset[..., None]

    def pick(self, index: slice) -> "Frame":
        """The frames at the given indices of the batch."""
        return Frame(*(field[index] for field in self))


class Frames(NamedTuple):
    head: Frame
    neck: Frame
    body: Frame


def place(state: HeadState) -> Frames:
    """Frames of a state: the neck follows the head about half-way, and the body stays nearly upright."""
    head_turn = rotation(state.yaw, state.pitch, state.roll)
    neck_turn = rotation(0.45 * state.yaw, 0.25 * state.pitch, 0.40 * state.roll)
    body_turn = rotation(0.25 * state.yaw, 0 * state.pitch, 0.12 * state.roll)
    wide = DISTANCE / FOCAL
    anchor = torch.stack((state.shift_x * wide, RAISED - state.shift_y * wide, torch.zeros_like(state.yaw)), 1)
    head = Frame(head_turn, anchor - _carried(head_turn, HEAD_ANCHOR, state.scale), state.scale)
    pivot = head.offset + _carried(head_turn, HEAD_PIVOT, state.scale)
    base = pivot + _carried(neck_turn, (0.0, -NECK_LENGTH, 0.0), state.scale)
    return Frames(head, Frame(neck_turn, pivot, state.scale), Frame(body_turn, base, state.scale))


def rotation(yaw: Float[Tensor, "b"], pitch: Float[Tensor, "b"], roll: Float[Tensor, "b"]) -> Float[Tensor, "b 3 3"]:
    """Roll after pitch after yaw, as matrices that act on column vectors."""
    o, i = torch.zeros_like(yaw), torch.ones_like(yaw)
    cy, sy, cp, sp, cr, sr = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin(), roll.cos(), roll.sin()
    about_y = torch.stack((cy, o, sy, o, i, o, -sy, o, cy), -1).unflatten(-1, (3, 3))
    about_x = torch.stack((i, o, o, o, cp, sp, o, -sp, cp), -1).unflatten(-1, (3, 3))
    about_z = torch.stack((cr, sr, o, -sr, cr, o, o, o, i), -1).unflatten(-1, (3, 3))
    return about_z @ about_x @ about_y


def pencil(frame: Frame) -> Pencil:
    """The camera's rays in a frame; tau is the depth behind the plane z = 0 of the world."""
    direction = torch.diag(torch.tensor((1 / FOCAL, -1 / FOCAL, -1.0), device=frame.offset.device))
    last = torch.tensor((0.0, 0.0, 1.0), device=frame.offset.device)
    origin = DISTANCE * direction + torch.tensor((0.0, 0.0, DISTANCE), device=last.device)[:, None] * last
    back = frame.rotation.mT / frame.scale[:, None, None]
    return Pencil(back @ (origin - frame.offset[..., None] * last), back @ direction)


def project(world: Float[Tensor, "b 3 n"]) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n"]]:
    """Project world points to image points and depths tau."""
    depth = DISTANCE - world[:, 2]
    x, y = FOCAL * world[:, 0] / depth, -FOCAL * world[:, 1] / depth
    return torch.stack((x, y), -1), -world[:, 2]


def project_jacobian(frame: Frame, point: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b n 2 2"]:
    """d(image x, y) / d(frame x, y) of points of a frame, for constant z of the frame."""
    world = frame.to_world(point)
    inverse_depth = 1 / (DISTANCE - world[:, 2])
    columns = (frame.rotation * frame.scale[:, None, None])[:, :, :2]  # world movement by x and by y
    x, y = FOCAL * world[:, 0] * inverse_depth, -FOCAL * world[:, 1] * inverse_depth
    along = columns[:, None]  # (b, 1, 3, 2)
    dx = (FOCAL * along[:, :, 0] + x[..., None] * along[:, :, 2]) * inverse_depth[..., None]
    dy = (-FOCAL * along[:, :, 1] + y[..., None] * along[:, :, 2]) * inverse_depth[..., None]
    return torch.stack((dx, dy), -2)


def pixel_size(frame: Frame, size: int) -> Float[Tensor, "b 1"]:
    """Extent of one pixel at the head's depth, in units of the frame."""
    return (2 * DISTANCE / FOCAL / (size - 1) / frame.scale)[:, None]


def _carried(turn: Tensor, point: tuple[float, float, float], scale: Tensor) -> Float[Tensor, "b 3"]:
    return scale[:, None] * (turn @ torch.tensor(point, device=turn.device))
