"""A gallery of results, each with its caption above it and a download button.

Gradio's own `Gallery` draws the caption over the picture, and screen readers read it twice.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
            gr.HTML(f"<p>{self.title}</p>", elem_classes="cards-title")
            with gr.Row(elem_classes="cards"):
                self.pictures = [
                    gr.Image(
                        interactive=False,
                        visible=False,
                        min_width=100,
                        buttons=["download"],
                        elem_classes="media natural",
                    )
                    for _ in range(MAX_PICTURES)
                ]

    @property
    def outputs(self) -> list[Block]:
        return [self.column, *self.pictures]

    def shown(self, made: "Sequence[File]") -> Update:
        """Show the first `MAX_PICTURES` files with their captions; hide the gallery if there are none."""
        seen = [
            gr.Image(str(file.path), label=file.caption, alt_text=file.caption, visible=True)
            for file in made[:MAX_PICTURES]
        ]
        unused = [gr.Image(None, visible=False)] * (MAX_PICTURES - len(seen))
        return {self.column: gr.Column(visible=bool(made)), **dict(zip(self.pictures, [*seen, *unused], strict=True))}

    def cleared(self) -> Update:
        return self.shown([])
