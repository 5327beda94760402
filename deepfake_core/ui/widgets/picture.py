"""An input picture: upload, webcam, clipboard or an example."""

from pathlib import Path

import gradio as gr

from deepfake_core.ui.widgets.examples import ExampleRow, first_of


class PictureInput:
    """A picture with rows of examples; one of them is loaded when the page opens."""

    def __init__(self, label: str, elem_id: str, rows: list[ExampleRow], first: str = "") -> None:
        """`first`: the name of the example that is loaded when the page opens; the first one without."""
        self.label, self.elem_id, self.rows = label, elem_id, rows
        self.first: Path | None = first_of([path for row in rows for path in row.paths], first)

    def render(self) -> None:
        self.file = gr.Image(
            label=self.label,
            value=str(self.first) if self.first else None,
            type="filepath",
            image_mode=None,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False),
            height=320,
            alt_text=f"{self.label}: the selected file",
            buttons=[],
            elem_id=self.elem_id,
            elem_classes="media",
        )
        for row in self.rows:
            row.render(self.file)

    def listen(self, page: gr.Blocks) -> None:
        for row in self.rows:
            row.listen(page)
