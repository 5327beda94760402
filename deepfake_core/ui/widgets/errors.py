"""Error messages on the page."""

from typing import Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.errors import NoFaceFound
from deepfake_core.ui.server.messages import alert
from deepfake_core.ui.wiring import QUIET

Update = dict[Block, Any]
"""Component -> its new value, as a handler returns it."""


class ErrorMessage:
    """One sentence about an error and, after `NoFaceFound`, a button that switches to the whole picture."""

    def render(self) -> None:
        self.text = gr.HTML(visible=False, elem_classes="error-message")
        self.use_whole = gr.Button("Use the whole picture", size="sm", visible=False)

    def listen(self, crop: gr.Radio) -> None:
        self.use_whole.click(
            lambda: {crop: "none"} | self.clear(),
            outputs=[crop, *self.outputs],
            **QUIET,
        )

    @property
    def outputs(self) -> list[Block]:
        """The components that `show` and `clear` update."""
        return [self.text, self.use_whole]

    def show(self, error: Exception) -> Update:
        """Show the message of `error`."""
        return {
            self.text: gr.HTML(alert(error), visible=True),
            self.use_whole: gr.Button(visible=isinstance(error, NoFaceFound)),
        }

    def clear(self) -> Update:
        return {self.text: gr.HTML("", visible=False), self.use_whole: gr.Button(visible=False)}
