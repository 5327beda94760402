"""A drawn head as driver: its landmarks in a pose, and the keypoints that a network detects in its picture."""

import math
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints
from deepfake_core.pipelines.controls import LIMITS, REST, Controls
from deepfake_core.pipelines.motion_model import MotionModel
from deepfake_core.pixels import from_batch, from_unit
from deepfake_core.synthetic.heads import (
    KEYPOINT_LANDMARKS,
    LANDMARKS,
    HeadIdentity,
    HeadState,
    draw,
    neutral_state,
    sample_identity,
)
from deepfake_core.synthetic.heads.scene import build_scene
from deepfake_core.synthetic.heads.truth import truth

SMILES = 2.0
"""Smile of the drawn head for a control of 1; that of the drawings hardly shows on a portrait."""
DEGREE = math.pi / 180
FACTORS = {"yaw": DEGREE, "pitch": DEGREE, "roll": DEGREE, "shift_x": 2.0, "shift_y": 2.0, "smile": SMILES}
"""From the units of the controls to those of `HeadState`."""
HEAD = 17
"""Seed of the drawn head, which has a plain face."""
NEAR = 0.05
"""Mean distance from keypoints to landmarks up to which they are the same, in units of half the picture."""
_following: WeakKeyDictionary[MotionModel, bool] = WeakKeyDictionary()
"""The answers of `follows_landmarks`."""


def names(animator: MotionModel) -> tuple[str, ...]:
    """The landmark of each keypoint, for a model that `follows_landmarks`."""
    return KEYPOINT_LANDMARKS[: animator.network.config.keypoints]


def follows_landmarks(animator: MotionModel) -> bool:
    """Whether the keypoints are the landmarks of drawn heads, in the order of `KEYPOINT_LANDMARKS`: on the head at rest
    they lie within `NEAR` of them. Computed once for each model.
    """
    config = animator.network.config
    if not config.jacobians or config.keypoints > len(KEYPOINT_LANDMARKS):
        return False
    if animator not in _following:
        here, there = (of(animator, (REST,)).position.cpu() for of in (detected, landmarks))
        _following[animator] = bool((here - there).norm(dim=2).mean() <= NEAR)
    return _following[animator]


def landmarks(animator: MotionModel, poses: Sequence[Controls]) -> Keypoints:
    """The landmarks of the drawn head in each of the poses, from its geometry."""
    return landmarks_of(animator, values_of(poses))


def landmarks_of(animator: MotionModel, values: Float[Tensor, "b 8"]) -> Keypoints:
    """The same for the values of controls, in the order of `LIMITS`."""
    identity, state = _head(len(values)), states(values)
    exact = truth(identity, state, build_scene(identity, state, animator.size))
    chosen = [LANDMARKS.index(name) for name in names(animator)]
    return Keypoints(exact.landmarks[:, chosen], exact.jacobian[:, chosen])


def detected(animator: MotionModel, poses: Sequence[Controls]) -> Keypoints:
    """The keypoints that the network detects in drawings of the head in each of the poses."""
    pictures = draw(_head(len(poses)), states(values_of(poses)), animator.size).image
    return animator.keypoints(from_batch(from_unit(pictures)))


def values_of(poses: Sequence[Controls]) -> Float[Tensor, "b 8"]:
    """The values of controls, in the order of `LIMITS`."""
    return torch.tensor([[float(getattr(pose, name)) for name in LIMITS] for pose in poses])


def states(values: Float[Tensor, "b 8"]) -> HeadState:
    """The states of the drawn head."""
    fields = dict(zip(LIMITS, values.unbind(1), strict=True))
    scaled = {name: FACTORS.get(name, 1.0) * value for name, value in fields.items()}
    return neutral_state(len(values))._replace(**scaled)


def _head(count: int) -> HeadIdentity:
    one = sample_identity(1, torch.Generator().manual_seed(HEAD))
    return one.pick(torch.zeros(count, dtype=torch.long))
