"""What a network will see of a picture or clip, drawn before anything runs."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.faces import Crop, Face, FaceCrop, Manual, Uncropped, Whole
from deepfake_core.faces.resample import fit
from deepfake_core.hub.manifest import Subject
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import Image, read_image
from deepfake_core.pipelines.cropped import LONGEST_SHOWN, shrunk
from deepfake_core.pipelines.driving import FACE_SEARCH, first_crop
from deepfake_core.pipelines.figures import crop_picture
from deepfake_core.provenance.writer import save_input

SHOWN = 640
"""Pixels of the preview's longer side, which is a tenth of the page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CropPreview:
    """A drawn crop."""

    path: Path
    """The picture, bright where the network sees it and dim elsewhere."""
    crop: Manual | None
    """The square that was found, in fractions; None for a picture that is not cropped."""
    note: str
    """One sentence for the user: how it was chosen."""


def preview_crop(
    path: Path, crop: Crop, output: Path, *, subject: Subject = "face", deadline: Deadline = NEVER
) -> CropPreview:
    """Draw the crop of the picture at `path` into the file `output`. Raises what reading raises, and `NoFaceFound`."""
    picture = read_image(path, longest=LONGEST_SHOWN, deadline=deadline)
    if isinstance(crop, Uncropped):
        small = fit(picture, SHOWN)[0] if max(picture.shape[:2]) > SHOWN else picture
        return CropPreview(path=save_input(small, output), crop=None, note="The whole picture is used.")
    wanted = Whole() if isinstance(crop, Face) and subject != "face" else crop
    (seen, *_), found = first_crop(iter([picture]), wanted, path.name, deadline)
    return _drawn(seen, found, output)


def preview_clip_crop(
    path: Path, crop: Crop, output: Path, *, max_seconds: float | int | None = None, deadline: Deadline = NEVER
) -> CropPreview:
    """The same for the first frames of a clip, up to the first one that shows a face."""
    with read_frames(path, max_side=LONGEST_SHOWN, max_seconds=max_seconds, deadline=deadline) as frames:
        seen, found = first_crop(islice(frames, FACE_SEARCH), crop, path.name, deadline)
    return _drawn(seen[0], found, output)


def _drawn(picture: Image, found: FaceCrop, output: Path) -> CropPreview:
    height, width = picture.shape[:2]
    drawn = crop_picture(*shrunk(picture, found.box, SHOWN))
    place = Manual.of(found.box, height=height, width=width)
    return CropPreview(path=save_input(drawn, output), crop=place, note=found.note)
