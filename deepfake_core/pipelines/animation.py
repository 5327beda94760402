"""Image animation, from a request to a finished file: what screen, command line and Python call alike."""

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Box, FaceCrop, cut, find_crop, paste
from deepfake_core.media.images import read_image
from deepfake_core.motion import (
    Keypoints,
    RelativeMotion,
    Transfer,
    best_frame,
    frame_at,
    scale_of_movement,
    smooth_batch,
    transfer_motion,
)
from deepfake_core.pipelines.animator import Frame, ImageAnimator, ImageLike, Portrait
from deepfake_core.pipelines.driving import Clip, by_hand, name_of, open_clip
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.squares import LONGEST_SHOWN, shrunk
from deepfake_core.provenance.writer import Sink, open_sink, open_video
from deepfake_core.settings import settings


@dataclass(frozen=True, kw_only=True, slots=True)
class AnimationRequest:
    """Everything that one animation needs to know."""

    source: ImageLike
    """The portrait."""
    driving: str | Path | Iterable[Frame]
    """The clip that moves it."""
    output: str | Path | None = None
    """`.mp4`, or a folder or `.png` for numbered frames."""
    side_by_side: str | Path | None = None
    """A second video that shows source, driver and result."""
    transfer: Transfer = field(default_factory=RelativeMotion)
    best_frame: bool = False
    """Measure motion from the driving frame whose pose fits the source's best, not from the first."""
    smoothing: float = 0.0
    """How much jitter of the keypoints is calmed, 0 (nothing) to 1."""
    crop: Literal["auto", "none"] = "auto"
    """Of both: around the face, or the whole picture."""
    source_box: Box | None = None
    """A crop drawn by hand, instead."""
    driving_box: Box | None = None
    paste_back: bool = False
    """Put the moving face back into the whole source picture."""
    label: bool = True
    """The visible label; only who runs the program may switch it off."""
    max_seconds: float | int | None = None
    """Longest driving clip; None takes any."""
    max_frames: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Searching:
    """So many driving frames have been looked at for the best one to start from."""

    looked_at: int
    total: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """One frame is done."""

    frame: Frame
    driving_frame: UInt8[np.ndarray, "s s 3"]
    index: int
    total: int | None
    frames_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """All frames are done and the files have their names."""

    path: Path
    side_by_side: Path | None
    frames: int
    seconds: float
    notes: tuple[str, ...]


def animate(
    animator: ImageAnimator, request: AnimationRequest, deadline: Deadline = NEVER
) -> Iterator[Searching | Progress | Finished]:
    """Animate into files: yields `Searching` if the best frame is wanted, `Progress` for every frame, then `Finished`.

    Closing the iterator stops within a batch and leaves nothing under the final names, as every error does. Raises
    `BadRequest` without an output, or with one for both videos, `TookTooLong`, and what reading, cropping and writing
    raise.
    """
    check_outputs(request)
    sitter, done = Sitter.of(request, animator.size, deadline), 0
    still, canvas = sitter.square, sitter.canvas if request.paste_back else None
    portrait = animator.portrait(still)
    initial = (yield from find_start(animator, request, portrait.keypoints, deadline)) if request.best_frame else None
    began = time.monotonic()
    with open_driving(animator, request, deadline) as clip, ExitStack() as files:
        result, beside = open_outputs(animator, request, clip, files, deadline)
        for square, driver in moved_frames(animator, request, portrait, initial, clip, deadline):
            frame = canvas.paint(square) if canvas else square
            result.write(frame)
            if beside:
                beside.write(np.hstack((still, driver, square)))
            done += 1
            yield progress(frame, driver, done, clip.total, time.monotonic() - began)
    silent = (f"{result.warning}.",) if result.warning else ()
    crops = (f"Portrait: {sitter.crop.note}", f"Driving clip: {clip.crop.note}")
    notes = (*crops, *clip.notes, *silent, *animator.compute.notes())
    yield Finished(
        path=result.path,
        side_by_side=beside.path if beside else None,
        frames=done,
        seconds=time.monotonic() - began,
        notes=notes,
    )


def frames_of(animator: ImageAnimator, request: AnimationRequest) -> Iterator[Frame]:
    """The animated squares alone, without files or labels."""
    portrait = animator.portrait(Sitter.of(request, animator.size).square)
    initial: Keypoints | None = None
    if request.best_frame:
        search = find_start(animator, request, portrait.keypoints)
        while initial is None:
            try:
                next(search)
            except StopIteration as found:
                initial = found.value
    with open_driving(animator, request) as clip:
        for square, _ in moved_frames(animator, request, portrait, initial, clip):
            yield square


