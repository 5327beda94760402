"""The crop of a picture or clip: a preview, and sliders for a manual crop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.tabs.animation.form import MANUAL, crop_of
from deepfake_core.ui.widgets.advice import Advice
from deepfake_core.ui.widgets.crop import CropPicture
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.face_choice import ChosenFace, FaceChoice, face_number
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.wiring import READS_FILE

if TYPE_CHECKING:
    from deepfake_core.faces import Manual
    from deepfake_core.pipelines.crop_preview import CropPreview

CROPS = [("Around the face", "auto"), ("Whole picture", "none"), ("Manual", MANUAL)]


class CropControls:
    """The crop preview of one file, and the sliders that move it."""

    def __init__(self, what: str, preview: "Callable[..., CropPreview]", models: ModelPicker) -> None:
        """`preview` draws the crop of a file; see `pipelines.crop_preview`."""
        self.what, self.preview, self.models = what, preview, models
        self.crop_picture, self.faces = CropPicture(what), FaceChoice(what)
        self.error_message, self.advice = ErrorMessage(), Advice(f"{what.replace(' ', '-')}-advice")

    def render(self) -> None:
        self.crop_picture.render()
        self.advice.render()
        self.faces.render()
        with gr.Column(visible=False, elem_classes="manual-crop") as self.manual:
            self.left = gr.Slider(0, 90, 0, step=0.1, label=f"{self.what.capitalize()}: left, %")
            self.top = gr.Slider(0, 90, 0, step=0.1, label=f"{self.what.capitalize()}: top, %")
            self.side = gr.Slider(10, 100, 100, step=0.1, label=f"{self.what.capitalize()}: size, %")
        self.error_message.render()

    @property
    def inputs(self) -> dict[str, gr.components.Component]:
        """The values by the suffixes of their names in `AnimationForm`."""
        return {"face": self.faces.chosen, "left": self.left, "top": self.top, "side": self.side}

    @property
    def sliders(self) -> list[gr.Slider]:
        return [self.left, self.top, self.side]

    def listen(self, page: gr.Blocks, file: gr.Image | gr.Video, crop: gr.Radio) -> None:
        """Update the preview when the page opens, and when file, face, crop or sliders change."""
        outputs = [
            *self.crop_picture.outputs,
            *self.faces.outputs,
            *self.advice.outputs,
            self.manual,
            *self.sliders,
            *self.error_message.outputs,
        ]
        event: dict[str, Any] = {
            "fn": self.show,
            "inputs": [file, crop, self.models.name, self.faces.chosen, *self.sliders],
            "outputs": outputs,
            "preprocess": False,
            "trigger_mode": "always_last",
            **READS_FILE,
        }
        gr.on([page.load, file.change, crop.change, *(slider.input for slider in self.sliders)], **event)
        for trigger in (self.faces.listen(file), *self.models.changed):
            trigger(**event)
        self.error_message.listen(crop)

    def show(
        self,
        upload: Upload,
        crop: str,
        model: str | None,
        face: ChosenFace | None,
        left: float,
        top: float,
        side: float,
    ) -> Iterator[Update]:
        """Draw the crop. An automatic crop also sets the hidden sliders, as the start of a manual crop."""
        manual = {self.manual: gr.Column(visible=crop == MANUAL)}
        nothing = self.crop_picture.nothing() | self.faces.hidden() | self.advice.shown(None) | manual
        try:
            path = path_of(upload)
            if path is None:
                yield nothing | self.error_message.clear()
                return
            deadline = Deadline.after(settings().look_seconds, SMALLER)
            with TemporaryDirectory(prefix="deepfake-lab-") as folder:
                wanted = crop_of(crop, left, top, side, face=face_number(face, upload))
                output, subject = Path(folder) / "crop.jpg", self.models.subject(model)
                found = self.preview(path, wanted, output, subject=subject, deadline=deadline)
                sliders = self._sliders_at(found.crop) if crop != MANUAL and found.crop else {}
                shown = self.crop_picture.shown(found) | self.faces.shown(found) | self._advised(found, model)
                yield shown | sliders | manual | self.error_message.clear()
        except Exception as error:
            yield nothing | self.error_message.show(error)

    def _advised(self, found: "CropPreview", model: str | None) -> Update:
        """Whether other weights suit the portrait better; a clip of any kind may drive."""
        return self.advice.shown(self.models.mismatch(model, found.kind) if found.kind else None)

    def _sliders_at(self, crop: "Manual") -> Update:
        """The slider values of a crop, clamped to their ranges."""
        fractions = zip(self.sliders, (crop.left, crop.top, crop.side), strict=True)
        return {slider: min(max(round(100 * one, 1), slider.minimum), slider.maximum) for slider, one in fractions}
