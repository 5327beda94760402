"""The choice among several faces of a picture: numbered thumbnails, and a radio button for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.server.uploaded import Upload, upload_id
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.wiring import QUIET

if TYPE_CHECKING:
    from deepfake_core.pipelines.crop_preview import CropPreview

MAX_FACES = 6
"""The most faces to choose from: the largest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenFace:
    """A face that the visitor chose in one picture."""

    of: str | None
    """The upload, so that the choice ends with it."""
    number: int


def face_number(chosen: ChosenFace | None, upload: Upload) -> int:
    """The number of the face to use in `upload`: the largest unless another was chosen in this very picture."""
    return chosen.number if chosen is not None and chosen.of == upload_id(upload) else 1


class FaceChoice:
    """Hidden while a picture has one face; `chosen`, a `ChosenFace`, is an input of whatever crops the picture."""

    def __init__(self, what: str) -> None:
        self.what = what

    def render(self) -> None:
        self.chosen = gr.State(None)
        with gr.Column(visible=False) as self.column:
            self.thumbnails = gr.Image(
                label=f"Faces of the {self.what}",
                alt_text=f"The faces of the {self.what}, the largest first, in the order of the numbers below.",
                show_label=False,
                format="jpeg",
                height=96,
                interactive=False,
                buttons=[],
            )
            self.number = gr.Radio(
                [str(number) for number in range(1, MAX_FACES + 1)], value="1", label=f"Face of the {self.what}"
            )

    @property
    def outputs(self) -> list[Block]:
        return [self.column, self.thumbnails, self.number]

    def listen(self, file: gr.Image | gr.Video) -> Callable[..., Any]:
        """Keep the choice; return a trigger that fires when it has changed."""
        event = self.number.input(
            lambda upload, number: ChosenFace(of=upload_id(upload), number=int(number)),
            inputs=[file, self.number],
            outputs=self.chosen,
            preprocess=False,
            **QUIET,
        )
        return event.then

    def shown(self, preview: "CropPreview") -> Update:
        """Thumbnails and numbers if there are several faces."""
        count = min(preview.faces, MAX_FACES)
        if preview.thumbnails is None or count < 2:
            return self.hidden()
        numbers = [str(number) for number in range(1, count + 1)]
        return {
            self.column: gr.Column(visible=True),
            self.thumbnails: str(preview.thumbnails),
            self.number: gr.Radio(choices=numbers, value=str(preview.face)),
        }

    def hidden(self) -> Update:
        return {self.column: gr.Column(visible=False), self.thumbnails: None, self.number: "1"}
