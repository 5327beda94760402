"""Find the square of a picture to pass to a network."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from deepfake_core.errors import NoFaceFound
from deepfake_core.faces import landmarks, lbp
from deepfake_core.faces.box import Box, centre_square, frame_face
from deepfake_core.faces.crop import Crop, Face, Manual
from deepfake_core.faces.detector import Detector, DetectorUnavailable

Method = Literal["face-alignment", "lbp", "centre", "whole", "manual"]

DETECTORS: tuple[tuple[Method, Detector], ...] = (("face-alignment", landmarks.find_faces), ("lbp", lbp.find_faces))
"""The detectors, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCrop:
    """The square of a picture to pass to a network, and how it was found."""

    box: Box
    method: Method
    """A detector; "centre" if none can run; "whole" if cropping is off; "manual" if drawn by the user."""
    faces: int
    """Number of faces detected; 0 if no detector ran."""
    note: str
    """One sentence for the user that describes the crop."""


def find_crop(image: UInt8[np.ndarray, "h w 3"], crop: Crop = Face(), *, name: str = "the picture") -> FaceCrop:
    """Return the square of a picture given by `crop`; `Uncropped` gives a square too.

    `name` is the name of the picture in errors. Raises `NoFaceFound` when a detector ran and found no face, and
    `BadRequest` for an empty square.
    """
    if isinstance(crop, Manual):
        box = crop.box(height=image.shape[0], width=image.shape[1])
        return FaceCrop(box=box, method="manual", faces=0, note="The crop was drawn by hand.")
    if not isinstance(crop, Face):
        return _whole(image)
    reasons: list[str] = []
    for method, find_faces in DETECTORS:
        try:
            faces = find_faces(image)
        except DetectorUnavailable as reason:
            reasons.append(str(reason))
            continue
        if not faces:
            raise NoFaceFound(
                f"no face found in {name}; use a frontal photo, or switch cropping off to use the whole picture"
            )
        return _around_largest(image, faces, method, reasons)
    box = centre_square(height=image.shape[0], width=image.shape[1])
    note = f"The centre is used because no face detector is available: {'; '.join(reasons)}."
    return FaceCrop(box=box, method="centre", faces=0, note=note)


def _around_largest(
    image: UInt8[np.ndarray, "h w 3"], faces: list[Box], method: Method, reasons: list[str]
) -> FaceCrop:
    """Frame the first face, which is the largest; `reasons` say why better detectors did not run."""
    height, width = image.shape[:2]
    box = frame_face(faces[0], height=height, width=width)
    note = "1 face found" if len(faces) == 1 else f"{len(faces)} faces found; the largest is used"
    if box.side == min(height, width):
        note += "; it fills the picture"
    if reasons:
        note += f" (simpler detector: {', '.join(reasons)})"
    return FaceCrop(box=box, method=method, faces=len(faces), note=f"{note}.")


def _whole(image: UInt8[np.ndarray, "h w 3"]) -> FaceCrop:
    """Use the whole picture, or its centre square if it is not square, so that no face is distorted."""
    height, width = image.shape[:2]
    note = "The whole picture is used." if height == width else "The picture is not square; its centre square is used."
    return FaceCrop(box=centre_square(height=height, width=width), method="whole", faces=0, note=note)
