"""The state of an animation between frames, shared by files and live mode."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import UInt8

from deepfake_core.errors import BadRequest
from deepfake_core.motion import (
    Keypoints,
    RelativeMotion,
    Transfer,
    apply,
    frame_at,
    joined,
    rows_of,
    scale_of_movement,
    smooth_batch,
    transfer_motion,
)
from deepfake_core.pipelines.controls import Region
from deepfake_core.pipelines.drawn_driver import follows_landmarks, landmarks_of
from deepfake_core.pipelines.head_fit import HeadFit, only
from deepfake_core.pipelines.motion_model import MotionModel, Portrait
from deepfake_core.pipelines.motion_start import Motion


@dataclass(kw_only=True, slots=True)
class MotionSession:
    """Animates one portrait with consecutive driving frames, in batches of any size."""

    animator: MotionModel
    portrait: Portrait
    transfer: Transfer = field(default_factory=RelativeMotion)
    smoothing: float = 0.0
    """How much the keypoints are smoothed over time, from 0 (not at all) to 1."""
    region: Region = "all"
    """What moves; anything but "all" needs relative motion, and keypoints that are landmarks."""
    starts: Iterator[Keypoints] = field(default_factory=lambda: iter(()))
    """The driver's keypoints from which motion is measured, one for each start; without: those of its own frame."""
    _initial: Keypoints | None = None
    _previous: Keypoints | None = None
    _scale: float = 1.0
    _fit: HeadFit | None = None
    _shown: UInt8[np.ndarray, "s s 3"] | None = None

    def __post_init__(self) -> None:
        """Raise `BadRequest` for a region that cannot be told apart."""
        if self.region == "all":
            return
        if not isinstance(self.transfer, RelativeMotion):
            raise BadRequest("only a region can move with relative motion alone; choose transfer 'relative'")
        if not follows_landmarks(self.animator):
            raise BadRequest(
                f"the keypoints of {self.animator.name} have no names, so no region of the face can be told apart; "
                "choose fomm-starter, or the region 'all'"
            )

    def step(
        self,
        frames: Sequence[UInt8[np.ndarray, "s s 3"]],
        motions: Sequence[Motion] = (),
        references: Sequence[UInt8[np.ndarray, "s s 3"] | None] = (),
    ) -> list[UInt8[np.ndarray, "s s 3"]]:
        """Animate the portrait with the next driving frames, which have the network's size.

        `motions` says what each of them does; without it all of them move the portrait. The first frame that moves it
        is a start in any case. `references`: pictures from which motion is measured instead of the frames that start.
        """
        motions, references = motions or ["move"] * len(frames), references or [None] * len(frames)
        moving = [row for row, motion in enumerate(motions) if motion != "hold"]
        if not moving:
            return self.follow(None, motions)
        keypoints = self.animator.keypoints([frames[row] for row in moving])
        initial = {
            place: self.animator.keypoints([reference])
            for place, row in enumerate(moving)
            if motions[row] == "start" and (reference := references[row]) is not None
        }
        return self.follow(keypoints, motions, initial)

    def follow(
        self, keypoints: Keypoints | None, motions: Sequence[Motion], initial: Mapping[int, Keypoints] | None = None
    ) -> list[UInt8[np.ndarray, "s s 3"]]:
        """Animate the portrait by the driver's keypoints, of which there is a row for each frame that does not hold.

        `initial`: row of a start -> the keypoints from which motion is measured, instead of its own.
        """
        if keypoints is None:
            return [self._hold() for _ in motions]
        moving = [motion for motion in motions if motion != "hold"]
        starts = [row for row, motion in enumerate(moving) if motion == "start"]
        made = iter(self.animator.render(self.portrait, self._moved(keypoints, starts, initial or {})))
        return [self._hold() if motion == "hold" else self._show(next(made)) for motion in motions]

    def _moved(self, keypoints: Keypoints, starts: Sequence[int], initial: Mapping[int, Keypoints]) -> Keypoints:
        """The portrait's keypoints for those of the driver."""
        parts = []
        for first, last in pairwise((*sorted({0, *starts}), len(keypoints.position))):
            if first in starts or self._initial is None:
                self._begin(initial.get(first, frame_at(keypoints, first)))
            assert self._initial is not None
            there = smooth_batch(self._previous, rows_of(keypoints, first, last), self.smoothing)
            self._previous = frame_at(there, -1)
            parts.append(self._transferred(there))
        return joined(parts)

    def _transferred(self, there: Keypoints) -> Keypoints:
        """The portrait's keypoints for a driver's, or for those of a drawn head that moves as a region of it does."""
        here = self.portrait.keypoints
        assert self._initial is not None
        if self._fit is None:
            return transfer_motion(here, there, self._initial, self.transfer, self._scale)
        moved = landmarks_of(self.animator, only(self.region, self._fit.follow(there)))
        moved, initial = (apply(lambda part: part.to(here.position), one) for one in (moved, self._fit.at_rest))
        return transfer_motion(here, moved, initial, self.transfer)

    def _begin(self, here: Keypoints) -> None:
        """Start anew at a frame with the keypoints `here`."""
        self._initial, self._previous = next(self.starts, here), None
        self._fit = None if self.region == "all" else HeadFit(self.animator, self._initial)
        self._scale = scale_of_movement(self.portrait.keypoints, self._initial)

    def _show(self, made: UInt8[np.ndarray, "s s 3"]) -> UInt8[np.ndarray, "s s 3"]:
        """Remember a picture for `_hold`."""
        self._shown = made
        return made

    def _hold(self) -> UInt8[np.ndarray, "s s 3"]:
        """The last picture; before any motion, the portrait in its own pose."""
        if self._shown is None:
            (self._shown,) = self.animator.render(self.portrait, self.portrait.keypoints)
        return self._shown
