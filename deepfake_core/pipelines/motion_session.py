"""What the animation of one clip remembers from frame to frame; files and live mode share it."""

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
    """Moves one portrait as frames come, one or several at a time."""

    animator: MotionModel
    portrait: Portrait
    transfer: Transfer = field(default_factory=RelativeMotion)
    smoothing: float = 0.0
    """How much jitter of the keypoints is calmed, 0 (nothing) to 1."""
    initial: Keypoints | None = None
    """The driver's pose from which motion is measured; None takes that of the first frame."""
    _previous: Keypoints | None = None
    _scale: float | None = None

    def step(self, frames: Sequence[UInt8[np.ndarray, "s s 3"]]) -> list[UInt8[np.ndarray, "s s 3"]]:
        """The portrait moved to the poses of the next driving frames, which have the network's size."""
        keypoints = smooth_batch(self._previous, self.animator.keypoints(frames), self.smoothing)
        self._previous = frame_at(keypoints, -1)
        if self.initial is None:
            self.initial = frame_at(keypoints, 0)
        if self._scale is None:
            self._scale = scale_of_movement(self.portrait.keypoints, self.initial)
        here = self.portrait.keypoints
        moved = transfer_motion(here, keypoints, self.initial, self.transfer, self._scale)
        return self.animator.render(self.portrait, moved)
