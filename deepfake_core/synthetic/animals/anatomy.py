"""The solids of an animal: head, ears, mane and chest; and the proportions of its painted face.

Head frame: x to the right of the picture when the head looks straight ahead, y up, z out of the face; one unit is
about half the height of a head without its ears.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.animals.breeds import EARS
from deepfake_core.synthetic.animals.identity import AnimalIdentity
from deepfake_core.synthetic.animals.state import AnimalState
from deepfake_core.synthetic.render.camera import Frames, pencil, pixel_size, place
from deepfake_core.synthetic.render.quadrics import Quadrics, ellipsoids
from deepfake_core.synthetic.render.solids import Solid

EYE_Y, NOSE_Y, MOUTH_Y = 0.10, -0.17, -0.38
POINTED, FLOPPY = EARS.index("pointed"), EARS.index("floppy")  # the latter and those after it hang
BLENDS = (0.12, 0.10, 0.025, 0.06)  # of chest, mane, ears and head

# Ears on the right, in the order of EARS. A row of _EAR_ROWS is an ellipsoid, from the root to the tip: centre from the
# root, radii, tilts (see `ellipsoids`).
_EAR_ROOT = ((0.44, 0.50, -0.10), (0.53, 0.47, -0.12), (0.53, 0.50, -0.08), (0.46, 0.50, -0.08))
_EAR_ROWS = (
    ((0.02, 0.12, 0.00, 0.265, 0.26, 0.10, -0.35, -0.1), (0.07, 0.31, 0.00, 0.185, 0.24, 0.08, -0.35, -0.1),
     (0.13, 0.49, 0.01, 0.085, 0.19, 0.055, -0.35, -0.1)),
    ((0.02, 0.10, 0.00, 0.23, 0.22, 0.10, -0.5, -0.1), (0.06, 0.17, 0.00, 0.215, 0.20, 0.085, -0.5, -0.1),
     (0.09, 0.22, 0.00, 0.18, 0.17, 0.07, -0.5, -0.1)),
    ((0.05, 0.05, 0.02, 0.20, 0.16, 0.17, -0.6, 0.0), (0.18, -0.20, 0.08, 0.16, 0.31, 0.15, 0.28, 0.0),
     (0.22, -0.48, 0.12, 0.17, 0.27, 0.11, 0.05, 0.0)),
    ((0.02, 0.10, 0.00, 0.23, 0.22, 0.12, -0.6, -0.1), (0.13, 0.20, 0.05, 0.19, 0.13, 0.14, -0.7, -0.1),
     (0.25, -0.02, 0.16, 0.15, 0.25, 0.08, 0.45, 0.25)),
)  # fmt: skip
_EAR_TIP = ((0.185, 0.66, 0.01), (0.12, 0.39, 0.0), (0.23, -0.74, 0.15), (0.30, -0.26, 0.22))  # from the root


class Proportions(NamedTuple):
    """Sizes in head units."""

    eye_x: Float[Tensor, "b 1"]
    eye_width: Float[Tensor, "b 1"]  # half
    eye_height: Float[Tensor, "b 1"]  # half
    nose: Float[Tensor, "b 1"]  # half width
    mouth_width: Float[Tensor, "b 1"]  # half
    gap: Float[Tensor, "b 1"]  # by which the mouth stands open
    ear_root: Float[Tensor, "b 3"]  # of the right ear
    ear_axis: Float[Tensor, "b 3"]  # from root to tip


class AnimalScene(NamedTuple):
    """The solids of b animals, usually from the farthest to the nearest: chest, mane, ears, head."""

    solids: tuple[Solid, Solid, Solid, Solid]
    sizes: Proportions
    frames: Frames
    whiskers: Float[Tensor, "b 2 3 w 3"]  # head frame, see `whisker_curves`
    pixel: Float[Tensor, "b 1"]  # head units

    def pick(self, index: slice) -> "AnimalScene":
        """The scenes at the given indices of the batch."""
        chest, mane, ears, head = (solid.pick(index) for solid in self.solids)
        sizes = Proportions(*(size[index] for size in self.sizes))
        frames = Frames(*(frame.pick(index) for frame in self.frames))
        return AnimalScene((chest, mane, ears, head), sizes, frames, self.whiskers[index], self.pixel[index])


def build_scene(identity: AnimalIdentity, state: AnimalState, size: int) -> AnimalScene:
    frames = place(state.head)
    body_rays, head_rays = pencil(frames.body), pencil(frames.head)
    solids = (
        Solid(chest_solid(identity), frames.body, body_rays, BLENDS[0]),
        Solid(mane_solid(identity), frames.head, head_rays, BLENDS[1]),
        Solid(ear_solid(identity), frames.head, head_rays, BLENDS[2]),
        Solid(head_solid(identity, state), frames.head, head_rays, BLENDS[3]),
    )
    sizes = proportions(identity, state)
    return AnimalScene(solids, sizes, frames, whisker_curves(identity, sizes), pixel_size(frames.head, size))


def proportions(identity: AnimalIdentity, state: AnimalState) -> Proportions:
    return Proportions(
        eye_x=(0.300 * identity.eye_spacing * identity.face_width)[:, None],
        eye_width=(0.160 * identity.eye_size)[:, None],
        eye_height=(0.140 * identity.eye_size)[:, None],
        nose=(0.118 * identity.nose_size)[:, None],
        mouth_width=(0.255 * identity.muzzle_width * (1 + 0.08 * identity.muzzle_length))[:, None],
        gap=((0.13 + 0.05 * identity.muzzle_length) * state.mouth_open)[:, None],
        ear_root=_ear_root(identity),
        ear_axis=identity.base.new_tensor(_EAR_TIP)[identity.ear] * identity.ear_size[:, None],
    )


def _ear_root(identity: AnimalIdentity) -> Float[Tensor, "b 3"]:
    """The position of the right ear, which depends on the width of the face."""
    root = identity.base.new_tensor(_EAR_ROOT)[identity.ear]
    return torch.cat((root[:, :1] * identity.face_width[:, None], root[:, 1:]), 1)


def nose_depth(identity: AnimalIdentity) -> Float[Tensor, "b"]:
    """How far in front of the head's middle the nose stands."""
    return 0.69 + 0.42 * identity.muzzle_length


