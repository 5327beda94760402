"""The preferred detector: face-alignment's 68 landmarks (Bulat and Tzimiropoulos, ICCV 2017).

The package downloads its weights from its author's site on first use. Here it is used only if they are on disk already,
so that nothing is downloaded without the user's knowledge.
"""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import torch
from jaxtyping import Float, UInt8

from deepfake_core.faces.box import Box
from deepfake_core.faces.detector import DetectorUnavailable
from deepfake_core.faces.resample import fit

DETECTOR_FILE = "s3fd-619a316812.pth"
LANDMARKS_FILE = "2DFAN4-11f355bf06.pth.tar"
LANDMARKS_NAME = "2DFAN-4"

LONGEST = 320
"""Pixels: pictures with a longer side are downscaled to it for detection, for speed."""


def find_faces(image: UInt8[np.ndarray, "h w 3"]) -> list[Box]:
    """Return the squares around the faces of a picture: a `Detector`.

    The square of the largest face is computed from its landmarks; the others keep the detector's rectangles.
    """
    aligner = _aligner(Path(torch.hub.get_dir()) / "checkpoints")
    small, ratio = fit(image, LONGEST) if max(image.shape[:2]) > LONGEST else (image, 1.0)
    rectangles = [np.asarray(found)[:4] for found in aligner.face_detector.detect_from_image(small.copy())]
    if not rectangles:
        return []
    rectangles.sort(key=lambda rectangle: -float((rectangle[2:] - rectangle[:2]).max()))
    landmarks = aligner.get_landmarks_from_image(small, detected_faces=rectangles[:1])
    corners = [rectangle.reshape(2, 2) for rectangle in rectangles[1:]]
    return [_around(points * ratio) for points in (*landmarks, *corners)]


def _around(points: Float[np.ndarray, "n 2"]) -> Box:
    """Return the square around the points' bounding rectangle."""
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1.0)
    x, y = (float(value) for value in (low + high) / 2)
    return Box(left=x - side / 2, top=y - side / 2, side=side)


@cache
def _aligner(folder: Path) -> Any:  # face-alignment has no types
    """Load both networks from `folder` on the CPU: they process one picture per upload, not every frame.

    The first picture takes some seconds longer, because numba compiles face-alignment's heatmap decoding.
    """
    if not all((folder / name).is_file() for name in (DETECTOR_FILE, LANDMARKS_FILE)):
        raise DetectorUnavailable("face-alignment's weights are not installed")
    try:
        import face_alignment
        from face_alignment.api import models_urls
    except (ImportError, OSError) as error:  # OSError: a shared library of OpenCV cannot be loaded
        raise DetectorUnavailable(f"face-alignment cannot be imported ({error})") from error
    wanted = Path(urlparse(models_urls[LANDMARKS_NAME]).path).name
    if wanted != LANDMARKS_FILE:
        raise DetectorUnavailable(f"this version of face-alignment needs other weights ({wanted})")
    return face_alignment.FaceAlignment(
        face_alignment.LandmarksType.TWO_D,
        device="cpu",
        flip_input=False,
        face_detector="sfd",
        face_detector_kwargs={"path_to_detector": str(folder / DETECTOR_FILE)},
        compile=False,
    )
