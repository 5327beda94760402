"""Find the square of a picture to pass to a network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from deepfake_core.errors import BadRequest, NoFaceFound
from deepfake_core.faces import centerface, landmarks
from deepfake_core.faces.box import Box, centre_square, frame_face
from deepfake_core.faces.crop import Crop, Face, Manual
from deepfake_core.faces.detector import FoundFace

Method = Literal["face-alignment", "centerface", "whole", "manual"]

SMALL = 96
"""Side in pixels of a frame below which the result is blurred: networks work at 128 to 256 pixels."""
COMPANION = 0.25
"""A face smaller than this share of the largest one is part of the background, and not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCrop:
    """The square of a picture to pass to a network, and how it was found."""

    box: Box
    method: Method
    """What measured the face; "whole" if cropping is off; "manual" if drawn by the user."""
    faces: int
    """Number of faces to choose from; 0 if none was searched."""
    note: str
    """One sentence for the user that describes the crop."""
    frames: tuple[Box, ...] = ()
    """The squares of all these faces, the largest first."""


def find_crop(
    image: UInt8[np.ndarray, "h w 3"], crop: Crop = Face(), *, name: str = "the picture", near: Box | None = None
) -> FaceCrop:
    """Return the square of a picture given by `crop`; `Uncropped` gives a square too.

    `name` is the name of the picture in errors. `near` is the square of the same face in a frame shortly before: then
    the face closest to it is meant, and the search takes a third of the time.

    Raises `NoFaceFound` when there is no face, and `BadRequest` for an empty square or a face that is not there.
    """
    if isinstance(crop, Manual):
        box = crop.box(height=image.shape[0], width=image.shape[1])
        return FaceCrop(box=box, method="manual", faces=0, note="The crop was drawn by hand.")
    if not isinstance(crop, Face):
        return _whole(image)
    if near is not None and (face := centerface.find_near(image, near)):
        return _framed(image, [face], 0)
    faces = centerface.find_faces(image, thorough=near is None)
    if not faces:
        raise NoFaceFound(
            f"no face found in {name}; use a frontal photo, or switch cropping off to use the whole picture"
        )
    if near is not None:
        return _framed(image, faces, min(range(len(faces)), key=lambda index: _distance(faces[index], near)))
    faces = [face for face in faces if face.box.side >= COMPANION * faces[0].box.side]
    if crop.number > len(faces):
        raise BadRequest(f"face must be a number from 1 to {len(faces)} for {name}, got {crop.number}")
    return _framed(image, faces, crop.number - 1)


def _framed(image: UInt8[np.ndarray, "h w 3"], faces: Sequence[FoundFace], chosen: int) -> FaceCrop:
    """Frame one of the faces, measured by its landmarks if face-alignment is installed."""
    height, width = image.shape[:2]
    face = faces[chosen]
    measured = landmarks.measure(image, face.box)
    frames = [frame_face(one.box, height=height, width=width) for one in faces]
    frames[chosen] = box = frame_face(measured or face.box, height=height, width=width)
    return FaceCrop(
        box=box,
        method="face-alignment" if measured else "centerface",
        faces=len(faces),
        note=_note(face, box, len(faces), chosen, fills=box.side == min(height, width)),
        frames=tuple(frames),
    )


def _note(face: FoundFace, frame: Box, count: int, chosen: int, *, fills: bool) -> str:
    """Describe the crop, and what may be wrong with it, in one sentence."""
    if count == 1:
        note = "1 face found"
    else:
        note = f"{count} faces found; " + (f"face {chosen + 1} is used" if chosen else "the largest is used")
    if fills:
        note += "; it fills the picture"
    if frame.side < SMALL:
        note += f"; it is small (a crop of {round(frame.side)} pixels), so the result will be blurred"
    if face.doubtful:
        note += "; it may not be a face, so check the crop"
    return f"{note}."


def _distance(face: FoundFace, frame: Box) -> float:
    """Distance of a face from the centre of a square, in pixels."""
    return float(np.hypot(*np.subtract(face.box.centre, frame.centre)))


def _whole(image: UInt8[np.ndarray, "h w 3"]) -> FaceCrop:
    """Use the whole picture, or its centre square if it is not square, so that no face is distorted."""
    height, width = image.shape[:2]
    note = "The whole picture is used." if height == width else "The picture is not square; its centre square is used."
    return FaceCrop(box=centre_square(height=height, width=width), method="whole", faces=0, note=note)
