"""What a network sees of a picture: the bright square, and a line about how it was chosen."""

import html
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.form import Upload, path_of
from deepfake_core.ui.models import ModelChoice
from deepfake_core.ui.trouble import SMALLER, Trouble, Update

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
            self.note = gr.HTML("Looking at the picture …", elem_classes="quiet")

    @property
    def outputs(self) -> list[Block]:
        return [self.picture, self.note]

    def nothing(self) -> Update:
        return {self.picture: None, self.note: ""}

    def shown(self, found: "CropPreview") -> Update:
        return {self.picture: str(found.path), self.note: html.escape(found.note)}


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
                show_progress="hidden",
                concurrency_id="framing",
                concurrency_limit=2,
                api_visibility="private",
            )
        self.trouble.listen(crop)

    def show(self, upload: Upload, crop: str, model: str | None) -> Update:
        try:
            deadline = Deadline.after(settings().look_seconds, SMALLER)
            path = path_of(upload)
            if path is None:
                return self.crop_picture.nothing() | self.trouble.clear()
            if crop == "whole":
                view = squares.look_at_all(path, deadline=deadline)
            else:
                subject: Any = self.models.subject(model)
                view = squares.look(path, THUMBNAIL, subject=subject, crop=crop, deadline=deadline)
        except Exception as error:
            return self.crop_picture.nothing() | self.trouble.tell(error)
        return self.crop_picture.shown(view.picture, view.box, view.note) | self.trouble.clear()


SHOWN = 640
"""Pixels of the longer side of the preview, which is a tenth of the page."""
THUMBNAIL = 64
"""Pixels of the square that is cut here and thrown away: only its place is shown."""
