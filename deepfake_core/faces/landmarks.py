"""Measure a face by face-alignment's 68 landmarks (Bulat and Tzimiropoulos, ICCV 2017), if its weights are installed.

The package downloads its weights from its author's site on first use. Here it is used only if they are on disk already,
so that nothing is downloaded without the user's knowledge. Its own face detector is not needed.
"""

import logging
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from jaxtyping import Float, UInt8

from deepfake_core.faces.box import Box
from deepfake_core.faces.resample import fit

log = logging.getLogger(__name__)

LANDMARKS_FILE = "2DFAN4-11f355bf06.pth.tar"
LANDMARKS_NAME = "2DFAN-4"

LONGEST = 640
"""Pixels: pictures with a longer side are downscaled to it, for speed."""

RECTANGLE_SIDE = 1.1
"""Side of the rectangle that the package expects, as a share of the square around brows, jaw and chin: it starts at
mid-forehead."""


def measure(image: UInt8[np.ndarray, "h w 3"], face: Box) -> Box | None:
    """Return the square around brows, jaw and chin of the face at `face` by its landmarks; None without the weights."""
    aligner = _aligner(Path(torch.hub.get_dir()) / "checkpoints")
    if aligner is None:
        return None
    small, ratio = fit(image, LONGEST) if max(image.shape[:2]) > LONGEST else (image, 1.0)
    side = RECTANGLE_SIDE * face.side
    left, bottom = face.centre[0] - side / 2, face.top + face.side
    rectangle = np.array((left, bottom - side, left + side, bottom)) / ratio
    return _around(aligner.get_landmarks_from_image(small.copy(), detected_faces=[rectangle])[0] * ratio)


def _around(points: Float[np.ndarray, "n 2"]) -> Box:
    """Return the square around the points' bounding rectangle."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1.0)
    x, y = (float(value) for value in (low + high) / 2)
    return Box(left=x - side / 2, top=y - side / 2, side=side)


@cache
def _aligner(folder: Path) -> Any:  # face-alignment has no types
    """Load the network from `folder` on the CPU; None if it cannot be.

    The first picture takes some seconds longer, because numba compiles face-alignment's heatmap decoding.
    """
    if not (folder / LANDMARKS_FILE).is_file():
        return None
    try:
        import face_alignment
        from face_alignment.api import models_urls
    except (ImportError, OSError) as error:  # OSError: a shared library of OpenCV cannot be loaded
        log.warning("face-alignment cannot be imported (%s)", error)
        return None
    wanted = Path(urlparse(models_urls[LANDMARKS_NAME]).path).name
    if wanted != LANDMARKS_FILE:
        log.warning("this version of face-alignment needs other weights (%s)", wanted)
        return None
    return face_alignment.FaceAlignment(
        face_alignment.LandmarksType.TWO_D,
        device="cpu",
        flip_input=False,
        face_detector="folder",  # holds no network: faces are found here
        compile=False,
    )
