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
from deepfake_core.synthetic.headwear import HAT_BLEND, SCARF_BLEND, hat_solid, scarf_solid
from deepfake_core.synthetic.identity import HeadIdentity
from deepfake_core.synthetic.quadrics import Hit, Pencil, Quadrics, basis, cast, first_hit
from deepfake_core.synthetic.state import HeadState

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


class Solids(NamedTuple):
    """What a person is made of. Hat and scarf that are not worn are crumbs out of sight inside head and neck."""

    body: Solid
    neck: Solid
    scarf: Solid
    head: Solid
    hair: Solid
    hat: Solid


LAYERS = Solids._fields


class Scene(NamedTuple):
    """The solids of b people."""

    solids: Solids
    frames: Frames
    pixel: Float[Tensor, "b 1"]  # head units

    def pick(self, index: slice, hair: int | None = None) -> "Scene":
        """The scenes at some places of the batch; `hair` tells how many ellipsoids of hair they need."""
        solids = Solids(*(solid.pick(index) for solid in self.solids))
        solids = solids._replace(hair=self.solids.hair.pick(index, hair))
        return Scene(solids, Frames(*(frame.pick(index) for frame in self.frames)), self.pixel[index])


class Layer(NamedTuple):
    """One solid as the camera sees it at n picture points."""

    hit: Hit
    alpha: Float[Tensor, "b n"]


def build_scene(identity: HeadIdentity, state: HeadState, size: int) -> Scene:
    frames = place(state)
    body_rays, neck_rays, head_rays = pencil(frames.body), pencil(frames.neck), pencil(frames.head)
    solids = Solids(
        body=Solid(body_solid(identity), frames.body, body_rays, BODY_BLEND),
        neck=Solid(neck_solid(identity), frames.neck, neck_rays, NECK_BLEND),
        scarf=Solid(scarf_solid(identity.scarf), frames.neck, neck_rays, SCARF_BLEND),
        head=Solid(head_solid(identity, state), frames.head, head_rays, HEAD_BLEND),
        hair=Solid(_hair(identity), frames.head, head_rays, HAIR_BLEND),
        hat=Solid(hat_solid(identity.hat, identity.face_width), frames.head, head_rays, HAT_BLEND),
    )
    return Scene(solids, frames, pixel_size(frames.head, size))


def _hair(identity: HeadIdentity) -> Quadrics:
    i = identity
    return hair_solid(i.hair_style, i.hair_volume, i.hair_side, i.face_width, i.hat)


def see(solid: Solid, points: Float[Tensor, "#b n 2"], pixel: Float[Tensor, "b 1"], steps: int = 2) -> Layer:
    """Cast one solid on picture points; more steps find its face more exactly (see `first_hit`)."""
    rays = cast(solid.shape, solid.pencil, basis(points))
    hit = first_hit(solid.shape, solid.pencil, rays, points, solid.blend, steps)
    return Layer(hit, (1 - hit.gap / pixel).clamp(0, 1))


def nothing(points: Float[Tensor, "#b n 2"], pixel: Float[Tensor, "b 1"]) -> Layer:
    """What the camera sees of a solid that nobody wears, without casting it: far away, and transparent."""
    flat = torch.zeros_like(points[..., 0] * pixel)
    space = flat[:, None].expand(-1, 3, -1)
    return Layer(Hit(flat + DISTANCE, flat + 1, space, space), flat)


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
