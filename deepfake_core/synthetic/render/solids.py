"""Solids placed in the frames of a scene, and how the camera sees them: first hits and soft coverage."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL, Frame
from deepfake_core.synthetic.render.quadrics import Hit, Pencil, Quadrics, basis, cast, first_hit


class Solid(NamedTuple):
    """A solid, its frame, and the width over which its ellipsoids blend."""

    shape: Quadrics
    frame: Frame
    pencil: Pencil  # the camera's rays in that frame
    blend: float

    def pick(self, index: slice, count: int | None = None) -> "Solid":
        """The solids at the given indices, with their first `count` ellipsoids only."""
        shape = Quadrics(*(field[index, :count] for field in self.shape))
        return Solid(shape, self.frame.pick(index), Pencil(*(field[index] for field in self.pencil)), self.blend)


class Layer(NamedTuple):
    """One solid as seen by the camera at n image points."""

    hit: Hit
    alpha: Float[Tensor, "b n"]


def see(solid: Solid, points: Float[Tensor, "#b n 2"], pixel: Float[Tensor, "b 1"], steps: int = 2) -> Layer:
    """Cast rays through image points at one solid; more steps are more accurate (see `first_hit`)."""
    rays = cast(solid.shape, solid.pencil, basis(points))
    hit = first_hit(solid.shape, solid.pencil, rays, points, solid.blend, steps)
    return Layer(hit, (1 - hit.gap / pixel).clamp(0, 1))


def nothing(points: Float[Tensor, "#b n 2"], pixel: Float[Tensor, "b 1"]) -> Layer:
    """The layer of a solid that is not present: far away and transparent."""
    flat = torch.zeros_like(points[..., 0] * pixel)
    space = flat[:, None].expand(-1, 3, -1)
    return Layer(Hit(flat + DISTANCE, flat + 1, space, space), flat)


def bounds(solid: Solid) -> Float[Tensor, "b 4"]:
    """Left, right, top and bottom of a solid in the image, with a small margin."""
    world = solid.frame.to_world(solid.shape.centre.mT)
    turn = solid.frame.rotation[:, None]
    spread = torch.diagonal(turn @ solid.shape.spread @ turn.mT, dim1=-2, dim2=-1).sqrt().mT
    reach = spread * solid.frame.scale[:, None, None] + 1.5 * solid.blend
    near = DISTANCE - world[:, 2] - reach[:, 2]
    x, y = FOCAL * world[:, 0], -FOCAL * world[:, 1]
    across, along = FOCAL * reach[:, 0], FOCAL * reach[:, 1]
    far = near + 2 * reach[:, 2]
    left = torch.minimum((x - across) / near, (x - across) / far).amin(1)
    right = torch.maximum((x + across) / near, (x + across) / far).amax(1)
    top = torch.minimum((y - along) / near, (y - along) / far).amin(1)
    bottom = torch.maximum((y + along) / near, (y + along) / far).amax(1)
    return torch.stack((left, right, top, bottom), 1)
