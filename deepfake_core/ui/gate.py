"""What stands between the net and Gradio: the page's own endpoints alone, no addresses for files, no full disk."""

import json
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

from deepfake_core.settings import settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/gradio_api/"
OPEN = re.compile(
    r"(info|theme\.css|startup-events|app_id|token|user|login_check|upload|upload_progress|cancel|reset"
    r"|queue/(join|data)|run/[\w.-]+|heartbeat/\w+|file=(?!\w[\w+.-]+:).*)/?"
)
"""The endpoints of Gradio that the page needs. Others fetch addresses, run programs or keep what visitors did."""

ASKING = re.compile(r"(queue/join|run/[\w.-]+)/?")
LARGEST_QUESTION = 1_000_000
"""Bytes of the values of the page's fields; files are uploaded beforehand."""
WORDLESS = "that could not be done with these values; reload the page and try again"
ADDRESS = re.compile(r"\w[\w+.-]+:")
"""Of two letters at least: `C:` begins a path."""


class Gate:
    """ASGI middleware (asgi.readthedocs.io): refuses with one sentence, or hands on."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or API not in scope["path"]:
            await self.app(scope, receive, send)
            return
        endpoint = scope["path"].partition(API)[2]
        if not OPEN.fullmatch(endpoint):
            await _refuse(404, "there is no such endpoint", scope, receive, send)
        elif endpoint.rstrip("/") == "upload" and _disk_is_full():
            await _refuse(507, "this server's disk is full; come back later", scope, receive, send)
        elif ASKING.fullmatch(endpoint):
            await self._ask(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            await _refuse(413, "that is too much text; shorten it", scope, receive, send)
        elif not _is_sound(body):
            await _refuse(400, "files come by upload, not by address", scope, receive, send)
        else:
            await self.app(scope, _replayed(body, receive), _with_words(send))


async def _refuse(status: int, sentence: str, scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": sentence}, status)(scope, receive, send)


def _with_words(send: Send) -> Send:
    """An error without words, as after values that no page sends, gets a sentence; the log has its trace."""
    held: list[MutableMapping[str, Any]] = []

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            held.append(message)
        elif not held:
            await send(message)
        else:
            start, body = held.pop(), message.get("body", b"")
            if b'"error":null' in body.replace(b" ", b""):
                body = json.dumps({"error": WORDLESS, "detail": WORDLESS}).encode()
                headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
                start = {**start, "status": 400, "headers": [*headers, (b"content-length", b"%d" % len(body))]}
            await send(start)
            await send({**message, "body": body})

    return sending


def _disk_is_full() -> bool:
    return shutil.disk_usage(tempfile.gettempdir()).free < settings().free_megabytes * 2**20


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None when it is longer than `LARGEST_QUESTION`."""
    parts, length = list[bytes](), 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > LARGEST_QUESTION:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, and after it whatever else comes, such as the end of the connection."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


def _is_sound(body: bytes) -> bool:
    """Whether it is JSON in which no file is an address: Gradio would fetch it, of whatever size, from wherever."""
    try:
        return not _names_address(json.loads(body))
    except (ValueError, RecursionError):
        return False


def _names_address(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_names_address, value))
    if not isinstance(value, dict):
        return False
    path = value.get("path")
    names = isinstance(path, str) and (ADDRESS.match(path) is not None or "\0" in path)
    return names or any(map(_names_address, value.values()))
