"""Whom the server believes when a request says where it came from."""

import ipaddress
import os

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from deepfake_core.errors import BadRequest
from deepfake_core.settings import settings
from deepfake_core.ui.server.asgi import App, Receive, Scope, Send

SPACES = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10"
"""Spaces are reached through the Hub's own proxies alone, from private addresses."""


def networks() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The proxies in front of the page. Raises `BadRequest` for what is neither an address nor a network."""
    told = settings().proxies or (SPACES if os.environ.get("SPACE_ID") else "")
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in told.split(",") if one.strip())
    except ValueError as error:
        raise BadRequest(f"DEEPFAKE_PROXIES is {told!r} ({error}); set it to addresses or networks") from error


def is_proxy(address: str) -> bool:
    """Whether connections from this address come from a proxy."""
    try:
        return any(ipaddress.ip_address(address) in network for network in networks())
    except ValueError:
        return False


class ProxyCheck:
    """ASGI middleware: the visitor's address as a trusted proxy tells it; from anybody else such headers are dropped.

    Gradio, too, reads them: it would put a forged `X-Forwarded-Host` into the page's addresses.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        trusted = [str(network) for network in networks()]
        self._believing = ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope.get("client") and is_proxy(scope["client"][0]):
            await self._believing(scope, receive, send)  # type: ignore[arg-type]
        else:
            headers = [(name, value) for name, value in scope["headers"] if not name.startswith(b"x-forwarded-")]
            await self.app({**scope, "headers": headers}, receive, send)
