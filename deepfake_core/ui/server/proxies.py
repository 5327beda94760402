"""Trusted proxies: whose forwarding headers the server accepts."""

import ipaddress
import os

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from deepfake_core.errors import BadRequest
from deepfake_core.settings import settings
from deepfake_core.ui.server.asgi import App, Receive, Scope, Send

SPACES = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10"
"""Spaces are only reached through the Hub's proxies, which have private addresses."""


def networks() -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The trusted proxies. Raises `BadRequest` for a value that is neither an address nor a network."""
    value = settings().proxies or (SPACES if os.environ.get("SPACE_ID") else "")
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in value.split(",") if one.strip())
    except ValueError as error:
        raise BadRequest(
            f"DEEPFAKE_PROXIES must be a list of addresses or networks, got {value!r} ({error})"
        ) from error


def is_proxy(address: str) -> bool:
    """Whether the address belongs to a trusted proxy."""
    try:
        return any(ipaddress.ip_address(address) in network for network in networks())
    except ValueError:
        return False


class ProxyCheck:
    """ASGI middleware: applies forwarding headers of trusted proxies and drops those of all other clients.

    Gradio reads them too: it would use a forged `X-Forwarded-Host` in the page's URLs.
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
