"""The source picture of Image Animation, and its crop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from deepfake_core.deadline import Deadline
from deepfake_core.ui.examples import ExampleRow
from deepfake_core.ui.framing import LOOKED_AT, Framing
from deepfake_core.ui.picture import PictureInput

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import Frame


class SourcePicture:
    """A portrait and the square that the network sees of it."""

    def __init__(self, examples: list[Path]) -> None:
        self.picture = PictureInput("Portrait", "portrait", [ExampleRow("Example portraits", examples)])
        self.framing = Framing("portrait", read)

    def render(self) -> None:
        self.picture.render()
        self.framing.render()

    def listen(self, page: gr.Blocks, crop: gr.Radio) -> None:
        self.picture.listen(page)
        self.framing.listen(page, self.picture.file, crop)

    @property
    def file(self) -> gr.Image:
        return self.picture.file


@contextmanager
def read(path: Path, deadline: Deadline) -> "Iterator[Iterator[Frame]]":
    """The picture, as a stream of one frame. Raises `LabError` in its kinds."""
    from deepfake_core.media.images import read_image

    yield iter([read_image(path, longest=LOOKED_AT, deadline=deadline)])