def check_outputs(request: AnimationRequest) -> None:
    """Refuse what could only end in a lost file."""
    if request.output is None:
        raise BadRequest("an animation needs a place to go to; name one, such as result.mp4")
    if request.side_by_side and Path(request.side_by_side).resolve() == Path(request.output).resolve():
        raise BadRequest("result and side-by-side video need different names")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitter:
    """The source picture, as far as a run has to remember it."""

    crop: FaceCrop
    square: UInt8[np.ndarray, "s s 3"]
    """What the network sees."""
    canvas: "Canvas"

    @classmethod
    def of(cls, request: AnimationRequest, size: int, deadline: Deadline = NEVER) -> "Sitter":
        picture = read_image(request.source, longest=settings().working_side, deadline=deadline)
        name = name_of(request.source, "the portrait")
        hand = by_hand(request.source_box) if request.source_box else None
        crop = hand or find_crop(picture, mode=request.crop, name=name)
        smaller, box = shrunk(picture, crop.box, LONGEST_SHOWN)
        return cls(crop=crop, square=cut(picture, crop.box, size), canvas=Canvas(picture=smaller, box=box))


@dataclass(frozen=True, kw_only=True, slots=True)
class Canvas:
    """The whole source picture, shrunk to `LONGEST_SHOWN`, into which each moving square is pasted."""

    picture: Frame
    box: Box

    def paint(self, square: UInt8[np.ndarray, "s s 3"]) -> Frame:
        return paste(self.picture, square, self.box)


def open_driving(
    animator: ImageAnimator, request: AnimationRequest, deadline: Deadline = NEVER
) -> AbstractContextManager[Clip]:
    """The request's driving clip as squares of the network's size."""
    return open_clip(
        request.driving,
        animator.size,
        mode=request.crop,
        box=request.driving_box,
        max_seconds=request.max_seconds,
        max_frames=request.max_frames,
        deadline=deadline,
    )


def open_outputs(
    animator: ImageAnimator, request: AnimationRequest, clip: Clip, files: ExitStack, deadline: Deadline
) -> tuple[Sink, Sink | None]:
    """Open the result, and the side-by-side video if one is wanted, both with the driver's sound."""
    assert request.output is not None
    origin = origin_of(animator.name, request.source, request.driving)
    sound = Path(request.driving) if isinstance(request.driving, str | Path) else None
    how: dict[str, Any] = {"rate": clip.rate, "origin": origin, "label": request.label, "sound_from": sound}
    sink = files.enter_context(open_sink(request.output, **how, deadline=deadline))
    if request.side_by_side is None:
        return sink, None
    return sink, files.enter_context(open_video(request.side_by_side, **how, deadline=deadline))


def moved_frames(
    animator: ImageAnimator,
    request: AnimationRequest,
    portrait: Portrait,
    initial: Keypoints | None,
    clip: Clip,
    deadline: Deadline = NEVER,
) -> Iterator[tuple[UInt8[np.ndarray, "s s 3"], UInt8[np.ndarray, "s s 3"]]]:
    """(result, driving square) of every frame, in batches; motion is measured from `initial`, else from the first."""
    previous: Keypoints | None = None
    scale: float | None = None
    for squares in batches(clip.squares, animator.batch):
        deadline.check()
        there = smooth_batch(previous, animator.keypoints(squares), request.smoothing)
        previous = frame_at(there, -1)
        if initial is None:
            initial = frame_at(there, 0)
        if scale is None:
            scale = scale_of_movement(portrait.keypoints, initial)
        moved = transfer_motion(portrait.keypoints, there, initial, request.transfer, scale)
        yield from zip(animator.render(portrait, moved), squares, strict=True)


def find_start(
    animator: ImageAnimator, request: AnimationRequest, source: Keypoints, deadline: Deadline = NEVER
) -> Generator[Searching, None, Keypoints]:
    """Return the keypoints of the driving frame whose pose fits the source's best, having read the whole clip.

    The result needs no second pass forwards and backwards from there: every frame depends on the initial one alone.
    """
    if isinstance(request.driving, Iterator):
        raise BadRequest("best_frame reads the clip twice; give a file or a list of frames")
    found: list[Keypoints] = []
    with open_driving(animator, request, deadline) as clip:
        for squares in batches(clip.squares, animator.batch):
            deadline.check()
            there = animator.keypoints(squares)
            found += [frame_at(there, row) for row in range(len(squares))]
            yield Searching(looked_at=len(found), total=clip.total)
    return found[best_frame(source.position[0], (keypoints.position[0] for keypoints in found))]


def batches(frames: Iterator[Frame], count: int) -> Iterator[list[Frame]]:
    """Lists of at most `count` consecutive frames. The first holds one, so that something is seen at once."""
    batch = list(islice(frames, 1))
    while batch:
        yield batch
        batch = list(islice(frames, count))


def progress(
    frame: Frame, driver: UInt8[np.ndarray, "s s 3"], done: int, total: int | None, seconds: float
) -> Progress:
    """The state after `done` frames in `seconds`."""
    rate = done / max(seconds, 1e-6)
    left = max(0, total - done) / rate if total else None
    return Progress(
        frame=frame, driving_frame=driver, index=done - 1, total=total, frames_per_second=rate, seconds_left=left
    )
