"""The types of an ASGI application (asgi.readthedocs.io), and the error response of all middleware."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


def header(scope: Scope, name: bytes) -> str | None:
    """The value of a request's header; None if it is missing or, which is ambiguous, sent more than once."""
    values = [value for one, value in scope["headers"] if one == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


def client_of(scope: Scope) -> str:
    """The client's address, as far as it is known."""
    return str((scope.get("client") or ("unknown",))[0])


async def refuse(status: int, sentence: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with `status` and one sentence."""
    await JSONResponse({"detail": sentence}, status)(scope, receive, send)
