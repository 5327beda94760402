"""The intermediate results of the animation network for one driving frame, as pictures."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Box, cut
from deepfake_core.media.images import Image
from deepfake_core.pipelines import figures
from deepfake_core.pipelines.animation import AnimationRequest, open_driving, read_source
from deepfake_core.pipelines.events import Clock, File, Finished
from deepfake_core.pipelines.image_batch import save
from deepfake_core.pipelines.motion_model import Inspection, MotionModel

SIDE = 256
"""Minimum side of the pictures in pixels, so that discs and lines are smooth with small networks too."""
MADE = ("deformation", "prediction")
"""The pictures that show a generated face, which are labelled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InsightRequest:
    """The driving frame to inspect, and the output folder."""

    animation: AnimationRequest
    """Only its source, clip and crops are used."""
    output: Path
    """A folder."""
    moment: float = 0.0
    """From 0 (the first frame) to 1 (the last)."""


def look_inside(animator: MotionModel, request: InsightRequest, deadline: Deadline = NEVER) -> Iterator[Finished]:
    """Draw the intermediate results: six files of role "inside", whose captions are the keys of `drawn`.

    Portrait and clip are cropped as in `animate`, and the clip is read up to the moment. Raises what reading and
    cropping raise, `TookTooLong`, and `BadRequest` for a moment out of range.
    """
    if not 0.0 <= request.moment <= 1.0:
        raise BadRequest(f"moment must be between 0 (the first frame) and 1 (the last), got {request.moment}")
    clock = Clock()
    source = read_source(animator, request.animation, deadline).pixels
    driving = frame_at(animator, request, deadline)
    files = []
    for caption, picture in drawn(source, driving, animator.inspect(source, driving)).items():
        path = save(picture, request.output / f"{caption}.png", model=animator.name, label=caption in MADE)
        files.append(File(path=path, role="inside", caption=caption))
    yield Finished(files=tuple(files), notes=(), seconds=clock.seconds)


def frame_at(animator: MotionModel, request: InsightRequest, deadline: Deadline = NEVER) -> Image:
    """The driving frame at the request's moment, cropped to the network's size.

    All frames up to it are decoded, since the crop follows the face. A clip too slow for that is given up early.
    """
    with open_driving(animator, request.animation, deadline) as clip:
        wanted = round(request.moment * ((clip.total or 1) - 1))
        driving = next(clip.frames)
        begun = time.monotonic()
        for done, frame in enumerate(islice(clip.frames, wanted), start=1):  # a header may announce too many frames
            driving = frame
            deadline.check_pace(done, wanted, begun)
    return driving.pixels


def drawn(source: Image, driving: Image, seen: Inspection) -> dict[str, Image]:
    """The pictures for a portrait and a driving frame of the network's size, in the order of the computation."""
    size, side = len(source), max(len(source), SIDE)
    whole = Box(left=0, top=0, side=size)
    return {
        "source": figures.keypoints_picture(cut(source, whole, side), seen.source_keypoints),
        "driving": figures.keypoints_picture(cut(driving, whole, side), seen.driving_keypoints),
        "mask": figures.mask_picture(seen.mask, side),
        "deformation": figures.grid_picture(seen.deformation, figures.enlarged(seen.warped, side)),
        "occlusion": figures.occlusion_picture(seen.occlusion, side),
        "prediction": figures.to_pixels(figures.enlarged(seen.prediction, side)[0]),
    }
