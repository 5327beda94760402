"""Results side by side, each with its caption above it and a button to download it.

Gradio's `Gallery` was not taken: it reads every caption twice to who listens to the page, and lays it over the picture.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.events import File

MOST = 12
"""Pictures that a tab shows, and takes, at once."""


class Cards:
    """Places for pictures, of which as many are seen as there are results."""

    def __init__(self, title: str, place: str) -> None:
        self.title, self.place = title, place

    def render(self) -> None:
        with gr.Column(visible=False, elem_id=self.place) as self.column:
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
                    for _ in range(MOST)
                ]

    @property
    def outputs(self) -> list[Block]:
        return [self.column, *self.pictures]

    def shown(self, made: "Sequence[File]") -> Update:
        """The first pictures with their captions; nothing at all when there are none."""
        seen = [
            gr.Image(str(file.path), label=file.caption, alt_text=file.caption, visible=True) for file in made[:MOST]
        ]
        unused = [gr.Image(None, visible=False)] * (MOST - len(seen))
        return {self.column: gr.Column(visible=bool(made)), **dict(zip(self.pictures, [*seen, *unused], strict=True))}

    def cleared(self) -> Update:
        return self.shown([])
