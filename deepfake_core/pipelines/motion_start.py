"""What each frame of a driving clip does to the portrait, where nothing has to be looked for."""

import math
from fractions import Fraction
from typing import Literal

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Box, Crop, FaceCrop, find_crop
from deepfake_core.media.images import Image

Motion = Literal["start", "move", "hold"]
"""What a driving frame does: motion is measured from it, it moves the portrait, or the last pose is kept."""


class FixedStart:
    """Starts the motion of a clip at a given moment, for weights of other things than faces: nothing is looked for."""

    crop: FaceCrop | None
    """The crop at the first start; None before."""
    box: Box
    """The crop of the last frame."""
    reference: Image | None = None
    """At a start: the frame from which motion is measured instead of the last one; it may be darker."""

    def __init__(
        self, crop: Crop, rate: Fraction, name: str, *, start: float | int = 0.0, deadline: Deadline = NEVER
    ) -> None:
        """`name` of the clip, for errors. Motion starts `start` seconds into the clip or later.

        Raises `BadRequest` for a negative start.
        """
        if not 0 <= start < math.inf:
            raise BadRequest(f"start must be at least 0 seconds, got {start}")
        self.crop = None
        self._wanted, self._name, self._deadline = crop, name, deadline
        self._rate, self._first = rate, round(start * rate)
        self._index = -1

    def see(self, frame: Image) -> Motion:
        """What the next frame does."""
        self._index += 1
        if self.crop is None:
            self.crop = find_crop(frame, self._wanted, name=self._name)
            self.box = self.crop.box
        return "hold" if self._index < self._first else "start" if self._index == self._first else "move"

    def end(self) -> None:
        """Check at the end of the clip that its motion has started. Raises `BadRequest`."""
        if self._index < self._first:
            end, start = self._at(self._index + 1), self._at(self._first)
            raise BadRequest(f"the start must be before the end of {self._name} at {end}, got {start}")

    def notes(self) -> list[str]:
        """What happened when, one sentence each."""
        return self._start_note(self._first)

    def _start_note(self, start: int) -> list[str]:
        return [f"Motion starts at {self._at(start)}; before that the portrait is still."] if start else []

    def _at(self, index: int) -> str:
        return f"{float(index / self._rate):.1f} s"
