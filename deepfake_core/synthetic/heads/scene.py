"""The solids of a person, placed in the frames of head, neck and body; nothing is painted yet."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.heads.anatomy import BODY_BLEND, HEAD_BLEND, body_solid, head_solid, neck_solid
from deepfake_core.synthetic.heads.hairstyles import HAIR_BLEND, hair_solid
from deepfake_core.synthetic.heads.headwear import HAT_BLEND, SCARF_BLEND, hat_solid, scarf_solid
from deepfake_core.synthetic.heads.identity import HeadIdentity
from deepfake_core.synthetic.render.camera import Frames, pencil, pixel_size, place
from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.quadrics import Quadrics
from deepfake_core.synthetic.render.solids import Solid

NECK_BLEND = 0.05


class Solids(NamedTuple):
    """The solids of a person. Hats and scarves that are not worn are tiny and hidden inside head and neck."""

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
        """The scenes at some places of the batch; `hair` is the number of ellipsoids of hair that they need."""
        solids = Solids(*(solid.pick(index) for solid in self.solids))
        solids = solids._replace(hair=self.solids.hair.pick(index, hair))
        return Scene(solids, Frames(*(frame.pick(index) for frame in self.frames)), self.pixel[index])


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
