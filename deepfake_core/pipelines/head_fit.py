"""The pose and expression of a driver: the controls of the drawn head whose landmarks move as its keypoints do.

With them, a driver's motion can be taken apart: only its mouth, or only the pose of its head. Not in the paper.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints, scale_of_movement
from deepfake_core.pipelines.controls import LIMITS, REST, Region
from deepfake_core.pipelines.drawn_driver import landmarks_of, values_of
from deepfake_core.pipelines.motion_model import MotionModel

MOUTH = ("mouth_open", "smile")
UNIT = {"yaw": 10.0, "pitch": 10.0, "roll": 10.0, "scale": 0.1, "shift_x": 0.05, "shift_y": 0.05}
"""A middling change of each control; 0.5 for the others. Steps are solved in these units, so that none dominates."""
DIFFERENCE = 0.1
"""Step of the finite differences, in units."""
RIDGE = 1e-4
"""Weight of the distance to rest, so that what the keypoints do not show stays there."""
STEPS = 3
"""Gauss-Newton steps for each frame, from the controls of the one before."""


class HeadFit:
    """Follows one driver from its initial frame, which counts as the head at rest."""

    def __init__(self, animator: MotionModel, initial: Keypoints) -> None:
        """`initial` holds one frame. The keypoints of `animator` have to follow landmarks: see `drawn_driver`."""
        self.animator = animator
        self.rest = values_of((REST,))[0]
        self.unit = torch.tensor([UNIT.get(name, 0.5) for name in LIMITS])
        self.least, self.most = (torch.tensor(column) for column in zip(*LIMITS.values(), strict=True))
        self.at_rest = landmarks_of(animator, self.rest[None])
        self.initial = initial.position.float().cpu()
        self.scale = scale_of_movement(self.at_rest, Keypoints(self.initial))
        self.last = self.rest

    def follow(self, driving: Keypoints) -> Float[Tensor, "b 8"]:
        """The controls of each frame, in the order and within the limits of `LIMITS`."""
        wanted = self.at_rest.position + self.scale * (driving.position.float().cpu() - self.initial)
        return torch.stack([self._next(frame) for frame in wanted])

    def _next(self, wanted: Float[Tensor, "k 2"]) -> Float[Tensor, "8"]:
        """Gauss-Newton: the controls that minimise the squared distance of the landmarks to the wanted places."""
        nudges = torch.cat((torch.zeros(1, len(self.unit)), torch.diag(DIFFERENCE * self.unit)))
        for _ in range(STEPS):
            here, *nudged = landmarks_of(self.animator, self.last + nudges).position.flatten(1)
            slopes = (torch.stack(nudged, dim=1) - here[:, None]) / DIFFERENCE  # 2k 8
            pull = slopes.mT @ (wanted.flatten() - here) - RIDGE * (self.last - self.rest) / self.unit
            step = torch.linalg.solve(slopes.mT @ slopes + RIDGE * torch.eye(len(pull)), pull)
            self.last = (self.last + step * self.unit).clamp(self.least, self.most)
        return self.last


def only(region: Region, values: Float[Tensor, "b 8"]) -> Float[Tensor, "b 8"]:
    """The controls with all but a region at rest."""
    moves = torch.tensor([region == "all" or (name in MOUTH) == (region == "mouth") for name in LIMITS])
    return values.where(moves, values_of((REST,)))
