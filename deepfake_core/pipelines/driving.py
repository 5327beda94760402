"""The driving clip: a file or an iterable of frames, read as a stream; one crop serves all frames of a shot."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import UnreadableMedia
from deepfake_core.faces import Crop, Face, FaceCrop, cut
from deepfake_core.media.decode import FrameStream, read_frames
from deepfake_core.media.images import Image, read_image
from deepfake_core.pipelines.cropped import name_of
from deepfake_core.pipelines.face_watch import FaceWatch
from deepfake_core.pipelines.motion_start import FixedStart, Motion

DEFAULT_RATE = Fraction(25)  # for frames without a file
NO_FRAME = "the driving clip contains no frames; choose another clip"


class DrivingFrame(NamedTuple):
    """A cropped frame, and what it does."""

    pixels: UInt8[np.ndarray, "s s 3"]
    motion: Motion
    reference: UInt8[np.ndarray, "s s 3"] | None = None
    """At a start: the frame from which motion is measured; None for itself."""


@dataclass(kw_only=True, slots=True)
class Clip:
    """An open driving clip: a stream of cropped frames. `crop` and `notes` are complete at its end."""

    frames: Iterator[DrivingFrame]
    rate: Fraction
    total: int | None
    crop: FaceCrop | None = None
    """At the first start."""
    notes: list[str] = field(default_factory=list)
    """For the user."""


@contextmanager
def open_clip(
    driving: str | Path | Iterable[Image],
    size: int,
    *,
    crop: Crop = Face(),
    shows_faces: bool = True,
    start: float | int = 0.0,
    max_seconds: float | int | None = None,
    max_frames: int | None = None,
    deadline: Deadline = NEVER,
) -> Iterator[Clip]:
    """Open the clip; its frames are cropped to `size` x `size` pixels.

    Motion starts `start` seconds into the clip or, with `shows_faces`, at the first face after that. The same crop
    serves every frame up to a cut, so that the motion of the head is kept. The limits apply to files, as in
    `read_frames`; after the deadline the next frame raises `TookTooLong`. Raises what reading raises, and
    `UnreadableMedia` if there are no frames; the frames raise `NoFaceFound`, and `BadRequest` if `start` is after their
    end.
    """
    stream: FrameStream | None = None
    if isinstance(driving, str | Path):
        stream = read_frames(driving, max_seconds=max_seconds, max_frames=max_frames, deadline=deadline)
        frames: Iterator[Image] = stream
    else:
        frames = (read_image(frame) for frame in driving)
    try:
        first = next(frames, None)
        if first is None:
            raise UnreadableMedia(NO_FRAME)
        rate = stream.info.rate if stream else DEFAULT_RATE
        total = stream.info.frames if stream else getattr(driving, "__len__", lambda: None)()
        name = name_of(driving, "the driving clip")
        kind = FaceWatch if shows_faces else FixedStart
        clip = Clip(frames=iter(()), rate=rate, total=total)
        clip.frames = _cropped(
            chain([first], frames), size, clip, kind(crop, rate, name, start=start, deadline=deadline)
        )
        yield clip
        clip.notes += warnings_of(stream)
    finally:
        if stream:
            stream.close()


def _cropped(frames: Iterator[Image], size: int, clip: Clip, watch: FixedStart) -> Iterator[DrivingFrame]:
    """The frames of a clip; at their end `crop` and `notes` of the clip are set."""
    for frame in frames:
        motion = watch.see(frame)
        pixels, reference = cut(frame, watch.box, size), None
        if watch.reference is not None:
            reference = brightened(cut(watch.reference, watch.box, size), pixels)
        yield DrivingFrame(pixels, motion, reference)
    watch.end()
    clip.crop, clip.notes = watch.crop, watch.notes()


def brightened(dark: UInt8[np.ndarray, "s s 3"], like: UInt8[np.ndarray, "s s 3"]) -> UInt8[np.ndarray, "s s 3"]:
    """A frame of a fade-in with mean and contrast of the frame `like`."""
    values = dark.astype(np.float32)
    values = (values - values.mean()) * (like.std() / max(float(values.std()), 1.0)) + like.mean()
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def warnings_of(stream: FrameStream | None) -> list[str]:
    """The decoder's warnings as sentences."""
    return [f"{stream.warning}."] if stream and stream.warning else []
