"""The interface of face detectors: a function from a picture to the squares around its faces."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from deepfake_core.faces.box import Box

Detector = Callable[[UInt8[np.ndarray, "h w 3"]], list[Box]]
"""Returns one square (brows to chin, jaw to jaw) per face in pixels, the largest first; an empty list if there is none.
Raises `DetectorUnavailable` if it cannot run."""


class DetectorUnavailable(Exception):
    """A requirement of a detector is missing; `str(error)` is the reason, a clause without a full stop."""
