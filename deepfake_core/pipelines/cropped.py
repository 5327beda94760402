"""A picture as a run remembers it: the square that the network sees, and what its result is pasted back into."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.faces import Box, Crop, Face, Uncropped, Whole, cut, find_crop, paste
from deepfake_core.faces.resample import fit
from deepfake_core.hub.manifest import Subject
from deepfake_core.media.images import Image, ImageLike, read_image
from deepfake_core.settings import settings

LONGEST_SHOWN = 1280
"""Pixels of the longer side of a picture in a video or a preview."""
LONGEST_UNCROPPED = 1024
"""Pixels of the longer side of a picture that a network sees in its own shape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cropped:
    """One picture of a run, and the part of it that the network sees."""

    name: str
    """What an error or a file calls it."""
    picture: Image
    """All of it, its longer side at most `pasted_side` of the settings."""
    pixels: UInt8[np.ndarray, "rows columns 3"]
    """What the network sees."""
    box: Box | None
    """The square of `picture` that this is; None for all of it."""
    note: str
    """One sentence for the user: how it was chosen."""

    def paste(self, made: Image) -> Image:
        """The whole picture with what was made of the square in its place; `made` itself where nothing was cut."""
        return paste(self.picture, made, self.box) if self.box else made

    def for_video(self) -> "Cropped":
        """The same with a picture of at most `LONGEST_SHOWN` pixels, which every frame would hold."""
        if self.box is None:
            return self
        picture, box = shrunk(self.picture, self.box, LONGEST_SHOWN)
        return replace(self, picture=picture, box=box)

    def source(self, *, pasted: bool) -> Image:
        """What to show beside the result: what the network saw, or the whole picture if the result is pasted back."""
        picture = self.picture if pasted and self.box else self.pixels
        return fit(picture, LONGEST_SHOWN)[0] if max(picture.shape[:2]) > LONGEST_SHOWN else picture


def crop_image(
    image: ImageLike,
    size: int,
    crop: Crop,
    *,
    subject: Subject = "face",
    name: str | None = None,
    deadline: Deadline = NEVER,
) -> Cropped:
    """Read a picture and cut what a network of `size` pixels sees. Where no face is meant, `Face` is the middle square.

    A picture of that size that is a portrait already, or is not cut around a face, keeps its bytes. Raises what reading
    raises, and `NoFaceFound` where a face is meant and none is there.
    """
    picture = read_image(image, longest=settings().working_side, deadline=deadline)
    name = name or name_of(image, "the picture")
    if isinstance(crop, Uncropped):
        return _uncropped(picture, name)
    found = find_crop(picture, Whole() if isinstance(crop, Face) and subject != "face" else crop, name=name)
    pixels = cut(picture, found.box, size)
    picture, box = shrunk(picture, found.box, settings().pasted_side)
    return Cropped(name=name, picture=picture, pixels=pixels, box=box, note=found.note)


def _uncropped(picture: Image, name: str) -> Cropped:
    note = "The whole picture is used."
    if max(picture.shape[:2]) > LONGEST_UNCROPPED:
        picture, _ = fit(picture, LONGEST_UNCROPPED)
        note = f"The whole picture is used, shrunk to {picture.shape[1]} x {picture.shape[0]} pixels."
    return Cropped(name=name, picture=picture, pixels=picture, box=None, note=note)


def shrunk(picture: Image, box: Box, longest: int) -> tuple[Image, Box]:
    """A picture with no side above `longest` pixels, and the same square in it."""
    if max(picture.shape[:2]) <= longest:
        return picture, box
    smaller, ratio = fit(picture, longest)
    return smaller, Box(left=box.left / ratio, top=box.top / ratio, side=box.side / ratio)


def name_of(source: object, otherwise: str) -> str:
    """What an error calls an input."""
    return Path(source).name if isinstance(source, str | Path) else otherwise
