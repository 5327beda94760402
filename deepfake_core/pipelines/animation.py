"""Image animation from a request to finished files, for the page, the command line and the Python API."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.media.images import Image
from deepfake_core.motion import Keypoints, best_frame, frame_at
from deepfake_core.pipelines.animation_request import (
    AnimationRequest,
    batches,
    check_outputs,
    open_driving,
    read_driver,
    read_source,
    session_for,
    still_driver,
)
from deepfake_core.pipelines.background import Background
from deepfake_core.pipelines.driving import Clip
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.figures import side_by_side
from deepfake_core.pipelines.image_batch import save
from deepfake_core.pipelines.motion_model import MotionModel, Portrait
from deepfake_core.pipelines.pose import pose, posed
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.pipelines.template_playback import followed, play, template_driver, template_for
from deepfake_core.provenance.writer import Sink, open_sink, open_video

__all__ = ["AnimationRequest", "animate", "batches", "find_starts", "frames_of"]

SECONDS_BETWEEN_PREVIEWS = 0.15
"""Each preview is signed, which takes time, and more would hardly be noticed."""
SEARCH = "Looking for the best frame"


def animate(
    animator: MotionModel, request: AnimationRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Animate into files: yields `Progress` per frame, then `Finished`. With `best_frame` the search yields `Progress`
    with a `task` first.

    Closing the iterator stops after the current batch and, like every error, leaves no files. With a picture as driver
    the result is one picture: see `pose`; with a motion template, see `template_playback`. Raises `BadRequest` without
    an output, or if both videos have the same one, `TookTooLong`, and what reading, cropping and writing raise.
    """
    check_outputs(request)
    if (template := template_driver(request.driving)) is not None:
        yield from play(animator, request, template, deadline)
        return
    if (driver := still_driver(request.driving, deadline)) is not None:
        yield from pose(animator, request, driver, deadline)
        return
    source = read_source(animator, request, deadline)
    pasted = source.for_video() if request.paste_back else None
    portrait = animator.portrait(source.pixels)
    starts = (yield from find_starts(animator, request, portrait.keypoints, deadline)) if request.best_frame else []
    clock, done = Clock(), 0
    with open_driving(animator, request, deadline) as clip, ExitStack() as files:
        result, combined = open_outputs(animator, request, clip, files, deadline)
        writing = files.enter_context(Background())
        previews = Previews(animator.name, request, writing)
        for square, driver in moved_frames(animator, request, portrait, starts, clip, deadline):
            frame = pasted.paste(square) if pasted else square
            writing.run(result.write, frame)
            if combined:
                writing.run(combined.write, np.hstack((source.pixels, driver, square)))
            done += 1
            yield clock.progress(done, clip.total, unit="frame", preview=previews.draw(driver, frame))
    silent = (f"{result.warning}.",) if result.warning else ()
    crops = [f"Portrait: {source.note}", *([f"Driving clip: {clip.crop.note}"] if clip.crop else [])]
    unsuited = mismatch(animator.name, [source.kind])
    second = (File(path=combined.path, role="side_by_side"),) if combined else ()
    yield Finished(
        files=(File(path=result.path, role="result", facts={"frames": done}), *second),
        seconds=clock.seconds,
        notes=(*crops, *clip.notes, *silent, *noted(unsuited), *animator.runtime.notes()),
        mismatch=unsuited,
    )


def frames_of(animator: MotionModel, request: AnimationRequest) -> Iterator[Image]:
    """The animated crops, without files or labels."""
    source = read_source(animator, request).pixels
    if (template := template_driver(request.driving)) is not None:
        yield from followed(animator, request, animator.portrait(source), template_for(animator, template))
        return
    if (driver := still_driver(request.driving)) is not None:
        yield posed(animator, source, read_driver(animator, request, driver).pixels)
        return
    portrait = animator.portrait(source)
    starts: list[Keypoints] = []

    def search() -> Iterator[Progress]:
        starts.extend((yield from find_starts(animator, request, portrait.keypoints)))

    if request.best_frame:
        deque(search(), maxlen=0)
    with open_driving(animator, request) as clip:
        for square, _ in moved_frames(animator, request, portrait, starts, clip):
            yield square


