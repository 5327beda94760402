"""A preview of the crop of a picture or clip, drawn before a run."""

from dataclasses import dataclass, replace
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.faces import Box, Crop, Face, FaceCrop, Manual, Uncropped, Whole, find_crop
from deepfake_core.faces.resample import fit
from deepfake_core.hub.manifest import Subject
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import Image, read_image
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.pipelines.cropped import MAX_SHOWN_SIDE, kind_in, shrunk
from deepfake_core.pipelines.face_watch import FaceWatch
from deepfake_core.pipelines.figures import crop_picture, faces_picture
from deepfake_core.provenance.writer import save_input

PREVIEW_SIDE = 640
"""Maximum side of the preview in pixels, which takes a tenth of the page."""
MARGIN = 0.05
"""Share of the picture's width or height that the crop of a "whole" picture may leave out at each edge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CropPreview:
    """A preview of a crop."""

    path: Path
    """The picture, bright inside the crop and dim outside."""
    crop: Manual | None
    """The crop in fractions; None for a picture that is not cropped."""
    note: str
    """How it was chosen: one sentence for the user."""
    kind: PictureKind | None
    """Of the part inside the crop; None for a clip."""
    whole: bool = False
    """Whether the crop is the whole picture, but for `MARGIN`."""
    faces: int = 0
    """Number of faces in the picture."""
    face: int = 1
    """Number of the one in the crop."""
    thumbnails: Path | None = None
    """A picture of the faces in a row, if there are several to choose from."""


def preview_crop(
    path: Path, crop: Crop, output: Path, *, subject: Subject = "face", deadline: Deadline = NEVER
) -> CropPreview:
    """Draw the crop of the picture at `path` into the file `output`. Raises what reading raises, and `NoFaceFound`."""
    picture = read_image(path, longest=MAX_SHOWN_SIDE, deadline=deadline)
    if isinstance(crop, Uncropped):
        small = fit(picture, PREVIEW_SIDE)[0] if max(picture.shape[:2]) > PREVIEW_SIDE else picture
        note, kind = "The whole picture is used.", kind_in(picture)
        return CropPreview(path=save_input(small, output), crop=None, note=note, kind=kind, whole=True)
    wanted = Whole() if isinstance(crop, Face) and subject != "face" else crop
    deadline.check()
    return _drawn(picture, find_crop(picture, wanted, name=path.name), wanted, output)


def preview_clip_crop(
    path: Path,
    crop: Crop,
    output: Path,
    *,
    subject: Subject = "face",
    max_seconds: float | int | None = None,
    deadline: Deadline = NEVER,
) -> CropPreview:
    """The same for a clip: the first frame that shows a face is drawn (without a face crop: that is not blank)."""
    crop = Whole() if isinstance(crop, Face) and subject != "face" else crop
    with read_frames(path, max_side=PREVIEW_SIDE, max_seconds=max_seconds, deadline=deadline) as frames:
        watch = FaceWatch(crop, frames.info.rate, path.name, deadline=deadline)
        for frame in frames:
            watch.see(frame)
            if watch.crop is not None:
                return replace(_drawn(frame, watch.crop, crop, output), kind=None)
        watch.end()
    return replace(_drawn(frame, find_crop(frame, crop, name=path.name), crop, output), kind=None)


def _drawn(picture: Image, found: FaceCrop, wanted: Crop, output: Path) -> CropPreview:
    height, width = picture.shape[:2]
    drawn = crop_picture(*shrunk(picture, found.box, PREVIEW_SIDE))
    place = Manual.of(found.box, height=height, width=width)
    kind, whole = kind_in(picture, found.box), _whole(found.box, picture)
    preview = CropPreview(path=save_input(drawn, output), crop=place, note=found.note, kind=kind, whole=whole)
    if not isinstance(wanted, Face) or found.faces < 2:
        return preview
    thumbnails = save_input(faces_picture(picture, found.frames), output.with_stem(f"{output.stem}-faces"))
    return replace(preview, faces=found.faces, face=wanted.number, thumbnails=thumbnails)


def _whole(box: Box, picture: Image) -> bool:
    """Whether a crop leaves out next to nothing."""
    height, width = picture.shape[:2]
    right, bottom = box.left + box.side, box.top + box.side
    left_out = (box.left / width, box.top / height, 1 - right / width, 1 - bottom / height)
    return max(left_out) <= MARGIN
