"""The state of an animation between frames, shared by files and live mode."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from deepfake_core.motion import (
    Keypoints,
    RelativeMotion,
    Transfer,
    frame_at,
    scale_of_movement,
    smooth_batch,
    transfer_motion,
)
from deepfake_core.pipelines.motion_model import MotionModel, Portrait


@dataclass(kw_only=True, slots=True)
class MotionSession:
    """Animates one portrait with consecutive driving frames, in batches of any size."""

    animator: MotionModel
    portrait: Portrait
    transfer: Transfer = field(default_factory=RelativeMotion)
    smoothing: float = 0.0
    """How much the keypoints are smoothed over time, from 0 (not at all) to 1."""
    initial: Keypoints | None = None
    """The driver's keypoints from which motion is measured; None means those of the first frame."""
    _previous: Keypoints | None = None
    _scale: float | None = None

    def step(self, frames: Sequence[UInt8[np.ndarray, "s s 3"]]) -> list[UInt8[np.ndarray, "s s 3"]]:
        """Animate the portrait with the next driving frames, which have the network's size."""
        keypoints = smooth_batch(self._previous, self.animator.keypoints(frames), self.smoothing)
        self._previous = frame_at(keypoints, -1)
        if self.initial is None:
            self.initial = frame_at(keypoints, 0)
        if self._scale is None:
            self._scale = scale_of_movement(self.portrait.keypoints, self.initial)
        here = self.portrait.keypoints
        moved = transfer_motion(here, keypoints, self.initial, self.transfer, self._scale)
        return self.animator.render(self.portrait, moved)
