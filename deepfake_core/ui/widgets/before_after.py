"""Before and after, one over the other, with a divider that mouse, finger and keyboard move.

Gradio's own `ImageSlider` cannot be moved by the keyboard, and hides both pictures from screen readers; so these are
two pictures in one place, of which the upper is clipped where a plain range input says.
"""

from pathlib import Path

import gradio as gr
from gradio.blocks import Block

from deepfake_core.ui.widgets.errors import Update

DIVIDER = """
<label>Before <input type="range" min="0" max="100" value="50" aria-label="Divider between before and after"
  oninput="this.closest('.compare').style.setProperty('--split', this.value + '%')"> After</label>
"""


class Comparison:
    """Two pictures of one shape, with a divider between them."""

    def __init__(self, place: str, *, before: str, after: str) -> None:
        self.place, self.labels = place, (before, after)

    def render(self) -> None:
        before, after = self.labels
        with gr.Column(visible=False, elem_classes="compare", elem_id=f"{self.place}compare") as self.column:
            with gr.Column(elem_classes="layers"):
                self.before = self._layer(before, f"{self.place}before", download=False)
                self.after = self._layer(after, f"{self.place}after", download=True)
            gr.HTML(DIVIDER, elem_classes="divider")

    def _layer(self, label: str, place: str, *, download: bool) -> gr.Image:
        return gr.Image(
            label=label, alt_text=label, interactive=False, buttons=["download"] if download else [], height=400,
            elem_id=place, elem_classes="media layer",
        )  # fmt: skip

    @property
    def outputs(self) -> list[Block]:
        return [self.column, self.before, self.after]

    def shown(self, before: Path, after: Path) -> Update:
        return {self.column: gr.Column(visible=True), self.before: str(before), self.after: str(after)}

    def cleared(self) -> Update:
        return {self.column: gr.Column(visible=False), self.before: None, self.after: None}
