"""A line that says that other weights suit a picture better, and a button that selects or offers them."""

import html
from typing import TYPE_CHECKING

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update

if TYPE_CHECKING:
    from deepfake_core.pipelines.suitability import Mismatch

BUTTONS = {"photograph": "Weights for photographs", "drawing": "Weights for drawings"}
"""Kind of the picture -> label of the button."""


class Advice:
    """The line and the button, hidden while the weights suit the picture."""

    def __init__(self, elem_id: str) -> None:
        self.elem_id = elem_id

    def render(self) -> None:
        self.kind = gr.State(None)  # of the picture that other weights would suit
        self.line = gr.HTML(visible=False, elem_id=self.elem_id, elem_classes="advice")
        self.button = gr.Button(visible=False, size="sm", elem_id=f"{self.elem_id}-button")

    @property
    def outputs(self) -> list[Block]:
        return [self.kind, self.line, self.button]

    def shown(self, mismatch: "Mismatch | None") -> Update:
        """Show what does not fit; hide everything for None."""
        if mismatch is None:
            return {self.kind: None, self.line: gr.HTML("", visible=False), self.button: gr.Button(visible=False)}
        return {
            self.kind: mismatch.kind,
            self.line: gr.HTML(f"<p>{html.escape(mismatch.text)}</p>", visible=True),
            self.button: gr.Button(BUTTONS[mismatch.kind], visible=True),
        }
