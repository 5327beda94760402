"""A picture that visitors give: upload, webcam, clipboard or an example."""

from pathlib import Path

import gradio as gr

from deepfake_core.ui.widgets.examples import ExampleRow


class PictureInput:
    """One picture and the rows of examples for it; the first example is chosen when the page opens."""

    def __init__(self, label: str, place: str, rows: list[ExampleRow]) -> None:
        self.label, self.place, self.rows = label, place, rows

    @property
    def first(self) -> Path | None:
        return next((path for row in self.rows for path in row.paths), None)

    def render(self) -> None:
        self.file = gr.Image(
            label=self.label,
            value=str(self.first) if self.first else None,
            type="filepath",
            image_mode=None,
            sources=["upload", "webcam", "clipboard"],
            webcam_options=gr.WebcamOptions(mirror=False),
            height=320,
            alt_text=f"{self.label}, as it was chosen",
            buttons=[],
            elem_id=self.place,
            elem_classes="media",
        )
        for row in self.rows:
            row.render(self.file)

    def listen(self, page: gr.Blocks) -> None:
        for row in self.rows:
            row.listen(page)
