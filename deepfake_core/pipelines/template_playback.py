"""Animation by a motion template instead of a driving clip."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.motion import frame_at
from deepfake_core.pipelines.animation_request import AnimationRequest, read_source, session_for
from deepfake_core.pipelines.background import Background
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.motion_model import MotionModel, Portrait
from deepfake_core.pipelines.motion_template import SUFFIX, MotionTemplate
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.provenance.writer import open_sink


def template_driver(driving: ImageLike | Iterable[Image]) -> Path | None:
    """The driver if it is the file of a motion template."""
    return Path(driving) if isinstance(driving, str | Path) and Path(driving).suffix.lower() == SUFFIX else None


def play(
    animator: MotionModel, request: AnimationRequest, path: Path, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Animate into a file by the template at `path`: yields `Progress` per frame, then `Finished`.

    Raises `BadRequest` for options that need the driver's pictures and for a template of other weights, `TookTooLong`,
    and what reading, cropping and writing raise.
    """
    assert request.output is not None
    if request.side_by_side is not None or request.best_frame:
        raise BadRequest(f"{path.name} holds no pictures: there is no side-by-side video and no best frame of it")
    template, source = template_for(animator, path), read_source(animator, request, deadline)
    pasted = source.for_video() if request.paste_back else None
    clock, done, total = Clock(), 0, len(template.motions)
    origin = origin_of(animator.name, request.source, path)
    with (
        open_sink(request.output, rate=template.rate, origin=origin, label=request.label, deadline=deadline) as result,
        Background() as writing,
    ):
        for square in followed(animator, request, animator.portrait(source.pixels), template):
            deadline.check()
            writing.run(result.write, pasted.paste(square) if pasted else square)
            done += 1
            yield clock.progress(done, total, unit="frame")
    unsuited = mismatch(animator.name, [source.kind])
    yield Finished(
        files=(File(path=result.path, role="result", facts={"frames": done}),),
        seconds=clock.seconds,
        notes=(f"Portrait: {source.note}", *noted(unsuited), *animator.runtime.notes()),
        mismatch=unsuited,
    )


def template_for(animator: MotionModel, path: Path) -> MotionTemplate:
    """The template in a file. Raises `BadRequest` if it was recorded with other weights, and what reading raises."""
    template = MotionTemplate.load(path)
    if template.weights != animator.name:
        raise BadRequest(
            f"{path.name} was recorded with {template.weights}, whose keypoints are at other places than those of "
            f"{animator.name}; choose those weights, or record the clip again"
        )
    return template


def followed(
    animator: MotionModel, request: AnimationRequest, portrait: Portrait, template: MotionTemplate
) -> Iterator[Image]:
    """The frames of the network's size, in batches."""
    here = template.on(animator.device)
    starts = (frame_at(here.starts, row) for row in range(len(here.starts.position)))
    session = session_for(animator, request, portrait, starts)
    for motions, keypoints in here.batches(animator.batch):
        yield from session.follow(keypoints, motions)