def head_solid(identity: AnimalIdentity, state: AnimalState) -> Quadrics:
    """Skull, face, muzzle with whisker pads and nose, jaw, cheeks and eyeballs; the jaw is lowered with the mouth."""
    i, sizes = identity, proportions(identity, state)
    zero = torch.zeros_like(i.face_width)
    one, wide, broad, long = zero + 1, i.face_width, i.muzzle_width, i.muzzle_length
    drop, nose, eye = sizes.gap[:, 0], sizes.nose[:, 0], sizes.eye_width[:, 0]
    bridge = 0.13 + 0.07 * (broad - 1) + 0.02 * long
    # one row an ellipsoid: centre, radii; those with x > 0 that are mirrored come last
    single = (
        (zero, 0.12 * one, -0.12 * one, 0.74 * wide, 0.62 * one, 0.66 * one),  # skull
        (zero, -0.12 * one, 0.10 * one, 0.62 * wide, 0.52 * one, 0.54 * one),  # face
        (zero, 0.05 * one, 0.44 + 0.05 * long, bridge, 0.33 * one, 0.22 + 0.12 * long),  # bridge of the nose
        (zero, -0.24 * one, 0.42 + 0.20 * long, 0.24 * broad, 0.20 * one, 0.31 + 0.24 * long),  # muzzle
        (zero, NOSE_Y * one, nose_depth(i), 0.85 * nose, 0.60 * nose, 0.075 * one),  # nose
        (zero, -0.47 - 0.9 * drop, 0.38 + 0.26 * long, 0.20 * broad, 0.15 * one, 0.24 + 0.16 * long),  # jaw
    )
    mirrored = (
        (0.40 * wide, -0.22 * one, 0.10 * one, 0.37 * wide, 0.34 * one, 0.38 * one),  # cheek
        (0.115 * broad, -0.30 * one, 0.52 + 0.36 * long, 0.165 * broad, 0.135 * one, 0.18 * one),  # whisker pad
        (sizes.eye_x[:, 0], EYE_Y * one, 0.40 * one, 1.15 * eye, 1.05 * eye, 0.185 * one),  # eyeball and lids
    )
    other = tuple((-row[0], *row[1:]) for row in mirrored)
    table = torch.stack([torch.stack(row, 1) for row in single + mirrored + other], 1)  # (b, k, 6)
    return ellipsoids(table[..., :3], table[..., 3:])


