"""A result is what Gradio makes of it, but outputs that it leaves as they are cost nothing."""

import asyncio
from typing import Any

import gradio as gr
import pytest
from gradio.block_function import BlockFunction

from deepfake_core.ui.server.session_state import CopiedStates
from deepfake_core.ui.server.updates import SparseBlocks


class Page:
    """A handler with three outputs, and two pages to compare."""

    def __init__(self) -> None:
        with SparseBlocks() as self.blocks:
            self.text, self.box, self.kept = gr.Textbox("first"), gr.Dropdown(["a", "b"]), gr.State(1)
            gr.Button().click(lambda: None, None, [self.text, self.box, self.kept])
            gr.Button().click(lambda: None, None, self.text)
        self.handler, self.single = self.blocks.fns.values()

    def processed(self, handler: BlockFunction, result: Any) -> tuple[list[Any], Any]:
        """What the browser is sent, and the session's state afterwards."""
        state = CopiedStates(self.blocks)["a"]
        sent = asyncio.run(self.blocks.postprocess_data(handler, result, state))
        return sent, (state[self.text._id], state[self.box._id], state[self.kept._id])

    def as_gradio_does(self, handler: BlockFunction, result: Any) -> list[Any]:
        state = CopiedStates(self.blocks)["a"]
        return asyncio.run(gr.Blocks.postprocess_data(self.blocks, handler, result, state))


RESULTS = [
    lambda page: {page.text: "new"},
    lambda page: {page.kept: 7},
    lambda page: {page.box: gr.Dropdown(choices=["c"], value="c"), page.text: gr.Textbox(visible=False)},
    lambda page: ["new", gr.skip(), gr.skip()],
    lambda page: ("new", "b", 7),
    lambda page: [gr.skip()] * 3,
    lambda page: gr.skip(),
]


@pytest.mark.parametrize("result", RESULTS)
def test_the_browser_is_sent_what_gradio_sends(result: Any) -> None:
    page = Page()
    assert page.processed(page.handler, result(page))[0] == page.as_gradio_does(page.handler, result(page))


def test_a_single_output_is_gradios() -> None:
    page = Page()
    for result in ("new", {page.text: "new"}, gr.skip(), gr.Textbox("new")):
        assert page.processed(page.single, result)[0] == page.as_gradio_does(page.single, result)


def test_an_output_that_is_left_as_it_is_is_not_built_anew() -> None:
    page = Page()
    sent, (text, box, kept) = page.processed(page.handler, {page.text: gr.Textbox("new")})
    assert sent[0]["value"] == "new" and sent[1:] == [gr.skip(), None]
    assert text is not page.text and box is page.box and kept == 1


def test_a_change_is_kept_in_the_session() -> None:
    page = Page()
    _, (text, box, kept) = page.processed(page.handler, {page.box: gr.Dropdown(choices=["c"]), page.kept: 7})
    assert box.choices == [("c", "c")] and kept == 7 and text is page.text


def test_a_result_of_another_length_raises_what_gradio_raises() -> None:
    page = Page()
    with pytest.raises(ValueError, match="didn't return enough output values"):
        page.processed(page.handler, ["new"])
