"""The form of the Image Animation tab, and its request."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import Upload, chosen
from deepfake_core.ui.widgets.face_choice import ChosenFace, face_number
from deepfake_core.ui.widgets.stage import made_from, result_name

if TYPE_CHECKING:
    from deepfake_core.faces import Crop
    from deepfake_core.pipelines.animation import AnimationRequest
    from deepfake_core.pipelines.controls import Region

MANUAL = "hand"
"""The choice for a crop set by sliders."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnimationForm:
    """The values of the tab's widgets."""

    model: str | None
    """Weights or an automatic choice."""
    source: Upload
    source_face: ChosenFace | None
    source_left: float | int
    """Manual crop in percent: see `crop_of`."""
    source_top: float
    source_side: float
    driving: Upload
    driving_face: ChosenFace | None
    driving_left: float
    driving_top: float
    driving_side: float
    crop: str
    """`auto`, `none` or `MANUAL`."""
    motion: str
    adapt_scale: bool
    strength: float
    region: "Region"
    best_frame: bool
    start: float
    """Seconds."""
    smoothing: float
    paste_back: bool
    side_by_side: bool

    @property
    def inputs(self) -> tuple[Path, Path]:
        """Portrait and driving clip. Raises `BadRequest` if one is missing."""
        return chosen(self.source, "portrait"), chosen(self.driving, "driving clip")

    @property
    def files(self) -> dict[str, str]:
        """The names of the results, by the request's fields."""
        source, driving = self.inputs
        name = result_name(source.stem, "driven by", driving.stem)
        second = {"side_by_side": f"{name}-side-by-side.mp4"} if self.side_by_side else {}
        return {"output": f"{name}.mp4", "preview": "live.jpg", **second}

    def made_from(self, weights: str) -> str:
        """What the result was made from, as a sentence."""
        source, driving = self.inputs
        return made_from(weights, f"portrait {source.stem}", f"clip {driving.stem}")

    def request(self) -> "AnimationRequest":
        """The request, without outputs."""
        from deepfake_core.pipelines.animation import AnimationRequest
        from deepfake_core.pipelines.animator import transfer_named

        source, driving = self.inputs
        return AnimationRequest(
            source=source,
            driving=driving,
            transfer=transfer_named(self.motion, self.adapt_scale, self.strength),
            best_frame=self.best_frame,
            start=float(self.start),
            smoothing=float(self.smoothing),
            region=self.region if self.motion == "relative" else "all",
            source_crop=crop_of(
                self.crop,
                self.source_left,
                self.source_top,
                self.source_side,
                face=face_number(self.source_face, self.source),
            ),
            driving_crop=crop_of(
                self.crop,
                self.driving_left,
                self.driving_top,
                self.driving_side,
                face=face_number(self.driving_face, self.driving),
            ),
            paste_back=self.paste_back,
            max_seconds=settings().clip_seconds,
            max_frames=settings().clip_frames,
        )


def crop_of(choice: str, left: float, top: float, side: float, *, face: int = 1) -> "Crop":
    """The selected crop. The sliders set a manual one; `face` is the number of the face of an automatic one.

    `left`, `top` and `side` are percentages of the picture's width, height and shorter side.
    """
    from deepfake_core.faces import Manual, crop_named

    if choice == MANUAL:
        return Manual(left=left / 100, top=top / 100, side=side / 100)
    return crop_named(choice, face=face)
