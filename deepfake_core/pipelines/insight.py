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
from deepfake_core.pipelines.animation_request import (
    AnimationRequest,
    open_driving,
    read_driver,
    read_source,
    still_driver,
)
from deepfake_core.pipelines.events import Clock, File, Finished
from deepfake_core.pipelines.image_batch import save
from deepfake_core.pipelines.motion_model import Inspection, MotionModel

SIDE = 256
"""Minimum side of the pictures in pixels, so that discs and lines are smooth with small networks too."""
SEARCHED = 32
"""Frames that are compared to find the one of largest motion."""
MADE = ("deformation", "prediction")
"""The pictures that show a generated face, which are labelled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InsightRequest:
    """The driving frame to inspect, and the output folder."""

    animation: AnimationRequest
    """Only its source, clip and crops are used."""
    output: Path
    """A folder."""
    moment: float | None = 0.0
    """From 0 (the first frame) to 1 (the last); None: where the keypoints are farthest from those of the first."""


def look_inside(animator: MotionModel, request: InsightRequest, deadline: Deadline = NEVER) -> Iterator[Finished]:
    """Draw the intermediate results: six files of role "inside", whose captions are the keys of `drawn`.

    Portrait and clip are cropped as in `animate`, and the clip is read up to the moment. The fact `moment` of each file
    is where the frame was found. Raises what reading and cropping raise, `TookTooLong`, and `BadRequest` for a moment
    out of range.
    """
    if request.moment is not None and not 0.0 <= request.moment <= 1.0:
        raise BadRequest(f"moment must be between 0 (the first frame) and 1 (the last), got {request.moment}")
    clock = Clock()
    source = read_source(animator, request.animation, deadline).pixels
    if (driver := still_driver(request.animation.driving, deadline)) is not None:
        driving, moment = read_driver(animator, request.animation, driver, deadline).pixels, 0.0
    elif request.moment is None:
        driving, moment = liveliest_frame(animator, request, deadline)
    else:
        driving, moment = frame_at(animator, request, request.moment, deadline), request.moment
    files = []
    for caption, picture in drawn(source, driving, animator.inspect(source, driving)).items():
        path = save(picture, request.output / f"{caption}.png", model=animator.name, label=caption in MADE)
        files.append(File(path=path, role="inside", caption=caption, facts={"moment": moment}))
    yield Finished(files=tuple(files), notes=(), seconds=clock.seconds)


def liveliest_frame(animator: MotionModel, request: InsightRequest, deadline: Deadline = NEVER) -> tuple[Image, float]:
    """The driving frame whose keypoints are farthest from those of the first one, and its moment from 0 to 1.

    At most `SEARCHED` frames are compared, at equal distances, and none in which the motion pauses, such as black ones.
    """
    frames, moments, held = list[Image](), list[float](), False
    with open_driving(animator, request.animation, deadline) as clip:
        last = max((clip.total or 1) - 1, 1)
        step, begun = -(-(last + 1) // SEARCHED), time.monotonic()
        for number, frame in enumerate(clip.frames):
            deadline.check_pace(number, last, begun)
            moves = frame.motion != "hold"
            if held and moves:
                frames, moments = [], []  # nothing moved before
            if not frames or (moves and number % step == 0 and len(frames) < SEARCHED):
                frames.append(frame.pixels)
                moments.append(min(number / last, 1.0))
                held = not moves
    positions = animator.keypoints(frames).position
    farthest = int((positions - positions[:1]).norm(dim=-1).mean(dim=1).argmax())
    return frames[farthest], moments[farthest]


def frame_at(animator: MotionModel, request: InsightRequest, moment: float, deadline: Deadline = NEVER) -> Image:
    """The driving frame at a moment from 0 to 1, cropped to the network's size.

    All frames up to it are decoded, since the crop follows the face. A clip too slow for that is given up early.
    """
    with open_driving(animator, request.animation, deadline) as clip:
        wanted = round(moment * ((clip.total or 1) - 1))
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
