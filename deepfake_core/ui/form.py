"""What the visitor filled in, and the request that it makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, LabError
from deepfake_core.settings import settings

if TYPE_CHECKING:
    from deepfake_core.faces import Box
    from deepfake_core.pipelines.animation import AnimationRequest


@dataclass(frozen=True, slots=True)
class Withheld:
    """Stands for an upload that may not be used yet: a handler that asks for its path gets the error instead."""

    error: LabError


Upload = Mapping[str, Any] | Withheld | None
"""A file as `uploads` hands it on: `path` is a name for this run alone, `upload` the one that stays the same while the
file lies in its place on the page. Our readers open it."""


Uploads = Sequence[Mapping[str, Any] | Withheld] | None
"""Several of them."""


def path_of(upload: Upload) -> Path | None:
    """Where an uploaded file lies; None when there is none. Raises why it is withheld."""
    if isinstance(upload, Withheld):
        raise upload.error
    return Path(upload["path"]) if upload and upload.get("path") else None


def upload_id(upload: Upload) -> str | None:
    """What tells one upload from another, from run to run; None when there is none. Raises why it is withheld."""
    path = path_of(upload)
    return str(upload.get("upload", path)) if path and isinstance(upload, Mapping) else None


def chosen(upload: Upload, what: str) -> Path:
    """Where an uploaded file lies; `BadRequest` when there is none."""
    path = path_of(upload)
    if path is None:
        raise BadRequest(f"there is no {what} yet; upload one or click an example")
    return path


def paths_of(uploads: Uploads) -> tuple[Path, ...]:
    """Where uploaded files lie."""
    return tuple(path for path in map(path_of, uploads or ()) if path)


@dataclass(frozen=True, slots=True)
class ByHand:
    """A square that the visitor set with sliders, in percent of the picture."""

    left: float
    """Of its width."""
    top: float
    """Of its height."""
    side: float
    """Of its shorter side."""

    def box(self, width: int, height: int) -> "Box":
        """The same square in pixels. Raises `BadRequest` when it is empty."""
        from deepfake_core.faces import Box

        side = self.side / 100 * min(width, height)
        return Box(left=self.left / 100 * width, top=self.top / 100 * height, side=side)

    @classmethod
    def of(cls, box: "Box", width: int, height: int) -> "ByHand":
        """The slider positions that stand for `box`."""
        shares = box.left / width, box.top / height, box.side / min(width, height)
        return cls(*(round(100 * share, 1) for share in shares))


@dataclass(frozen=True, slots=True)
class Form:
    """The values of the tab's widgets, in the order in which the handlers receive them."""

    source: Upload
    source_left: float
    source_top: float
    source_side: float
    driving: Upload
    driving_left: float
    driving_top: float
    driving_side: float
    crop: str
    """`auto`, `none` or `hand`."""
    motion: str
    adapt_scale: bool
    best_frame: bool
    smoothing: float
    paste_back: bool
    side_by_side: bool

    def request(self, folder: Path | None = None, *, deadline: Deadline = NEVER) -> "AnimationRequest":
        """The animation that the form asks for, written into `folder`. Raises what reading the files' sizes raises."""
        from deepfake_core.pipelines.animation import AnimationRequest
        from deepfake_core.pipelines.animator import transfer_named

        source, driving = chosen(self.source, "portrait"), chosen(self.driving, "driving clip")
        name = f"{source.stem}-{driving.stem}"[:80]
        by_hand = self.crop == "hand"
        return AnimationRequest(
            source=source,
            driving=driving,
            output=folder / f"{name}.mp4" if folder else None,
            side_by_side=folder / f"{name}-side-by-side.mp4" if folder and self.side_by_side else None,
            transfer=transfer_named(self.motion, self.adapt_scale),
            best_frame=self.best_frame,
            smoothing=float(self.smoothing),
            crop="none" if self.crop == "none" else "auto",
            source_box=self._source_box(source, deadline) if by_hand else None,
            driving_box=self._driving_box(driving, deadline) if by_hand else None,
            paste_back=self.paste_back,
            max_seconds=settings().clip_seconds,
            max_frames=settings().clip_frames,
        )

    def _source_box(self, path: Path, deadline: Deadline) -> "Box":
        from deepfake_core.media.images import read_image

        longest = settings().working_side  # the box is of the picture as the pipeline will read it
        height, width = read_image(path, longest=longest, deadline=deadline).shape[:2]
        return ByHand(self.source_left, self.source_top, self.source_side).box(width, height)

    def _driving_box(self, path: Path, deadline: Deadline) -> "Box":
        from deepfake_core.media.decode import read_frames

        with read_frames(
            path, deadline=deadline
        ) as frames:  # a large clip is scaled down while it is read, and the box is of that size
            width, height = frames.info.width, frames.info.height
        return ByHand(self.driving_left, self.driving_top, self.driving_side).box(width, height)
