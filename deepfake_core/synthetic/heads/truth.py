"""Landmarks of drawn heads: position in the image, visibility, and Jacobian."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.synthetic.heads.anatomy import BROW_Y, EYE_Y, HEAD_BLEND, NOSE_Y, proportions
from deepfake_core.synthetic.heads.expression import MOUTH_Y, displaced, shifts
from deepfake_core.synthetic.heads.identity import HeadIdentity
from deepfake_core.synthetic.heads.scene import Scene
from deepfake_core.synthetic.render.camera import project, project_jacobian
from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.quadrics import settle
from deepfake_core.synthetic.render.solids import Solid, see

LANDMARKS = (
    "left eye", "right eye", "left brow", "right brow", "nose tip", "left mouth corner", "right mouth corner",
    "upper lip", "lower lip", "chin", "left cheek", "right cheek", "forehead",
    "left ear", "right ear", "crown", "neck base",
)  # fmt: skip
KEYPOINT_LANDMARKS = (
    "left eye", "right eye", "nose tip", "left mouth corner", "right mouth corner", "lower lip", "chin", "crown",
    "neck base", "forehead", "left ear", "right ear", "upper lip", "left brow", "right brow",
)  # fmt: skip
"""The landmarks that supervise the starters' keypoints, most important first."""
CROWN, NECK_BASE = (0.0, 1.0, -0.12), (0.0, -0.42, 0.31)  # head frame, neck frame


class Truth(NamedTuple):
    landmarks: Float[Tensor, "b n 2"]
    visible: Bool[Tensor, "b n"]
    jacobian: Float[Tensor, "b n 2 2"]


def face_landmarks(identity: HeadIdentity, state: HeadState, scene: Scene) -> Float[Tensor, "b 3 n"]:
    """Head-frame points of the landmarks on the face."""
    sizes, one = proportions(identity), torch.ones_like(identity.male)[:, None]
    tip, chin = NOSE_Y * identity.nose_length[:, None], -0.41 - 0.47 * identity.chin_length[:, None]
    right = torch.cat((sizes.eye_x, sizes.eye_x, sizes.mouth_width, 0.40 * one), 1)
    u = torch.cat((-right[:, :1], right[:, :1], -right[:, 1:2], right[:, 1:2], 0 * one, -right[:, 2:3], right[:, 2:3],
                   0 * one, 0 * one, 0 * one, -right[:, 3:], right[:, 3:], 0 * one), 1)  # fmt: skip
    brow, mouth = (BROW_Y + 0.02) * one, MOUTH_Y * one
    v = torch.cat((EYE_Y * one, EYE_Y * one, brow, brow, tip, mouth, mouth, mouth + 0.5 * sizes.lip,
                   mouth - 0.6 * sizes.lip, chin, -0.20 * one, -0.20 * one, 0.58 * one), 1)  # fmt: skip
    shown = displaced(v, shifts(state, sizes.mouth_width, u))
    start = torch.stack((u, shown, torch.full_like(u, 0.95)), 1)
    return settle(scene.solids.head.shape, start, HEAD_BLEND, 8)


def landmark_points(identity: HeadIdentity, scene: Scene, state: HeadState) -> Float[Tensor, "b 3 n"]:
    """All landmarks in the world, in the order of LANDMARKS."""
    one = torch.ones_like(identity.male)
    ear = torch.stack((0.70 * identity.face_width + 0.075 * identity.ear_size, -0.03 * one, -0.06 * one), 1)
    other_ear = ear * ear.new_tensor((-1.0, 1.0, 1.0))
    crown, base = (one[:, None] * one.new_tensor(point) for point in (CROWN, NECK_BASE))
    on_head = torch.cat((face_landmarks(identity, state, scene), torch.stack((other_ear, ear, crown), 2)), 2)
    return torch.cat((scene.frames.head.to_world(on_head), scene.frames.neck.to_world(base[..., None])), 2)


def truth(identity: HeadIdentity, state: HeadState, scene: Scene) -> Truth:
    """All landmarks in the order of LANDMARKS."""
    world, head = landmark_points(identity, scene, state), scene.frames.head
    landmarks, depth = project(world)
    local = head.rotation.mT @ (world - head.offset[..., None]) / head.scale[:, None, None]
    nearest = torch.stack([_surface(scene, solid, landmarks) for solid in scene.solids]).amin(0)
    inside = (landmarks.abs() <= 1).all(-1)
    return Truth(landmarks, (depth < nearest + 0.06) & inside, project_jacobian(head, local))


def _surface(scene: Scene, solid: Solid, points: Float[Tensor, "b n 2"]) -> Float[Tensor, "b n"]:
    """Depth of a solid at image points; infinite outside it."""
    seen = see(solid, points, scene.pixel, steps=4)
    return seen.hit.tau.masked_fill(seen.alpha < 0.5, torch.inf)
