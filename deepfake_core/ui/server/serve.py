"""How Gradio's server is started: with this project's middleware around it, and bounded connections."""

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

HEAD_BYTES = 32_000
"""Of one request; a browser's cookies for localhost are some thousand."""


@contextmanager
def bounded_server(page: gr.Blocks, uploads: Path) -> Iterator[None]:
    """While it lasts, `page.launch` starts a server that is bounded.

    Gradio makes uvicorn's configuration itself and takes no options for it, so its server's class is replaced.
    """

    class BoundedServer(Server):
        def __init__(self, config: Config, *arguments: Any, **named: Any) -> None:
            super().__init__(config, *arguments, **named)
            config.app = guarded(config.app, page, uploads)  # type: ignore[arg-type]
            config.http, config.ws = BoundedProtocol, "none"
            config.proxy_headers = False  # `ProxyCheck` is stricter: uvicorn would believe whoever is on loopback
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
    """Let the process have as many open files as its connections need, if the system lets it."""
    if sys.platform == "win32":
        return
    import resource

    wanted = 3 * settings().connections + 512  # a connection, a file of its answer, a temporary one
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
