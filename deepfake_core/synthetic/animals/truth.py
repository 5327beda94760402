"""Landmarks of drawn animals: position in the image, and visibility."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.synthetic.animals.anatomy import BLENDS, EYE_Y, MOUTH_Y, NOSE_Y, AnimalScene
from deepfake_core.synthetic.animals.identity import AnimalIdentity
from deepfake_core.synthetic.animals.state import AnimalState
from deepfake_core.synthetic.render.camera import project
from deepfake_core.synthetic.render.quadrics import settle
from deepfake_core.synthetic.render.solids import see

LANDMARKS = (
    "left eye", "right eye", "nose", "mouth", "left mouth corner", "right mouth corner", "chin", "forehead",
    "left ear tip", "right ear tip",
)  # fmt: skip
HEAD = 3  # place of the head among the solids
_IN_FRONT = 1.6  # z from which landmarks settle on the face


class AnimalTruth(NamedTuple):
    landmarks: Float[Tensor, "b n 2"]  # in the order of LANDMARKS
    visible: Bool[Tensor, "b n"]


def truth(identity: AnimalIdentity, state: AnimalState, scene: AnimalScene) -> AnimalTruth:
    """All landmarks; those of the face are on its surface, and visible if no part of the animal occludes them."""
    world = scene.frames.head.to_world(landmark_points(identity, state, scene))
    landmarks, depth = project(world)
    surfaces = []
    for i, solid in enumerate(scene.solids):
        seen = see(solid, landmarks, scene.pixel, steps=4)
        there = (seen.alpha >= 0.5) if i != 1 else (seen.alpha >= 0.5) & (identity.mane > 0)[:, None]
        surfaces.append(seen.hit.tau.masked_fill(~there, torch.inf))
    inside = (landmarks.abs() <= 1).all(-1)
    return AnimalTruth(landmarks, (depth < torch.stack(surfaces).amin(0) + 0.06) & inside)


def landmark_points(identity: AnimalIdentity, state: AnimalState, scene: AnimalScene) -> Float[Tensor, "b 3 n"]:
    """All landmarks in the head frame."""
    sizes, one = scene.sizes, torch.ones_like(scene.sizes.eye_x)
    eye, corner, low = sizes.eye_x, 0.9 * sizes.mouth_width, MOUTH_Y * one
    u = torch.cat((-eye, eye, 0 * one, 0 * one, -corner, corner, 0 * one, 0 * one), 1)
    v = torch.cat((EYE_Y * one, EYE_Y * one, NOSE_Y * one, low, low, low, low - 0.17 - sizes.gap, 0.42 * one), 1)
    face = settle(scene.solids[HEAD].shape, torch.stack((u, v, torch.full_like(u, _IN_FRONT)), 1), BLENDS[HEAD], 12)
    tip = sizes.ear_root + sizes.ear_axis
    tips = torch.stack((tip * tip.new_tensor((-1.0, 1.0, 1.0)), tip), 2)
    return torch.cat((face, tips), 2)
