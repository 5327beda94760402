"""What went wrong, as one sentence on the page; the trace goes to the log."""

import html
import logging
import textwrap
from typing import Any

import gradio as gr
from gradio.blocks import Block

from deepfake_core.errors import LabError, NoFaceFound

log = logging.getLogger(__name__)

LONGEST = 600
"""Letters of a sentence: some quote what they were given."""

SMALLER = "choose a smaller picture, or a clip of fewer pixels"
"""What to do about a file that takes too long to look at."""

Update = dict[Block, Any]
"""New values of some components, as a handler returns them."""


def sentence(error: Exception) -> str:
    """What the visitor reads about `error`. What they cannot put right is logged with its trace."""
    if isinstance(error, LabError):
        return textwrap.shorten(f"{error}.", LONGEST, placeholder=" …")
    log.error("a handler failed", exc_info=error)
    return "Something went wrong here; the log has the details."


def alert(error: Exception) -> str:
    """The same as a paragraph that screen readers say at once."""
    return f'<p role="alert"><strong>That did not work:</strong> {html.escape(sentence(error))}</p>'


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
