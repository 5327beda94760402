"""The driving clip: a file or an iterable of frames, cut alike from first to last, read as a stream."""

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
from deepfake_core.faces import Box, FaceCrop, cut, find_crop
from deepfake_core.media.decode import FrameStream, read_frames
from deepfake_core.media.images import read_image

Frame = UInt8[np.ndarray, "h w 3"]
DEFAULT_RATE = Fraction(25)  # of frames that come without a file
NO_FRAME = "the driving clip holds no frame; choose another clip"
FACE_SEARCH = 12  # frames at the start of a clip in which a face is looked for


@dataclass(kw_only=True, slots=True)
class Clip:
    """An opened driving clip: its squares come one by one, and `notes` fills with what the viewer should know."""

    squares: Iterator[UInt8[np.ndarray, "s s 3"]]
    rate: Fraction
    total: int | None
    crop: FaceCrop
    notes: list[str] = field(default_factory=list)


def name_of(source: object, otherwise: str) -> str:
    """What an error calls an input."""
    return Path(source).name if isinstance(source, str | Path) else otherwise


@contextmanager
def open_clip(
    driving: str | Path | Iterable[Frame],
    size: int,
    *,
    mode: str = "auto",
    box: Box | None = None,
    max_seconds: float | int | None = None,
    max_frames: int | None = None,
    deadline: Deadline = NEVER,
) -> Iterator[Clip]:
    """Open the clip and choose its crop: `box`, or what `find_crop` finds in one of the first frames.

    The one crop serves every frame, so that the head's own movement stays in the picture. The limits hold for files, as
    `read_frames` has them; every square that is asked for after the deadline raises `TookTooLong`. Raises what reading
    raises, `NoFaceFound`, and `UnreadableMedia` when there is no frame.
    """
    stream: FrameStream | None = None
    if isinstance(driving, str | Path):
        stream = read_frames(driving, max_seconds=max_seconds, max_frames=max_frames, deadline=deadline)
        frames: Iterator[Frame] = stream
    else:
        frames = (read_image(frame) for frame in driving)
    try:
        if box is None:
            search = islice(frames, FACE_SEARCH)
            first, crop = first_face(search, mode, name_of(driving, "the driving clip"), deadline)
        else:
            first, crop = list(islice(frames, 1)), by_hand(box)
        if not first:
            raise UnreadableMedia(NO_FRAME)
        squares = _squares(first, frames, crop.box, size, deadline)
        rate = stream.info.rate if stream else DEFAULT_RATE
        total = stream.info.frames if stream else getattr(driving, "__len__", lambda: None)()
        clip = Clip(squares=squares, rate=rate, total=total, crop=crop)
        yield clip
        clip.notes += warnings_of(stream)
    finally:
        if stream:
            stream.close()


def by_hand(box: Box) -> FaceCrop:
    """A crop that the user drew."""
    return FaceCrop(box=box, method="manual", faces=0, note="The crop was drawn by hand.")


def first_face(
    frames: Iterator[Frame], mode: str, name: str, deadline: Deadline = NEVER
) -> tuple[list[Frame], FaceCrop]:
    """The frames up to the first that shows a face, and its crop; no more are read.

    Raises `NoFaceFound` when none of them shows one, `UnreadableMedia` without a frame, and `TookTooLong`.
    """
    seen: list[Frame] = []
    reason = ""
    for frame in frames:
        deadline.check()
        seen.append(frame)
        try:
            return seen, find_crop(frame, mode=mode, name=name)
        except NoFaceFound as error:
            reason = str(error)  # the error itself would keep the frames alive
    raise NoFaceFound(reason) if seen else UnreadableMedia(NO_FRAME)


def _squares(
    first: list[Frame], rest: Iterator[Frame], box: Box, size: int, deadline: Deadline
) -> Iterator[UInt8[np.ndarray, "s s 3"]]:
    """The squares of all frames; those in `first` are let go one by one."""
    while first:
        yield cut(first.pop(0), box, size)
    for frame in rest:
        deadline.check()
        yield cut(frame, box, size)


def warnings_of(stream: FrameStream | None) -> list[str]:
    """What the decoder noticed, as sentences."""
    return [f"{stream.warning}."] if stream and stream.warning else []
