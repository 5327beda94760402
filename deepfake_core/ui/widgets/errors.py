"""The place of an error on the page."""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.errors import NoFaceFound
from deepfake_core.ui.server.messages import alert

Update = dict[Block, Any]
"""New values of some components, as a handler returns them."""


class Trouble:
    """A place for one sentence, and a button for the one trouble that a button can end: no face was found."""

    def render(self) -> None:
        self.text = gr.HTML(visible=False, elem_classes="trouble")
        self.whole = gr.Button("Use the whole picture", size="sm", visible=False)

    def listen(self, crop: gr.Radio) -> None:
        self.whole.click(
            lambda: {crop: "none"} | self.clear(),
            outputs=[crop, self.text, self.whole],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )

    def tell(self, error: Exception) -> Update:
        """Show the sentence of `error`."""
        return {
            self.text: gr.HTML(alert(error), visible=True),
            self.whole: gr.Button(visible=isinstance(error, NoFaceFound)),
        }

    def clear(self) -> Update:
        return {self.text: gr.HTML("", visible=False), self.whole: gr.Button(visible=False)}
