"""The source picture: upload, webcam, clipboard or an example, and its crop."""

from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.ui.examples import ExampleRow
from deepfake_core.ui.framing import Framing

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import Frame


class SourcePicture:
    """A portrait and the square that the network sees of it."""

    def __init__(self, examples: list[Path]) -> None:
        self.examples = examples
        self.row = ExampleRow("Example portraits", examples)
        self.framing = Framing("portrait", read)

    def render(self) -> None:
        self.file = gr.Image(
            label="Portrait",
            value=str(self.examples[0]) if self.examples else None,
            type="filepath",
            image_mode=None,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False),
            height=320,
            alt_text="The portrait that will be moved",
            buttons=[],
            elem_id="portrait",
            elem_classes="media",
        )
        self.row.render(self.file)
        self.framing.render()

    def listen(self, page: gr.Blocks, crop: gr.Radio) -> None:
        self.row.listen(page)
        self.framing.listen(page, self.file, crop)


def read(path: Path) -> "list[Frame]":
    """The picture, as a list of one frame. Raises `LabError` in its kinds."""
    from deepfake_core.media.images import read_image

    return [read_image(path)]
