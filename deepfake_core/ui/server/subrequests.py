"""Requests that the server makes to itself on behalf of a client, through the same checks and with its address."""

from collections.abc import Awaitable, Callable
from typing import Any

from deepfake_core.ui.server.asgi import App, Message, Receive, Scope
from deepfake_core.ui.server.body import resent

JSON = b"application/json"
Chunk = Callable[[bytes], Awaitable[None]]


def moved(scope: Scope, method: str, path: str, body: bytes = b"", *, query: str = "", kind: bytes = JSON) -> Scope:
    """The same client's request to another path, with another body of the content type `kind`."""
    changed = (b"content-length", b"content-type", b"range", b"if-none-match", b"accept-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name not in changed]
    headers += [(b"content-length", b"%d" % len(body)), (b"content-type", kind)] if body else []
    place = {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
    return {**scope, **place, "method": method, "headers": headers}


class Subrequests:
    """The requests for one request of a client: they end when the client disconnects."""

    def __init__(self, app: App, scope: Scope, receive: Receive) -> None:
        self.app, self.scope, self.receive = app, scope, receive

    async def send(
        self, method: str, path: str, body: bytes = b"", *, chunk: Chunk | None = None, **more: Any
    ) -> tuple[int, bytes]:
        """Status and body of the response; with `chunk`, the body goes there piece by piece instead."""
        status, parts = 500, list[bytes]()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and chunk and status == 200:
                await chunk(message.get("body", b""))
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self.app(moved(self.scope, method, path, body, **more), resent(body, self.receive), sending)
        return status, b"".join(parts)
