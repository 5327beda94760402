"""What every face detector is: a function from a picture to the squares around its faces."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

from deepfake_core.faces.box import Box

Detector = Callable[[UInt8[np.ndarray, "h w 3"]], list[Box]]
"""Returns one square from brows to chin and jaw to jaw for each face, the largest first, in picture pixels; an empty
list without any. Raises `DetectorUnavailable` where it cannot run."""


class DetectorUnavailable(Exception):
    """This machine lacks something that a detector needs; `str(error)` is the reason, a clause without a full stop."""
