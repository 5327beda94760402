"""The solids of a person: head with ears, neck, torso; and the proportions of the painted face.

Head frame: x to the right of the picture when the head looks straight ahead, y up, z out of the face; the crown of the
skull is at y = 1, the chin near y = -1.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.heads.expression import jaw_drop
from deepfake_core.synthetic.heads.identity import BEARDS, HeadIdentity
from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.quadrics import Quadrics, ellipsoids

HEAD_BLEND = 0.05
BODY_BLEND = 0.10
EYE_Y, BROW_Y, NOSE_Y = 0.05, 0.30, -0.16


class Proportions(NamedTuple):
    """Sizes in head units, each (b, 1), including the effects of sex and age."""

    eye_x: Float[Tensor, "b 1"]
    eye_width: Float[Tensor, "b 1"]  # half
    eye_height: Float[Tensor, "b 1"]  # upper half, wide open
    mouth_width: Float[Tensor, "b 1"]  # half
    lip: Float[Tensor, "b 1"]  # thickness of the lower lip
    brow: Float[Tensor, "b 1"]  # half thickness


def proportions(identity: HeadIdentity) -> Proportions:
    male, width = identity.male, identity.face_width
    sizes = (
        0.275 * identity.eye_spacing * width,
        0.158 * identity.eye_size,
        0.112 * identity.eye_size * (1 - 0.10 * male),
        0.235 * identity.mouth_width * width * (1 + 0.04 * male),
        0.078 * identity.lip_fullness * (1 - 0.18 * male) * (0.85 + 0.15 * identity.young),
        0.027 * identity.brow_thickness * (1 + 0.40 * male),
    )
    return Proportions(*(size[:, None] for size in sizes))


def head_solid(identity: HeadIdentity, state: HeadState) -> Quadrics:
    """Skull, face, jaw, cheeks, nose, lids and ears; the chin is lowered by the opening of the jaw."""
    i, zero = identity, torch.zeros_like(identity.skin[:, 0])
    one, drop = zero + 1, jaw_drop(state)
    wide, jaw = i.face_width, i.face_width * i.jaw_width * (0.93 + 0.12 * i.male)
    bearded = 1 + 0.12 * i.male * (i.beard == BEARDS.index("full"))
    chin, nose, tall = i.chin_length * bearded, i.nose_size * (1 + 0.06 * i.male), i.nose_length
    eye_x, eye = 0.275 * i.eye_spacing * wide, i.eye_size
    saggy = 1 + 0.05 * (1 - i.young)
    # one row an ellipsoid: centre, radii; those with x > 0 that are mirrored come last
    single = (
        (zero, 0.28 * one, -0.12 * one, 0.70 * wide, 0.72 * one, 0.80 * one),  # skull
        (zero, -0.14 * one, 0.10 * one, 0.61 * wide, 0.72 * one, 0.58 * one),  # face
        (zero, -0.36 - 0.31 * chin - drop, 0.30 * one, 0.31 * jaw * bearded, 0.33 * one, 0.34 * bearded),  # chin
        (zero, -0.42 * one, 0.46 * one, 0.30 * wide, 0.26 * one, 0.21 * one),  # around the mouth
        (zero, 0.24 * one, 0.42 * one, 0.46 * wide, 0.15 * one, 0.26 * one),  # brow ridge
        (zero, 0.00 * one, 0.63 * one, 0.085 * nose, 0.22 * tall, 0.135 * one),  # bridge of the nose
        (zero, NOSE_Y * tall, 0.77 * one, 0.118 * nose, 0.105 * nose, 0.145 * nose),  # tip of the nose
    )
    mirrored = (
        (0.27 * jaw, -0.47 * one - 0.4 * drop, 0.08 * one, 0.27 * jaw, 0.34 * saggy, 0.38 * one),  # corner of the jaw
        (0.31 * wide, -0.21 * one, 0.36 * one, 0.265 * i.cheek, 0.26 * saggy, 0.255 * i.cheek),  # cheek
        (0.088 * nose, NOSE_Y * tall - 0.035, 0.70 * one, 0.070 * nose, 0.062 * nose, 0.085 * one),  # wing of the nose
        (eye_x, EYE_Y * one, 0.46 * one, 0.165 * eye, 0.125 * eye, 0.165 * one),  # lids
        (0.70 * wide, -0.03 * one, -0.10 * one, 0.085 * i.ear_size, 0.20 * i.ear_size, 0.13 * i.ear_size),  # ear
    )
    other = tuple((-row[0], *row[1:]) for row in mirrored)
    table = torch.stack([torch.stack(row, 1) for row in single + mirrored + other], 1)  # (b, k, 6)
    return ellipsoids(table[..., :3], table[..., 3:])


def _constant(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Float[Tensor, "b k 6"]:
    return torch.tensor(rows, device=like.device).expand(len(like), -1, -1)


def neck_solid(identity: HeadIdentity) -> Quadrics:
    """The neck, in the neck's frame: its origin is where the head turns."""
    table = _constant(((0.0, -0.42, 0.0, 0.33, 0.95, 0.32),), identity.skin)
    thick = (0.86 + 0.17 * identity.male)[:, None, None] * torch.tensor((1.0, 0.0, 1.0), device=identity.skin.device)
    return ellipsoids(table[..., :3], table[..., 3:] * (thick + torch.tensor((0.0, 1.0, 0.0), device=thick.device)))


def body_solid(identity: HeadIdentity) -> Quadrics:
    """Chest and shoulders under a shirt, in the body's frame: its origin is the base of the neck."""
    rows = (
        (0.0, -0.95, -0.08, 0.95, 0.92, 0.52),
        (0.0, -0.28, -0.06, 0.60, 0.33, 0.34),
        (0.78, -0.62, -0.08, 0.40, 0.42, 0.38),
        (-0.78, -0.62, -0.08, 0.40, 0.42, 0.38),
    )
    table = _constant(rows, identity.skin)
    broad = (0.93 + 0.12 * identity.male)[:, None, None]
    across = broad * torch.tensor((1.0, 0, 0), device=broad.device) + torch.tensor((0, 1.0, 1.0), device=broad.device)
    return ellipsoids(table[..., :3] * across, table[..., 3:] * across)
