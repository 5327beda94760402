"""Where everything stands: each solid of a scene cast on a set of picture points, before any paint.

The layers lie over one another by depth with soft edges, whatever their order: layer i shows with the weight
alpha_i * prod_j (1 - alpha_j * [j is nearer than i]), where [..] is a soft step.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.anatomy import BODY_BLEND, HEAD_BLEND, body_solid, head_solid, neck_solid
from deepfake_core.synthetic.camera import DISTANCE, FOCAL, Frame, Frames, pencil, pixel_size, place
from deepfake_core.synthetic.hairstyles import HAIR_BLEND, hair_solid
from deepfake_core.synthetic.identity import HeadIdentity
from deepfake_core.synthetic.quadrics import Hit, Pencil, Quadrics, basis, cast, first_hit
from deepfake_core.synthetic.state import HeadState

LAYERS = ("body", "neck", "head", "hair")
NECK_BLEND = 0.05


class Solid(NamedTuple):
    """A solid, where it stands, and the width over which its ellipsoids blend."""

    shape: Quadrics
    frame: Frame
    pencil: Pencil  # the camera's rays in that frame
    blend: float

    def pick(self, index: slice, count: int | None = None) -> "Solid":
        """The solid of some people, with its first ellipsoids only."""
        shape = Quadrics(*(field[index, :count] for field in self.shape))
        return Solid(shape, self.frame.pick(index), Pencil(*(field[index] for field in self.pencil)), self.blend)


class Scene(NamedTuple):
    """The solids of b people in the order of LAYERS."""

    solids: tuple[Solid, Solid, Solid, Solid]
    frames: Frames
    pixel: Float[Tensor, "b 1"]  # head units

    def pick(self, index: slice, hair: int | None = None) -> "Scene":
        """The scenes at some places of the batch; `hair` tells how many ellipsoids of hair they need."""
        body, neck, head, locks = self.solids
        solids = (body.pick(index), neck.pick(index), head.pick(index), locks.pick(index, hair))
        return Scene(solids, Frames(*(frame.pick(index) for frame in self.frames)), self.pixel[index])


class Layer(NamedTuple):
    """One solid as the camera sees it at n picture points."""

    hit: Hit
    alpha: Float[Tensor, "b n"]


def build_scene(identity: HeadIdentity, state: HeadState, size: int) -> Scene:
    frames = place(state)
    hair = hair_solid(identity.hair_style, identity.hair_volume, identity.hair_side, identity.face_width)
    body_rays, neck_rays, head_rays = pencil(frames.body), pencil(frames.neck), pencil(frames.head)
    solids = (
        Solid(body_solid(identity), frames.body, body_rays, BODY_BLEND),
        Solid(neck_solid(identity), frames.neck, neck_rays, NECK_BLEND),
        Solid(head_solid(identity, state), frames.head, head_rays, HEAD_BLEND),
        Solid(hair, frames.head, head_rays, HAIR_BLEND),
    )
    return Scene(solids, frames, pixel_size(frames.head, size))


def see(solid: Solid, points: Float[Tensor, "#b n 2"], pixel: Float[Tensor, "b 1"], steps: int = 2) -> Layer:
    """Cast one solid on picture points; more steps find its face more exactly (see `first_hit`)."""
    rays = cast(solid.shape, solid.pencil, basis(points))
    hit = first_hit(solid.shape, solid.pencil, rays, points, solid.blend, steps)
    return Layer(hit, (1 - hit.gap / pixel).clamp(0, 1))


def bounds(solid: Solid) -> Float[Tensor, "b 4"]:
    """Left, right, top and bottom of a solid in the picture, a little generous."""
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


def show(
    tau: Float[Tensor, "b l n"], alpha: Float[Tensor, "b l n"], soft: Float[Tensor, "b 1"]
) -> Float[Tensor, "b l n"]:
    """How much of each layer shows at each point."""
    weight = []
    for i in range(tau.shape[1]):
        nearer = ((tau[:, i : i + 1] - tau) / soft[:, None] + 0.5).clamp(0, 1)
        hidden = 1 - alpha * nearer
        hidden[:, i] = 1
        weight.append(alpha[:, i] * hidden.prod(1))
    return torch.stack(weight, 1)
