"""What a network sees of a picture: the bright square, and a line about how it was chosen."""

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
from deepfake_core.ui.widgets.errors import Trouble, Update
from deepfake_core.ui.widgets.model_picker import ModelChoice
from deepfake_core.ui.wiring import READS_FILE

if TYPE_CHECKING:
    from deepfake_core.pipelines.crop_preview import CropPreview

FACE_CROPS = [("Around the face", "auto"), ("Whole picture", "none")]
SCENE_CROPS = [("Square from the middle", "auto"), ("Whole picture", "whole")]


class CropPicture:
    """A small picture whose bright square is what the network sees."""

    def __init__(self, what: str) -> None:
        self.what = what

    def render(self) -> None:
        with gr.Row(elem_classes="framing"):
            self.picture = gr.Image(
                label=f"Crop of the {self.what}",
                alt_text=f"The part of the {self.what} that the network sees is bright, the rest is dim.",
                show_label=False,
                format="jpeg",
                height=112,
                min_width=112,
                interactive=False,
                buttons=[],
            )
            self.note = gr.HTML("Reading the picture …", elem_classes="quiet")

    @property
    def outputs(self) -> list[Block]:
        return [self.picture, self.note]

    def nothing(self) -> Update:
        return {self.picture: None, self.note: ""}

    def shown(self, preview: "CropPreview") -> Update:
        return {self.picture: str(preview.path), self.note: html.escape(preview.note)}


class Preview:
    """What a translator sees of its source, shown before anything runs."""

    def __init__(self, what: str, models: ModelChoice) -> None:
        self.crop_picture, self.models = CropPicture(what), models
        self.trouble = Trouble()

    def render(self) -> None:
        self.crop_picture.render()
        self.trouble.render()

    def listen(self, triggers: list[Any], file: gr.Image, crop: gr.Radio) -> None:
        """Show the crop anew whenever file, weights or kind of crop change, and at `triggers`."""
        for trigger in [*triggers, file.change, crop.change, self.models.name.input]:
            trigger(
                self.show,
                inputs=[file, crop, self.models.name],
                outputs=[*self.crop_picture.outputs, self.trouble.text, self.trouble.whole],
                preprocess=False,
                **READS_FILE,
            )
        self.trouble.listen(crop)

    def show(self, upload: Upload, crop: str, model: str | None) -> Iterator[Update]:
        """Draw the crop; its file is there until the update has been sent."""
        from deepfake_core.faces import crop_named
        from deepfake_core.pipelines.crop_preview import preview_crop

        with TemporaryDirectory(prefix="deepfake-lab-") as folder:
            try:
                path, output = path_of(upload), Path(folder) / "crop.jpg"
                if path is None:
                    yield self.crop_picture.nothing() | self.trouble.clear()
                    return
                drawn = preview_crop(
                    path,
                    crop_named(crop, ("auto", "none", "whole")),
                    output,
                    subject=self.models.subject(model),
                    deadline=Deadline.after(settings().look_seconds, SMALLER),
                )
            except Exception as error:
                yield self.crop_picture.nothing() | self.trouble.tell(error)
            else:
                yield self.crop_picture.shown(drawn) | self.trouble.clear()
