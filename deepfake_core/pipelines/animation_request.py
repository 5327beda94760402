"""What an animation is asked for, and its two inputs."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL.Image

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face, Whole
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.media.probe import is_picture
from deepfake_core.motion import Keypoints, RelativeMotion, Transfer
from deepfake_core.pipelines.controls import Region
from deepfake_core.pipelines.cropped import Cropped, crop_image, name_of
from deepfake_core.pipelines.driving import Clip, open_clip
from deepfake_core.pipelines.motion_model import MotionModel, Portrait
from deepfake_core.pipelines.motion_session import MotionSession

Frame = TypeVar("Frame")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnimationRequest:
    """The parameters of one animation."""

    source: ImageLike
    """The portrait."""
    driving: ImageLike | Iterable[Image]
    """The clip that drives it, or one picture for one pose: see `pose`."""
    output: str | Path | None = None
    """`.mp4`, or a folder or `.png` for numbered frames. With a picture as driver: a picture, or a folder."""
    side_by_side: str | Path | None = None
    """A second video, or picture, with source, driver and result side by side."""
    preview: Path | None = None
    """A picture, in the format of its suffix, that shows the latest driving frame and result during the run."""
    transfer: Transfer = field(default_factory=RelativeMotion)
    region: Region = "all"
    """What moves: everything, only the mouth, or only the pose of the head; see `head_fit`."""
    best_frame: bool = False
    """Measure motion from the driving frame whose pose is closest to the source's, instead of the first of its shot."""
    start: float | int = 0.0
    """Seconds into the clip at which motion starts: the portrait is still before. 0: at the first face."""
    smoothing: float = 0.0
    """How much the keypoints are smoothed over time, from 0 (not at all) to 1."""
    source_crop: Crop = Face()
    driving_crop: Crop = Face()
    paste_back: bool = False
    """Paste the animated face back into the whole source picture."""
    label: bool = True
    """The visible label; only the operator may switch it off."""
    max_seconds: float | int | None = None
    """Maximum length of the driving clip; None means no limit."""
    max_frames: int | None = None


def check_outputs(request: AnimationRequest) -> None:
    """Raise `BadRequest` for missing or conflicting outputs."""
    if request.output is None:
        raise BadRequest("an animation needs an output; name one, such as result.mp4")
    if request.side_by_side and Path(request.side_by_side).resolve() == Path(request.output).resolve():
        raise BadRequest("the result and the side-by-side video need different names")


def read_source(animator: MotionModel, request: AnimationRequest, deadline: Deadline = NEVER) -> Cropped:
    """The source picture, cropped to the network's size."""
    name = name_of(request.source, "the portrait")
    how: dict[str, Any] = {"subject": animator.subject, "name": name, "deadline": deadline}
    return crop_image(request.source, animator.size, request.source_crop, **how)


def open_driving(
    animator: MotionModel, request: AnimationRequest, deadline: Deadline = NEVER
) -> AbstractContextManager[Clip]:
    """Open the driving clip, cropped to the network's size."""
    assert not isinstance(request.driving, PIL.Image.Image), "a picture is no clip: see `still_driver`"
    faces = animator.subject == "face"
    return open_clip(
        request.driving,
        animator.size,
        crop=Whole() if isinstance(request.driving_crop, Face) and not faces else request.driving_crop,
        shows_faces=faces,
        start=request.start,
        max_seconds=request.max_seconds,
        max_frames=request.max_frames,
        deadline=deadline,
    )


def still_driver(driving: ImageLike | Iterable[Image], deadline: Deadline = NEVER) -> ImageLike | None:
    """The driver if it is a still picture: a file, a PIL image or one frame; None for a clip.

    Of a picture that moves but is no clip for ffmpeg, such as an animated WebP, the first frame is meant. Raises what
    reading the file's header raises.
    """
    if isinstance(driving, str | Path):
        return driving if is_picture(driving, deadline=deadline) else None
    if isinstance(driving, PIL.Image.Image) or (isinstance(driving, np.ndarray) and driving.ndim == 3):
        return driving
    return None


def read_driver(
    animator: MotionModel, request: AnimationRequest, driver: ImageLike, deadline: Deadline = NEVER
) -> Cropped:
    """A still driver, cropped to the network's size."""
    name = name_of(driver, "the driving picture")
    how: dict[str, Any] = {"subject": animator.subject, "name": name, "deadline": deadline}
    return crop_image(driver, animator.size, request.driving_crop, **how)


def session_for(
    animator: MotionModel, request: AnimationRequest, portrait: Portrait, starts: Iterator[Keypoints]
) -> MotionSession:
    """The state of an animation as it is asked for; `starts`: the keypoints from which motion is measured."""
    return MotionSession(
        animator=animator,
        portrait=portrait,
        transfer=request.transfer,
        smoothing=request.smoothing,
        region=request.region,
        starts=starts,
    )


def batches(frames: Iterator[Frame], count: int) -> Iterator[list[Frame]]:
    """Lists of at most `count` consecutive frames. The first list has one frame, so that a preview appears early."""
    batch = list(islice(frames, 1))
    while batch:
        yield batch
        batch = list(islice(frames, count))
