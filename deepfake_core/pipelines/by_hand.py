"""Drive by hand: a pose and an expression are set by numbers, and the portrait takes them without a driving clip.

The numbers move a drawn head. Where the keypoints of the weights are its landmarks, as those of the starters are, their
positions and Jacobians follow from its geometry. For other weights the head is drawn at rest and moved, and the network
detects its keypoints in both pictures. In both cases the portrait moves as the head did: relative motion transfer
(Siarohin et al., NeurIPS 2019, section 3.4).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from weakref import ref

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.motion import Keypoints, RelativeMotion, apply, transfer_motion
from deepfake_core.pipelines.controls import MOST_POSES, REST, Controls, path_through
from deepfake_core.pipelines.cropped import crop_image, name_of
from deepfake_core.pipelines.drawn_driver import detected, follows_landmarks, landmarks
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import save
from deepfake_core.pipelines.motion_model import MotionModel
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.sitter import Sitter, Sitters
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.provenance.writer import open_sink

RATE = 25
"""Frames per second of a clip."""
SITTERS = Sitters()


@dataclass(frozen=True, kw_only=True, slots=True)
class HandRequest:
    """The parameters of one picture or clip."""

    source: ImageLike
    """The portrait."""
    poses: tuple[Controls, ...]
    """One for a picture; the key frames of a clip, which begins and ends at rest."""
    output: Path
    """PNG, JPEG or WebP for a picture; `.mp4`, or a folder, for a clip."""
    crop: Crop = Face()
    label: bool = True
    """The visible label; only the operator may switch it off."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` without poses, or for too many."""
        if not 1 <= len(self.poses) <= MOST_POSES:
            raise BadRequest(f"1 to {MOST_POSES} poses are needed, got {len(self.poses)}")


def sitter(animator: MotionModel, request: HandRequest, deadline: Deadline = NEVER) -> Sitter:
    """The portrait of a request. Files are kept for a moment: a moved slider asks for the same one many times a second,
    and reading and cropping take longer than all else.
    """
    if not isinstance(request.source, str | Path):
        return _sitter(animator, request, deadline)
    path = Path(request.source)
    stamp = path.stat() if path.is_file() else None  # reading says what is wrong with it
    changed = stamp and (stamp.st_mtime_ns, stamp.st_size)
    key = (ref(animator), path.absolute(), changed, request.crop)
    return SITTERS.get(key, lambda: _sitter(animator, request, deadline))


def _sitter(animator: MotionModel, request: HandRequest, deadline: Deadline) -> Sitter:
    if animator.subject != "face":
        raise BadRequest(f"{animator.name} is not for faces; choose weights for faces to drive one by hand")
    name = name_of(request.source, "the portrait")
    how: dict[str, Any] = {"subject": animator.subject, "name": name, "deadline": deadline}
    cropped = crop_image(request.source, animator.size, request.crop, **how)
    deadline.check()
    notes = (cropped.note, *noted(mismatch(animator.name, [cropped.kind])))
    return Sitter(portrait=animator.portrait(cropped.pixels), notes=notes)


def pose_by_hand(animator: MotionModel, request: HandRequest, deadline: Deadline = NEVER) -> Finished:
    """Write the portrait in the first pose. Raises what reading, cropping and writing raise, and `TookTooLong`."""
    clock, source = Clock(), sitter(animator, request, deadline)
    moved = transferred(animator, source.portrait.keypoints, request.poses[:1])
    (made,) = animator.render(source.portrait, moved)
    path = save(made, request.output, request.source, model=animator.name, label=request.label, edited=False)
    notes = (*source.notes, *animator.runtime.notes())
    return Finished(files=(File(path=path, role="result"),), notes=notes, seconds=clock.seconds)


def clip_by_hand(
    animator: MotionModel, request: HandRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Write the portrait as it moves from rest through the poses and back. Raises what `pose_by_hand` raises."""
    clock, source, done = Clock(), sitter(animator, request, deadline), 0
    wanted, initial = path_through(request.poses), head_in(animator, (REST,))
    origin = origin_of(animator.name, request.source)
    with open_sink(request.output, rate=Fraction(RATE), origin=origin, label=request.label) as sink:
        for first in range(0, len(wanted), animator.batch):
            deadline.check()
            poses = wanted[first : first + animator.batch]
            moved = transferred(animator, source.portrait.keypoints, poses, initial)
            for frame in animator.render(source.portrait, moved):
                sink.write(frame)
                done += 1
            yield clock.progress(done, len(wanted), unit="frame")
    result = File(path=sink.path, role="result", facts={"frames": done})
    yield Finished(files=(result,), notes=(*source.notes, *animator.runtime.notes()), seconds=clock.seconds)


def posed(animator: MotionModel, source: Image, poses: Sequence[Controls]) -> list[Image]:
    """A crop of the network's size in each of the poses."""
    portrait = animator.portrait(source)
    return animator.render(portrait, transferred(animator, portrait.keypoints, poses))


def transferred(
    animator: MotionModel, source: Keypoints, poses: Sequence[Controls], initial: Keypoints | None = None
) -> Keypoints:
    """The keypoints of a portrait in each of the poses; `initial`: those of the head at rest, if they are known."""
    return transfer_motion(source, head_in(animator, poses), initial or head_in(animator, (REST,)), RelativeMotion())


def head_in(animator: MotionModel, poses: Sequence[Controls]) -> Keypoints:
    """The keypoints of the drawn head in each of the poses, as the model sees them, on its device."""
    of = landmarks if follows_landmarks(animator) else detected
    return apply(lambda part: part.to(animator.device), of(animator, poses))
