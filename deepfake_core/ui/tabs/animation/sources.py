"""The inputs of Image Animation: portrait and driving clip, each with its crop."""

from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.settings import settings
from deepfake_core.ui.tabs.animation.crop_controls import CropControls
from deepfake_core.ui.widgets.examples import ExampleRow, first_of
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.picture import PictureInput

PORTRAIT, CLIP = "chloe", "sing"
"""The examples that are selected when the page opens: they show the method at its best."""


class Portrait:
    """A portrait and its crop."""

    def __init__(self, examples: list[Path], models: ModelPicker) -> None:
        self.picture = PictureInput("Portrait", "portrait", [ExampleRow("Example portraits", examples)], PORTRAIT)
        self.crop_controls = CropControls("portrait", _preview_picture, models)

    def render(self) -> None:
        self.picture.render()
        self.crop_controls.render()

    def listen(self, page: gr.Blocks, crop: gr.Radio) -> None:
        self.picture.listen(page)
        self.crop_controls.listen(page, self.picture.file, crop)

    @property
    def file(self) -> gr.Image:
        return self.picture.file


class DrivingClip:
    """A clip (upload, webcam or example) and its crop."""

    def __init__(self, examples: list[Path], models: ModelPicker) -> None:
        self.examples, self.first = examples, first_of(examples, CLIP)
        self.row = ExampleRow("Example clips", examples)
        self.crop_controls = CropControls("driving clip", _preview_clip, models)

    def render(self) -> None:
        self.file = gr.Video(
            label="Driving clip",
            value=str(self.first) if self.first else None,
            format=None,  # no conversion: our own reader decodes whatever ffmpeg decodes
            include_audio=True,
            sources=["upload", "webcam"],
            webcam_options=gr.WebcamOptions(mirror=False),
            height=320,
            elem_id="driver",
            elem_classes="media",
        )
        self.row.render(self.file)
        self.crop_controls.render()

    def listen(self, page: gr.Blocks, crop: gr.Radio) -> None:
        self.row.listen(page)
        self.crop_controls.listen(page, self.file, crop)


def _preview_picture(*values: Any, **options: Any) -> Any:
    from deepfake_core.pipelines.crop_preview import preview_crop  # imports torch, which takes seconds

    return preview_crop(*values, **options)


def _preview_clip(*values: Any, **options: Any) -> Any:
    from deepfake_core.pipelines.crop_preview import preview_clip_crop

    return preview_clip_crop(*values, **options, max_seconds=settings().clip_seconds)
