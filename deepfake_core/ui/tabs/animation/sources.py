"""What Image Animation works on: the portrait and the driving clip, each with its crop."""

from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.settings import settings
from deepfake_core.ui.tabs.animation.framing import Framing
from deepfake_core.ui.widgets.examples import ExampleRow
from deepfake_core.ui.widgets.picture import PictureInput


class Portrait:
    """A portrait and the square that the network sees of it."""

    def __init__(self, examples: list[Path]) -> None:
        self.picture = PictureInput("Portrait", "portrait", [ExampleRow("Example portraits", examples)])
        self.framing = Framing("portrait", _preview_picture)

    def render(self) -> None:
        self.picture.render()
        self.framing.render()

    def listen(self, page: gr.Blocks, crop: gr.Radio) -> None:
        self.picture.listen(page)
        self.framing.listen(page, self.picture.file, crop)

    @property
    def file(self) -> gr.Image:
        return self.picture.file


class DrivingClip:
    """A clip (upload, webcam or an example) and the square that the network sees of it."""

    def __init__(self, examples: list[Path]) -> None:
        self.examples = examples
        self.row = ExampleRow("Example clips", examples)
        self.framing = Framing("driving clip", _preview_clip)

    def render(self) -> None:
        self.file = gr.Video(
            label="Driving clip",
            value=str(self.examples[0]) if self.examples else None,
            format=None,  # no conversion: our own reader takes what ffmpeg takes
            include_audio=True,
            sources=["upload", "webcam"],
            webcam_options=gr.WebcamOptions(mirror=False),
            height=320,
            elem_id="driver",
            elem_classes="media",
        )
        self.row.render(self.file)
        self.framing.render()

    def listen(self, page: gr.Blocks, crop: gr.Radio) -> None:
        self.row.listen(page)
        self.framing.listen(page, self.file, crop)


def _preview_picture(*values: Any, **options: Any) -> Any:
    from deepfake_core.pipelines.crop_preview import preview_crop  # imports torch, for which the page need not wait

    return preview_crop(*values, **options)


def _preview_clip(*values: Any, **options: Any) -> Any:
    from deepfake_core.pipelines.crop_preview import preview_clip_crop

    return preview_clip_crop(*values, **options, max_seconds=settings().clip_seconds)
