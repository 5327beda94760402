"""What a face detector finds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from deepfake_core.faces.box import Box

SURE = 0.5
"""Score below which a find is doubtful, and is said to be."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundFace:
    """A face in a picture; places in pixels, x right, y down."""

    box: Box
    """The square around brows, jaw and chin."""
    points: Float[np.ndarray, "5 2"]
    """Left and right eye, nose tip, left and right corner of the mouth; left and right as seen in an upright face."""
    score: float
    """How sure the detector is, in [0, 1]."""

    @property
    def doubtful(self) -> bool:
        """Whether it may be something else."""
        return self.score < SURE
