"""A gallery of results, each with its caption above it, a download and a full-screen button; and all of them as a zip.

Gradio's own `Gallery` draws the caption over the picture, and screen readers read it twice.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING
from zipfile import ZipFile

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File

MAX_PICTURES = 12
"""The most pictures that a tab accepts, and shows, in one run."""


class Gallery:
    """A fixed number of pictures, of which as many are visible as there are results."""

    def __init__(self, title: str, elem_id: str) -> None:
        self.title, self.elem_id = title, elem_id

    def render(self) -> None:
        with gr.Column(visible=False, elem_id=self.elem_id) as self.column:
            with gr.Row(elem_classes="cards-title"):
                gr.HTML(f"<p>{self.title}</p>")
                self.all = gr.DownloadButton("Download all (zip)", visible=False, size="sm", scale=0, min_width=170)
            with gr.Row(elem_classes="cards"):
                self.pictures = [
                    gr.Image(
                        interactive=False,
                        visible=False,
                        min_width=100,
                        buttons=["download", "fullscreen"],
                        elem_classes="media natural",
                    )
                    for _ in range(MAX_PICTURES)
                ]

    @property
    def outputs(self) -> list[Block]:
        return [self.column, self.all, *self.pictures]

    def shown(self, made: "Sequence[File]", *, complete: bool = False) -> Update:
        """Show the first `MAX_PICTURES` files with their captions; hide the gallery if there are none.

        A complete gallery of several pictures is also offered as a zip.
        """
        seen = [
            gr.Image(str(file.path), label=file.caption, alt_text=file.caption, visible=True)
            for file in made[:MAX_PICTURES]
        ]
        unused = [gr.Image(None, visible=False)] * (MAX_PICTURES - len(seen))
        several = complete and len(made) > 1
        archive = str(zipped([file.path for file in made], f"{self.elem_id}.zip")) if several else None
        return {
            self.column: gr.Column(visible=bool(made)),
            self.all: gr.DownloadButton(value=archive, visible=several),
            **dict(zip(self.pictures, [*seen, *unused], strict=True)),
        }

    def cleared(self) -> Update:
        return self.shown([])


def zipped(files: Sequence[Path], name: str) -> Path:
    """The files as a zip called `name` in the folder of the first; uncompressed, since pictures already are.

    A run on an example serves many sessions from one folder, so the zip appears there at once, complete.
    """
    path = files[0].with_name(name)
    if not path.exists():
        with NamedTemporaryFile(dir=path.parent, delete=False) as partial, ZipFile(partial, "w") as archive:
            for file in files:
                archive.write(file, file.name)
        os.replace(partial.name, path)
    return path
