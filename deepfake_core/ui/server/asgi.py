"""The types of an ASGI application (asgi.readthedocs.io), and the answer that all middleware here gives."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a request's header, or None; of several, None too, for nobody can say which is meant."""
    values = [value for one, value in scope["headers"] if one == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


async def refuse(status: int, sentence: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with one sentence, and nothing else."""
    await JSONResponse({"detail": sentence}, status)(scope, receive, send)
