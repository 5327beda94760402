"""The driving clip: upload, webcam or an example, and its crop."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.examples import ExampleRow
from deepfake_core.ui.framing import LOOKED_AT, Framing

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import Frame


class DrivingClip:
    """A clip and the square that the network sees of it."""

    def __init__(self, examples: list[Path]) -> None:
        self.examples = examples
        self.row = ExampleRow("Example clips", examples)
        self.framing = Framing("driving clip", read)

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


@contextmanager
def read(path: Path, deadline: Deadline) -> "Iterator[Iterator[Frame]]":
    """The first frames, among which a face is looked for. Raises `LabError` in its kinds."""
    from deepfake_core.media.decode import read_frames
    from deepfake_core.pipelines.driving import FACE_SEARCH

    most = settings().clip_seconds
    with read_frames(path, max_side=LOOKED_AT, max_seconds=most, deadline=deadline) as frames:
        yield islice(frames, FACE_SEARCH)
