"""A page with endpoints but no networks, served as by `launch`: `small_page.py PORT`."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfake_core.settings import settings
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.programs.endpoints import Endpoint
from deepfake_core.ui.server.parameters import consent, file, number
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.server.serve import bounded_server
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.uploaded import Upload, path_of
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.wiring import NETWORK, RUNS

PORTRAIT = EXAMPLES / "portraits" / "amara.png"


def echo(picture: Upload, consent: bool, share: float = 0.5) -> Iterator[tuple[list[str] | None, dict[str, Any]]]:
    """Give the picture back."""
    yield None, {"status": "running", "unit": "picture", "done": 1, "total": 1}
    path = path_of(picture)
    assert path is not None
    described = {"name": path.name, "role": "result"}
    yield [str(path)], {"status": "done", "share": share, "bytes": path.stat().st_size, "files": [described]}


def wait(seconds: float, consent: bool) -> Iterator[tuple[list[str] | None, dict[str, Any]]]:
    """Run for some seconds; whether it ran to its end is written to the log."""
    end, ended = time.monotonic() + seconds, "stopped"
    try:
        while time.monotonic() < end:
            time.sleep(0.1)
            yield None, {"status": "running", "unit": "step", "done": int(10 * (time.monotonic() - end + seconds))}
        ended = "finished"
    finally:
        print(f"wait {seconds:g}: {ended}", flush=True)
    yield [], {"status": "done", "files": []}


def look(file: Upload) -> dict[str, Any]:
    """The size of a file."""
    path = path_of(file)
    return {"bytes": path.stat().st_size if path else 0}


def build() -> CheckedBlocks:
    shown = file("picture", "A picture.", PORTRAIT.name)
    length = number("seconds", "How long.", 0, 60, 1.0)
    endpoints = [
        Endpoint(name="echo", function=echo, parameters=(shown, consent(), number("share", "A share.", 0, 1, 0.5)),
                 lane=NETWORK, limit=RUNS),
        Endpoint(name="wait", function=wait, parameters=(length, consent()), lane=NETWORK, limit=RUNS),
        Endpoint(name="look", function=look, parameters=(file("file", "A file.", PORTRAIT.name, examined=True),),
                 lane="look", limit=2, makes_files=False),
    ]  # fmt: skip
    sessions = Sessions()
    with CheckedBlocks(examples=[PORTRAIT], analytics_enabled=False) as page:
        for one in endpoints if settings().api else ():
            one.register(page)
        sessions.render()
        sessions.listen(page)
        sessions.guard(page)
    page.queue(api_open=False)
    supervise(page)
    return page


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir, os.environ["GRADIO_TEMP_DIR"] = folder, f"{folder}/gradio"
        page = build()
        with bounded_server(page, Path(folder, "gradio")):
            page.launch(server_port=int(sys.argv[1]), prevent_thread_lock=True, max_file_size="1mb", ssr_mode=False)
        page.block_thread()