def open_outputs(
    animator: MotionModel, request: AnimationRequest, clip: Clip, files: ExitStack, deadline: Deadline
) -> tuple[Sink, Sink | None]:
    """Open the result and, if requested, the side-by-side video, both with the driver's sound."""
    assert request.output is not None
    origin = origin_of(animator.name, request.source, request.driving)
    sound = Path(request.driving) if isinstance(request.driving, str | Path) else None
    how: dict[str, Any] = {"rate": clip.rate, "origin": origin, "label": request.label, "sound_from": sound}
    sink = files.enter_context(open_sink(request.output, **how, deadline=deadline))
    if request.side_by_side is None:
        return sink, None
    return sink, files.enter_context(open_video(request.side_by_side, **how, deadline=deadline))


class Previews:
    """Writes the first preview at once and the others in the background, `SECONDS_BETWEEN_PREVIEWS` apart."""

    def __init__(self, model: str, request: AnimationRequest, writing: Background) -> None:
        self._model, self._path, self._writing = model, request.preview, writing
        self._drawn: Future[Path] | None = None
        self._shown: float | None = None

    def draw(self, driver: Image, frame: Image) -> Path | None:
        """Have driver and result written side by side, always labelled; return the last preview once it is there.

        None if none was requested, or if it is too early.
        """
        if self._path is None:
            return None
        first = self._shown is None
        if self._drawn is None and (first or time.monotonic() - (self._shown or 0) >= SECONDS_BETWEEN_PREVIEWS):
            sides = side_by_side(driver, frame)
            self._drawn = self._writing.run(lambda path: save(sides, path, model=self._model, label=True), self._path)
        if self._drawn is None or not (first or self._drawn.done()):
            return None
        path, self._drawn, self._shown = self._drawn.result(), None, time.monotonic()
        return path


def moved_frames(
    animator: MotionModel,
    request: AnimationRequest,
    portrait: Portrait,
    starts: Sequence[Keypoints],
    clip: Clip,
    deadline: Deadline = NEVER,
) -> Iterator[tuple[UInt8[np.ndarray, "s s 3"], UInt8[np.ndarray, "s s 3"]]]:
    """(result, driving frame), in batches. `starts`: see `find_starts`; without, from the first frame of each shot."""
    session = session_for(animator, request, portrait, iter(starts))
    for frames in batches(clip.frames, animator.batch):
        deadline.check()
        drivers, motions, references = zip(*frames, strict=True)
        yield from zip(session.step(drivers, motions, references), drivers, strict=True)


def find_starts(
    animator: MotionModel, request: AnimationRequest, source: Keypoints, deadline: Deadline = NEVER
) -> Generator[Progress, None, list[Keypoints]]:
    """Read the whole clip and return, for each shot, the keypoints of the frame whose pose is closest to the source's.

    One forward pass then suffices: every frame depends only on its own and the initial keypoints.
    """
    if isinstance(request.driving, Iterator):
        raise BadRequest("best_frame reads the clip twice; give a file or a list of frames")
    shots: list[list[Keypoints]] = []
    clock, done = Clock(), 0
    with open_driving(animator, request, deadline) as clip:
        for frames in batches(clip.frames, animator.batch):
            deadline.check()
            moving = [frame for frame in frames if frame.motion != "hold"]
            there = animator.keypoints([frame.pixels for frame in moving]) if moving else None
            for row, frame in enumerate(moving):
                if frame.motion == "start":
                    shots.append([])
                assert there is not None
                shots[-1].append(frame_at(there, row))
            done += len(frames)
            yield clock.progress(done, clip.total, unit="frame", task=SEARCH)
    return [shot[best_frame(source.position[0], (keypoints.position[0] for keypoints in shot))] for shot in shots]
