"""Drive by hand: a pose and an expression are set by numbers, and the portrait takes them without a driving clip.

The numbers move a drawn head. Where the keypoints of the weights are its landmarks, as those of the starters are, their
positions and Jacobians follow from its geometry. For other weights the head is drawn at rest and moved, and the network
detects its keypoints in both pictures. In both cases the portrait moves as the head did: relative motion transfer
(Siarohin et al., NeurIPS 2019, section 3.4).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.motion import Keypoints, RelativeMotion, apply, transfer_motion
from deepfake_core.pipelines.cropped import Cropped, crop_image, name_of
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import save
from deepfake_core.pipelines.motion_model import MotionModel
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.pixels import from_batch, from_unit
from deepfake_core.provenance.writer import open_sink
from deepfake_core.synthetic.heads import (
    KEYPOINT_LANDMARKS,
    LANDMARKS,
    HeadIdentity,
    HeadState,
    draw,
    neutral_state,
    sample_identity,
)
from deepfake_core.synthetic.heads.scene import build_scene
from deepfake_core.synthetic.heads.truth import truth

LIMITS = {
    "yaw": (-30.0, 30.0),
    "pitch": (-20.0, 20.0),
    "roll": (-20.0, 20.0),
    "scale": (0.8, 1.25),
    "shift_x": (-0.15, 0.15),
    "shift_y": (-0.15, 0.15),
    "mouth_open": (0.0, 1.0),
    "smile": (-1.0, 1.0),
}
"""Least and largest value of each control."""
SMILES = 2.0
"""Smile of the drawn head for a control of 1; that of the drawings hardly shows on a portrait."""
HEAD = 17
"""Seed of the drawn head, which has a plain face."""
NEAR = 0.05
"""Mean distance from keypoints to landmarks up to which they are the same, in units of half the picture."""
RATE = 25
"""Frames per second of a clip."""
MOVE = 20
"""Frames from one pose of a clip to the next."""
MOST_POSES = 8
_following: WeakKeyDictionary[MotionModel, bool] = WeakKeyDictionary()
"""The answers of `follows_landmarks`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Controls:
    """A pose and an expression, as a difference from the portrait's own: the defaults change nothing."""

    yaw: float | int = 0.0
    """Degrees, + to the right of the picture."""
    pitch: float | int = 0.0
    """Degrees, + up."""
    roll: float | int = 0.0
    """Degrees, + tilts the crown to the right."""
    scale: float | int = 1.0
    """Size of the head as a multiple."""
    shift_x: float | int = 0.0
    """To the right, in widths of the crop."""
    shift_y: float | int = 0.0
    """Down, in heights of the crop."""
    mouth_open: float | int = 0.0
    """0 to 1."""
    smile: float | int = 0.0
    """-1 (sad) to 1."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for a value out of range."""
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise BadRequest(f"{name} must be between {least:g} and {most:g}, got {value}")

    def towards(self, other: "Controls", share: float) -> "Controls":
        """The controls at a share of the way to others, from 0 (these) to 1."""
        here, there = asdict(self), asdict(other)
        return Controls(**{name: here[name] + share * (there[name] - here[name]) for name in here})


REST = Controls()
RESTS = "rest"
"""The text of `REST`."""


def poses_of(text: str) -> tuple[Controls, ...]:
    """The poses of a text with one a line, as `in_words` writes them: "yaw 20, smile 0.5".

    Raises `BadRequest` for an unknown control, a value that is no number or out of range, and for more than
    `MOST_POSES` lines.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_POSES:
        raise BadRequest(f"at most {MOST_POSES} poses are possible, got {len(lines)}; remove some lines")
    return tuple(_pose_of(line) for line in lines)


def _pose_of(line: str) -> Controls:
    values: dict[str, float] = {}
    for part in [] if line == RESTS else line.split(","):
        name, _, value = part.strip().partition(" ")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise BadRequest(f"{part.strip()!r} is not a control and its number, such as 'yaw 20'") from error
        if name not in LIMITS:
            raise BadRequest(f"unknown control {name!r}; choose from {', '.join(LIMITS)}")
    return Controls(**values)


def in_words(pose: Controls) -> str:
    """The values that differ from the rest: "yaw 20, smile 0.5"."""
    changed = {name: value for name, value in asdict(pose).items() if value != getattr(REST, name)}
    return ", ".join(f"{name} {value:g}" for name, value in changed.items()) or RESTS


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


def pose_by_hand(animator: MotionModel, request: HandRequest, deadline: Deadline = NEVER) -> Finished:
    """Write the portrait in the first pose. Raises what reading, cropping and writing raise, and `TookTooLong`."""
    clock, source = Clock(), _cropped(animator, request, deadline)
    deadline.check()
    (made,) = posed(animator, source.pixels, request.poses[:1])
    path = save(made, request.output, request.source, model=animator.name, label=request.label, edited=False)
    return Finished(files=(File(path=path, role="result"),), notes=_notes(animator, source), seconds=clock.seconds)


def clip_by_hand(
    animator: MotionModel, request: HandRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Write the portrait as it moves from rest through the poses and back. Raises what `pose_by_hand` raises."""
    clock, source, done = Clock(), _cropped(animator, request, deadline), 0
    portrait, wanted = animator.portrait(source.pixels), path_through(request.poses)
    moved = transferred(animator, portrait.keypoints, wanted)
    origin = origin_of(animator.name, request.source)
    with open_sink(request.output, rate=Fraction(RATE), origin=origin, label=request.label) as sink:
        for first in range(0, len(wanted), animator.batch):
            deadline.check()
            rows = slice(first, first + animator.batch)
            for frame in animator.render(portrait, apply(lambda part, rows=rows: part[rows], moved)):  # type: ignore[misc]
                sink.write(frame)
                done += 1
            yield clock.progress(done, len(wanted), unit="frame")
    result = File(path=sink.path, role="result", facts={"frames": done})
    yield Finished(files=(result,), notes=_notes(animator, source), seconds=clock.seconds)


