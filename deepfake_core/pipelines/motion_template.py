"""Motion templates: the motion of a driving clip without its pictures, as a small file that drives any portrait.

Only the driver's keypoints take part in an animation (Siarohin et al., NeurIPS 2019, section 3.4). A template keeps
them, and those from which motion is measured. It holds no pixel, so the driver's face cannot be restored from it; how
the driver moves is still personal.
"""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, LabError
from deepfake_core.media.atomic_write import atomic_file, final_path
from deepfake_core.media.checks import existing_file
from deepfake_core.motion import Keypoints, apply, frame_at, joined, rows_of
from deepfake_core.pipelines.animation_request import AnimationRequest, batches, open_driving
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.motion_model import MotionModel
from deepfake_core.pipelines.motion_start import Motion

SUFFIX = ".npz"
MOTIONS: tuple[Motion, ...] = get_args(Motion)
"""A motion is stored as its place in here."""
MAX_BYTES = 64_000_000
"""Of all arrays; an hour of ten keypoints takes 22 MB."""
MAX_NAME = 200
"""Characters of the name of the weights, which messages show."""
FARTHEST = 100.0
"""Largest absolute value of a position or Jacobian."""
NO_TEMPLATE = "{} is not a motion template, or is damaged; record it again with 'python -m deepfake_core motion'"


@dataclass(frozen=True, kw_only=True, slots=True)
class MotionTemplate:
    """The keypoints of a driving clip."""

    weights: str
    """Whose keypoints they are: those of other weights mean other places."""
    rate: Fraction
    """Frames per second."""
    motions: tuple[Motion, ...]
    """What each frame does."""
    moving: Keypoints
    """Of the frames that do not hold, in order."""
    starts: Keypoints
    """From which motion is measured, one row for each frame that starts it."""

    def save(self, path: str | Path) -> Path:
        """Write an `.npz` file and return its path. Raises `BadRequest` for another suffix or an unwritable path."""
        path = final_path(path)
        if path.suffix.lower() != SUFFIX:
            raise BadRequest(f"a motion template ends in {SUFFIX}, not {path.name}")
        arrays: dict[str, Any] = {
            "weights": np.array(self.weights),
            "rate": np.array(self.rate.as_integer_ratio(), np.int64),
            "motions": np.array([MOTIONS.index(one) for one in self.motions], np.uint8),
        }
        for name, points in (("moving", self.moving), ("starts", self.starts)):
            for part, values in points._asdict().items():
                if values is not None:
                    arrays[f"{name}_{part}"] = values.float().cpu().numpy()
        with atomic_file(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        return path

    @classmethod
    def load(cls, path: str | Path) -> "MotionTemplate":
        """Read a template; nothing in it is executed. Raises `MissingFile`, and `BadRequest` for any other file."""
        path = existing_file(path)
        try:
            with zipfile.ZipFile(path) as archive:
                if sum(one.file_size for one in archive.infolist()) > MAX_BYTES:
                    raise BadRequest(f"{path.name} holds more than {MAX_BYTES // 1_000_000} MB; record a shorter clip")
            with np.load(path, allow_pickle=False) as arrays:
                template = cls.of_arrays(arrays)
        except LabError:
            raise
        except Exception as error:  # of damaged files zipfile, zlib and numpy raise a dozen kinds
            raise BadRequest(NO_TEMPLATE.format(path.name)) from error
        return template

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any]) -> "MotionTemplate":
        """The template of a file's arrays. Raises `ValueError`, `KeyError` or `IndexError` for impossible ones."""
        numerator, denominator = (int(one) for one in arrays["rate"])
        motions = tuple(MOTIONS[int(one)] for one in arrays["motions"])
        moving, starts = (points_of(arrays, name) for name in ("moving", "starts"))
        template = cls(
            weights=str(arrays["weights"]), rate=Fraction(numerator, denominator), motions=motions, moving=moving,
            starts=starts,
        )  # fmt: skip
        counts = (sum(one != "hold" for one in motions), motions.count("start"))
        if (len(moving.position), len(starts.position)) != counts or not 0 < template.rate <= 1000 or not counts[1]:
            raise ValueError("the parts do not belong together")
        if not 0 < len(template.weights) <= MAX_NAME or not template.weights.isprintable():
            raise ValueError("no name of weights")
        return template

    def on(self, device: torch.device) -> "MotionTemplate":
        """The same with its keypoints on a device."""
        moving, starts = (apply(lambda part: part.to(device), one) for one in (self.moving, self.starts))
        return replace(self, moving=moving, starts=starts)

    def batches(self, count: int) -> Iterator[tuple[tuple[Motion, ...], Keypoints | None]]:
        """At most `count` consecutive frames each: what they do, and the keypoints of those that do not hold."""
        done = 0
        for first in range(0, len(self.motions), count):
            motions = self.motions[first : first + count]
            moving = sum(one != "hold" for one in motions)
            yield motions, rows_of(self.moving, done, done + moving) if moving else None
            done += moving


def points_of(arrays: Mapping[str, Any], name: str) -> Keypoints:
    """The keypoints of that name. Raises `ValueError` and `KeyError` as `MotionTemplate.of_arrays` does."""
    position = checked(arrays[f"{name}_position"], 3)
    if f"{name}_jacobian" not in arrays:
        return Keypoints(position)
    jacobian = checked(arrays[f"{name}_jacobian"], 4)
    if jacobian.shape != (*position.shape, 2):
        raise ValueError("the Jacobians are not those of the positions")
    return Keypoints(position, jacobian)


def checked(values: Any, dimensions: int) -> Tensor:
    """Finite numbers of a sensible size, with a last axis of 2. Raises `ValueError` for others."""
    array = np.asarray(values, np.float32)
    if array.ndim != dimensions or array.shape[-1] != 2 or not (np.abs(array) <= FARTHEST).all():
        raise ValueError("impossible keypoints")
    return torch.from_numpy(array)


def record(
    animator: MotionModel, request: AnimationRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Write the motion of the driving clip to the request's output: yields `Progress` per frame, then `Finished`.

    Of the request only the driver, its crop and limits, and the start take part. Raises `BadRequest` without an output,
    `TookTooLong`, and what reading and writing raise.
    """
    if request.output is None:
        raise BadRequest(f"a motion template needs an output; name one, such as motion{SUFFIX}")
    clock, motions = Clock(), list[Motion]()
    moving, starts = list[Keypoints](), list[Keypoints]()
    with open_driving(animator, request, deadline) as clip:
        for frames in batches(clip.frames, animator.batch):
            deadline.check()
            live = [frame for frame in frames if frame.motion != "hold"]
            there = animator.keypoints([frame.pixels for frame in live]) if live else None
            for row, frame in enumerate(live):
                assert there is not None
                if frame.motion == "start":
                    reference = frame.reference
                    starts.append(frame_at(there, row) if reference is None else animator.keypoints([reference]))
            moving += [] if there is None else [there]
            motions += [frame.motion for frame in frames]
            yield clock.progress(len(motions), clip.total, unit="frame")
    on_cpu = [apply(lambda part: part.float().cpu(), joined(parts)) for parts in (moving, starts)]
    template = MotionTemplate(
        weights=animator.name, rate=clip.rate, motions=tuple(motions), moving=on_cpu[0], starts=on_cpu[1]
    )
    crops = (f"Driving clip: {clip.crop.note}",) if clip.crop else ()
    yield Finished(
        files=(File(path=template.save(request.output), role="result", facts={"frames": len(motions)}),),
        notes=(*crops, *clip.notes),
        seconds=clock.seconds,
    )
