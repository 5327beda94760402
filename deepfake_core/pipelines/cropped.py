"""A picture of a run: the crop for the network, and the picture into which the result is pasted back."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.faces import Box, Crop, Face, Uncropped, Whole, cut, find_crop, paste
from deepfake_core.faces.resample import fit
from deepfake_core.hub.manifest import Subject
from deepfake_core.media.images import Image, ImageLike, read_image
from deepfake_core.media.picture_kind import LARGEST, SMALLEST, PictureKind, kind_of
from deepfake_core.settings import settings

MAX_SHOWN_SIDE = 1280
"""Maximum side in pixels of a picture in a video or a preview."""
MAX_UNCROPPED_SIDE = 1024
"""Maximum side in pixels of an uncropped input of a network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cropped:
    """A picture of a run and its crop."""

    name: str
    """Its name in errors and files."""
    picture: Image
    """The whole picture, with sides of at most `pasted_side` of the settings."""
    pixels: UInt8[np.ndarray, "rows columns 3"]
    """The input of the network."""
    box: Box | None
    """The place of `pixels` in `picture`; None if the picture is not cropped."""
    note: str
    """How the crop was chosen: one sentence for the user."""
    kind: PictureKind

    def paste(self, made: Image) -> Image:
        """The whole picture with `made` pasted over the crop; `made` itself if the picture is not cropped."""
        return paste(self.picture, made, self.box) if self.box else made

    def for_video(self) -> "Cropped":
        """The same with a picture of at most `MAX_SHOWN_SIDE` pixels, the size of the video's frames."""
        if self.box is None:
            return self
        picture, box = shrunk(self.picture, self.box, MAX_SHOWN_SIDE)
        return replace(self, picture=picture, box=box)

    def source(self, *, pasted: bool) -> Image:
        """What to show next to the result: the network's input, or the whole picture if the result is pasted back."""
        picture = self.picture if pasted and self.box else self.pixels
        return fit(picture, MAX_SHOWN_SIDE)[0] if max(picture.shape[:2]) > MAX_SHOWN_SIDE else picture


def crop_image(
    image: ImageLike,
    size: int,
    crop: Crop,
    *,
    subject: Subject = "face",
    name: str | None = None,
    deadline: Deadline = NEVER,
) -> Cropped:
    """Read a picture and crop it for a network of `size` pixels. For other subjects `Face` is the centre square.

    A picture of this size that is already a portrait, or is not cropped to a face, is unchanged. Raises what reading
    raises, and `NoFaceFound`.
    """
    picture = read_image(image, longest=settings().working_side, deadline=deadline)
    name = name or name_of(image, "the picture")
    if isinstance(crop, Uncropped):
        return _uncropped(picture, name)
    found = find_crop(picture, Whole() if isinstance(crop, Face) and subject != "face" else crop, name=name)
    pixels = cut(picture, found.box, size)
    kind = kind_in(picture, found.box)
    picture, box = shrunk(picture, found.box, settings().pasted_side)
    return Cropped(name=name, picture=picture, pixels=pixels, box=box, note=found.note, kind=kind)


def kind_in(picture: Image, box: Box | None = None) -> PictureKind:
    """Whether the content of a square, by default of the centre square, is drawn or a photograph."""
    box = box or find_crop(picture, Whole()).box
    return kind_of(cut(picture, box, max(SMALLEST, min(LARGEST, round(box.side)))))


def _uncropped(picture: Image, name: str) -> Cropped:
    note = "The whole picture is used."
    if max(picture.shape[:2]) > MAX_UNCROPPED_SIDE:
        picture, _ = fit(picture, MAX_UNCROPPED_SIDE)
        note = f"The whole picture is used, shrunk to {picture.shape[1]} x {picture.shape[0]} pixels."
    return Cropped(name=name, picture=picture, pixels=picture, box=None, note=note, kind=kind_in(picture))


def shrunk(picture: Image, box: Box, longest: int) -> tuple[Image, Box]:
    """The picture with sides of at most `longest` pixels, and the box in it."""
    if max(picture.shape[:2]) <= longest:
        return picture, box
    smaller, ratio = fit(picture, longest)
    return smaller, Box(left=box.left / ratio, top=box.top / ratio, side=box.side / ratio)


def name_of(source: object, otherwise: str) -> str:
    """The name of an input in errors."""
    return Path(source).name if isinstance(source, str | Path) else otherwise