def ear_solid(identity: AnimalIdentity) -> Quadrics:
    """Both ears: three ellipsoids on the right, then their mirror images."""
    rows = identity.base.new_tensor(_EAR_ROWS)[identity.ear]  # (b, 3, 8)
    size = identity.ear_size[:, None, None]
    centre, radii, tilt = _ear_root(identity)[:, None] + rows[..., :3] * size, rows[..., 3:6] * size, rows[..., 6:]
    mirror, back = centre.new_tensor((-1.0, 1.0, 1.0)), tilt.new_tensor((-1.0, 1.0))
    both, tilts = torch.cat((centre, centre * mirror), 1), torch.cat((tilt, tilt * back), 1)
    return ellipsoids(both, radii.repeat(1, 2, 1), tilts)


def mane_solid(identity: AnimalIdentity) -> Quadrics:
    """A ring of hair behind the face; without a mane it is hidden inside the head."""
    rows = identity.base.new_tensor((
        (0.0, 0.18, -0.42, 1.02, 0.98, 0.40), (0.0, -0.50, -0.32, 0.88, 0.80, 0.40),
        (0.0, 0.62, -0.20, 0.55, 0.50, 0.30), (0.0, -0.95, -0.10, 0.45, 0.45, 0.30),
    ))  # fmt: skip
    table = rows * (0.25 + 0.75 * identity.mane[:, None, None])
    return ellipsoids(table[..., :3], table[..., 3:])


def chest_solid(identity: AnimalIdentity) -> Quadrics:
    """Neck, chest and shoulders, in the body's frame: its origin is the base of the neck."""
    rows = identity.base.new_tensor((
        (0.0, 0.22, 0.02, 0.52, 0.72, 0.44), (0.0, -0.50, 0.06, 0.66, 0.72, 0.48),
        (0.48, -0.72, -0.08, 0.42, 0.55, 0.40), (-0.48, -0.72, -0.08, 0.42, 0.55, 0.40),
    ))  # fmt: skip
    thick = 0.90 + 0.10 * identity.fluff + 0.12 * (identity.muzzle_width - 1)
    across = torch.stack((thick, torch.ones_like(thick), thick), 1)[:, None]
    return ellipsoids(rows[..., :3] * across, rows[..., 3:] * across)


def whisker_curves(identity: AnimalIdentity, sizes: Proportions) -> Float[Tensor, "b 2 3 w 3"]:
    """Whiskers of the left and the right in the head frame: (b, side, xyz, whisker, root or middle or tip)."""
    root_x, long = 0.62 * sizes.mouth_width[:, 0], identity.muzzle_length
    z = 0.65 + 0.34 * long
    reach = 0.66 + 0.08 * identity.fluff
    rows = []
    for i, (height, slope) in enumerate(((-0.24, 0.16), (-0.28, 0.04), (-0.32, -0.09), (-0.35, -0.22))):
        x, level = root_x * (1 + 0.06 * (i % 2)), torch.full_like(z, height)
        middle_y, tip_y = level + 0.55 * slope + 0.05, level + slope - 0.03
        rows += [x, level, z, x + 0.55 * reach, middle_y, z - 0.03, x + reach, tip_y, z - 0.20]
    right = torch.stack(rows, 1).unflatten(1, (-1, 3, 3)).movedim(3, 1)  # (b, xyz, whisker, which)
    left = right * right.new_tensor((-1.0, 1.0, 1.0))[:, None, None]
    return torch.stack((left, right), 1)
