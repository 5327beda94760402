"""A before/after comparison, whose divider is dragged on the picture itself, or moved by keyboard.

Gradio's own `ImageSlider` does not support the keyboard and hides both pictures from screen readers. Here two pictures
overlap, and a transparent range input over them sets where the upper one is clipped.
"""

from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update

DIVIDER = """
<input type="range" min="0" max="100" value="50" aria-label="Divider between before and after"
  oninput="this.closest('.compare').style.setProperty('--split', this.value + '%')">
<span class="grip" aria-hidden="true"></span>
"""
"""As large as the pictures, over which it lies: they are dragged wherever they are touched."""


class BeforeAfter:
    """Two pictures of the same shape with a divider."""

    def __init__(self, prefix: str, *, before: str, after: str) -> None:
        self.prefix, self.labels = prefix, (before, after)

    def render(self) -> None:
        before, after = self.labels
        self.column = gr.Column(visible=False, elem_classes="compare", elem_id=f"{self.prefix}compare")
        with self.column, gr.Column(elem_classes="layers"):
            self.before = self._layer(before, f"{self.prefix}before", download=False)
            self.after = self._layer(after, f"{self.prefix}after", download=True)
            gr.HTML(DIVIDER, elem_classes="divider", padding=False)

    def _layer(self, label: str, elem_id: str, *, download: bool) -> gr.Image:
        return gr.Image(
            label=label, alt_text=label, interactive=False, buttons=["download"] if download else [],
            elem_id=elem_id, elem_classes="media layer",
        )  # fmt: skip

    @property
    def outputs(self) -> list[Block]:
        return [self.column, self.before, self.after]

    def shown(self, before: Path, after: Path) -> Update:
        return {self.column: gr.Column(visible=True), self.before: str(before), self.after: str(after)}

    def cleared(self) -> Update:
        return {self.column: gr.Column(visible=False), self.before: None, self.after: None}
