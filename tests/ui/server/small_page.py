"""A page with the queues of the real one but no networks, served as by `launch`: `small_page.py PORT`."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from deepfake_core.ui.server import connections
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.server.serve import bounded_server

RUN, TICK, LOOK, AT_ONCE, FAIL = 0, 1, 2, 3, 4
"""Indices of its functions."""

LATE_SECONDS = 2.0
"""Instead of ten seconds per request, so that the tests are short."""


def run(seconds: float) -> Iterator[str]:
    """Like a network's run: one at a time, with progress."""
    for _ in range(int(10 * seconds)):
        time.sleep(0.1)
        yield "running"
    yield "done"


def fail(value: Any) -> str:
    raise RuntimeError(f"a handler that does not expect {value!r}")


def build() -> gr.Blocks:
    with gr.Blocks() as page:
        seconds, box, text, file = gr.Number(1), gr.Checkbox(), gr.Textbox(), gr.File()
        button = gr.Button()
        button.click(run, seconds, text, concurrency_id="model", concurrency_limit=1)
        box.input(lambda ticked: ticked, box, box, concurrency_limit=None)
        file.change(lambda one: "looked at", file, text, preprocess=False, concurrency_id="look", concurrency_limit=2)
        button.click(lambda: "at once", None, text, queue=False)
        button.click(fail, text, text, queue=False)
    page.queue(api_open=False)
    supervise(page)
    return page


if __name__ == "__main__":
    connections.HEAD_SECONDS = connections.BODY_SECONDS = LATE_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        page = build()
        with bounded_server(page, Path(folder)):
            page.launch(server_port=int(sys.argv[1]), prevent_thread_lock=True, max_file_size="1mb", ssr_mode=False)
        page.block_thread()
