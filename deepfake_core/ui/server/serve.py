"""Start Gradio's server with this project's middleware and limits on connections."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import http_server
from gradio.http_server import Server
from uvicorn.config import Config

from deepfake_core.settings import settings
from deepfake_core.ui.server.connections import BoundedProtocol
from deepfake_core.ui.server.logs import limit_logs
from deepfake_core.ui.server.middleware import guarded
from deepfake_core.ui.server.session_state import CopiedStates

HEAD_BYTES = 32_000
"""Limit for the header of a request; a browser's cookies for localhost take a few thousand."""


@contextmanager
def bounded_server(page: gr.Blocks, uploads: Path) -> Iterator[None]:
    """Within this context, `page.launch` starts a server with limits.

    Gradio creates uvicorn's configuration itself and accepts no options for it, so its server class is patched.
    """

    class BoundedServer(Server):
        def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
            super().__init__(config, *arguments, **named)
            config.app.state_holder = CopiedStates(page)  # type: ignore[union-attr]
            config.app = guarded(config.app, page, uploads)  # type: ignore[arg-type]
            config.http, config.ws = BoundedProtocol, "none"
            config.proxy_headers = False  # `ProxyCheck` is stricter: uvicorn trusts every client on loopback
            config.h11_max_incomplete_event_size = HEAD_BYTES
            limit_logs()

    _raise_file_limit()
    before = http_server.Server
    http_server.Server = BoundedServer  # type: ignore[misc]
    try:
        yield
    finally:
        http_server.Server = before  # type: ignore[misc]


def _raise_file_limit() -> None:
    """Raise the limit on open files to what the connections need, as far as the system allows it."""
    if sys.platform == "win32":
        return
    import resource

    wanted = 3 * settings().connections + 512  # per connection: socket, response file, temporary file
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
