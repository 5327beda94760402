"""The driving clip: a file or an iterable of frames, read as a stream; one crop serves all frames."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import NoFaceFound, UnreadableMedia
from deepfake_core.faces import Box, Crop, Face, FaceCrop, cut, find_crop
from deepfake_core.media.decode import FrameStream, read_frames
from deepfake_core.media.images import Image, read_image
from deepfake_core.pipelines.cropped import name_of

DEFAULT_RATE = Fraction(25)  # for frames without a file
NO_FRAME = "the driving clip contains no frames; choose another clip"
FACE_SEARCH = 12  # frames at the start of a clip that are searched for a face


@dataclass(kw_only=True, slots=True)
class Clip:
    """An open driving clip: a stream of cropped frames, and `notes` for the user, complete at its end."""

    frames: Iterator[UInt8[np.ndarray, "s s 3"]]
    rate: Fraction
    total: int | None
    crop: FaceCrop
    notes: list[str] = field(default_factory=list)


@contextmanager
def open_clip(
    driving: str | Path | Iterable[Image],
    size: int,
    *,
    crop: Crop = Face(),
    max_seconds: float | int | None = None,
    max_frames: int | None = None,
    deadline: Deadline = NEVER,
) -> Iterator[Clip]:
    """Open the clip and crop it to `size` x `size` pixels; the first frames are searched for a face.

    The same crop serves every frame, so that the motion of the head is kept. The limits apply to files, as in
    `read_frames`; after the deadline the next frame raises `TookTooLong`. Raises what reading raises, `NoFaceFound`,
    and `UnreadableMedia` if there are no frames.
    """
    stream: FrameStream | None = None
    if isinstance(driving, str | Path):
        stream = read_frames(driving, max_seconds=max_seconds, max_frames=max_frames, deadline=deadline)
        frames: Iterator[Image] = stream
    else:
        frames = (read_image(frame) for frame in driving)
    try:
        search = islice(frames, FACE_SEARCH)
        first, found = first_crop(search, crop, name_of(driving, "the driving clip"), deadline)
        cropped = _cropped(first, frames, found.box, size, deadline)
        rate = stream.info.rate if stream else DEFAULT_RATE
        total = stream.info.frames if stream else getattr(driving, "__len__", lambda: None)()
        clip = Clip(frames=cropped, rate=rate, total=total, crop=found)
        yield clip
        clip.notes += warnings_of(stream)
    finally:
        if stream:
            stream.close()


def first_crop(
    frames: Iterator[Image], crop: Crop, name: str, deadline: Deadline = NEVER
) -> tuple[list[Image], FaceCrop]:
    """The frames up to the first one that can be cropped (with `Face`: that shows a face), and its crop.

    Raises `NoFaceFound` if there is none, `UnreadableMedia` without frames, and `TookTooLong`.
    """
    seen: list[Image] = []
    reason = ""
    for frame in frames:
        deadline.check()
        seen.append(frame)
        try:
            return seen, find_crop(frame, crop, name=name)
        except NoFaceFound as error:
            reason = str(error)  # a reference to the error would keep the frames in memory
    raise NoFaceFound(reason) if seen else UnreadableMedia(NO_FRAME)


def _cropped(
    first: list[Image], rest: Iterator[Image], box: Box, size: int, deadline: Deadline
) -> Iterator[UInt8[np.ndarray, "s s 3"]]:
    """All frames cropped; those in `first` are released one by one."""
    while first:
        yield cut(first.pop(0), box, size)
    for frame in rest:
        deadline.check()
        yield cut(frame, box, size)


def warnings_of(stream: FrameStream | None) -> list[str]:
    """The decoder's warnings as sentences."""
    return [f"{stream.warning}."] if stream and stream.warning else []
