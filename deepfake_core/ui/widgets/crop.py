"""A preview of the crop that a network gets, and a note on how it was chosen."""

import html
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.server.messages import SMALLER
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.widgets.advice import Advice
from deepfake_core.ui.widgets.errors import ErrorMessage, Update
from deepfake_core.ui.widgets.face_choice import ChosenFace, FaceChoice, face_number
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.wiring import READS_FILE

if TYPE_CHECKING:
    from deepfake_core.pipelines.crop_preview import CropPreview

FACE_CROPS = [("Around the face", "auto"), ("Whole picture", "none")]
SCENE_CROPS = [("Centre square", "auto"), ("Whole picture", "whole")]


class CropPicture:
    """A thumbnail in which the crop is bright and the rest is dim."""

    def __init__(self, what: str) -> None:
        self.what = what

    def render(self) -> None:
        with gr.Row(elem_classes="crop-preview"):
            self.picture = gr.Image(
                label=f"Crop of the {self.what}",
                alt_text=f"The part of the {self.what} that the network gets is bright; the rest is dim.",
                show_label=False,
                format="jpeg",
                height=112,
                min_width=112,
                interactive=False,
                visible=False,
                buttons=[],
            )
            self.note = gr.HTML("Reading the picture …", elem_classes="quiet")

    @property
    def outputs(self) -> list[Block]:
        return [self.picture, self.note]

    def nothing(self) -> Update:
        return {self.picture: gr.Image(None, visible=False), self.note: ""}

    def shown(self, preview: "CropPreview") -> Update:
        """A crop of (almost) the whole picture is not drawn: it would show the same face once more."""
        picture = gr.Image(None if preview.whole else str(preview.path), visible=not preview.whole)
        return {self.picture: picture, self.note: html.escape(preview.note)}


class Preview:
    """The crop of a source picture, shown before a run."""

    def __init__(self, what: str, models: ModelPicker, advice: str) -> None:
        """`advice` is the element id of the line that says that other weights suit the picture better."""
        self.crop_picture, self.models, self.faces = CropPicture(what), models, FaceChoice(what)
        self.error_message, self.advice = ErrorMessage(), Advice(advice)

    def render(self) -> None:
        self.crop_picture.render()
        self.advice.render()
        self.faces.render()
        self.error_message.render()

    def listen(self, triggers: list[Any], file: gr.Image, crop: gr.Radio) -> Any:
        """Update the preview when file, face, weights or crop change, and on `triggers`.

        Returns a trigger that fires when another face has been chosen.
        """
        face_changed = self.faces.listen(file)
        for trigger in [*triggers, file.change, crop.change, *self.models.changed, face_changed]:
            trigger(
                self.show,
                inputs=[file, crop, self.models.name, self.faces.chosen],
                outputs=[
                    *self.crop_picture.outputs,
                    *self.faces.outputs,
                    *self.advice.outputs,
                    *self.error_message.outputs,
                ],
                preprocess=False,
                **READS_FILE,
            )
        self.error_message.listen(crop)
        return face_changed

    def show(self, upload: Upload, crop: str, model: str | None, face: ChosenFace | None) -> Iterator[Update]:
        """Draw the crop; the file exists until the update has been sent."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.crop_preview import preview_crop

        nothing = self.crop_picture.nothing() | self.faces.hidden() | self.advice.shown(None)
        with TemporaryDirectory(prefix="deepfake-lab-") as folder:
            try:
                path, output = path_of(upload), Path(folder) / "crop.jpg"
                if path is None:
                    yield nothing | self.error_message.clear()
                    return
                drawn = preview_crop(
                    path,
                    crop_named(crop, ("auto", "none", "whole"), face=face_number(face, upload)),
                    output,
                    subject=self.models.subject(model),
                    deadline=Deadline.after(settings().look_seconds, SMALLER),
                )
            except Exception as error:
                yield nothing | self.error_message.show(error)
            else:
                shown = self.crop_picture.shown(drawn) | self.faces.shown(drawn) | self.error_message.clear()
                yield shown | self.advice.shown(self.models.mismatch(model, drawn.kind) if drawn.kind else None)