def posed(animator: MotionModel, source: Image, poses: Sequence[Controls]) -> list[Image]:
    """A crop of the network's size in each of the poses."""
    portrait = animator.portrait(source)
    return animator.render(portrait, transferred(animator, portrait.keypoints, poses))


def path_through(poses: Sequence[Controls]) -> list[Controls]:
    """The frames of a clip from rest through all poses and back, which begins and ends every move slowly."""
    frames = [REST]
    for here, there in pairwise((REST, *poses, REST)):
        shares = [(step + 1) / MOVE for step in range(MOVE)]
        frames += [here.towards(there, share * share * (3 - 2 * share)) for share in shares]
    return frames


def transferred(animator: MotionModel, source: Keypoints, poses: Sequence[Controls]) -> Keypoints:
    """The keypoints of a portrait in each of the poses."""
    of = landmarks if follows_landmarks(animator) else detected
    initial, moved = (apply(lambda part: part.to(animator.device), of(animator, one)) for one in ((REST,), poses))
    return transfer_motion(source, moved, initial, RelativeMotion())


def follows_landmarks(animator: MotionModel) -> bool:
    """Whether the keypoints are the landmarks of drawn heads, in the order of `KEYPOINT_LANDMARKS`: on the head at rest
    they lie within `NEAR` of them. Computed once for each model.
    """
    config = animator.network.config
    if not config.jacobians or config.keypoints > len(KEYPOINT_LANDMARKS):
        return False
    if animator not in _following:
        here, there = (of(animator, (REST,)).position.cpu() for of in (detected, landmarks))
        _following[animator] = bool((here - there).norm(dim=2).mean() <= NEAR)
    return _following[animator]


def landmarks(animator: MotionModel, poses: Sequence[Controls]) -> Keypoints:
    """The landmarks of the drawn head in each of the poses, from its geometry."""
    identity, state = _head(len(poses)), states(poses)
    exact = truth(identity, state, build_scene(identity, state, animator.size))
    chosen = [LANDMARKS.index(name) for name in KEYPOINT_LANDMARKS[: animator.network.config.keypoints]]
    return Keypoints(exact.landmarks[:, chosen], exact.jacobian[:, chosen])


def detected(animator: MotionModel, poses: Sequence[Controls]) -> Keypoints:
    """The keypoints that the network detects in drawings of the head in each of the poses."""
    pictures = draw(_head(len(poses)), states(poses), animator.size).image
    return animator.keypoints(from_batch(from_unit(pictures)))


def states(poses: Sequence[Controls]) -> HeadState:
    """The states of the drawn head."""

    def row(name: str, factor: float = 1.0) -> Float[Tensor, "b"]:
        return torch.tensor([factor * getattr(pose, name) for pose in poses])

    angles = {name: row(name, math.pi / 180) for name in ("yaw", "pitch", "roll")}
    shifts = {name: row(name, 2.0) for name in ("shift_x", "shift_y")}
    return neutral_state(len(poses))._replace(
        **angles, **shifts, scale=row("scale"), mouth_open=row("mouth_open"), smile=row("smile", SMILES)
    )


def _head(count: int) -> HeadIdentity:
    one = sample_identity(1, torch.Generator().manual_seed(HEAD))
    return one.pick(torch.zeros(count, dtype=torch.long))


def _cropped(animator: MotionModel, request: HandRequest, deadline: Deadline) -> Cropped:
    if animator.subject != "face":
        raise BadRequest(
            f"{animator.name} is not for faces, which is all that can be driven by hand; choose weights for faces"
        )
    name = name_of(request.source, "the portrait")
    return crop_image(
        request.source, animator.size, request.crop, subject=animator.subject, name=name, deadline=deadline
    )


def _notes(animator: MotionModel, source: Cropped) -> tuple[str, ...]:
    return (source.note, *noted(mismatch(animator.name, [source.kind])), *animator.runtime.notes())
