"""Under which names the page is served, and from which pages a request may come."""

import ipaddress
import os
import re
from urllib.parse import urlsplit

from deepfake_core.settings import settings
from deepfake_core.ui.server.asgi import App, Receive, Scope, Send, header, refuse

LOOPBACK = ("localhost", "127.0.0.1", "::1")
AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[0-9A-Za-z._-]{1,253}))(?::\d{1,5})?")
OTHER_HOST = "this page is not served under that name; whoever runs it can allow it by DEEPFAKE_HOSTS"
OTHER_ORIGIN = "requests from other pages are refused; open this page itself"


class HostCheck:
    """ASGI middleware: a known Host on every request (against DNS rebinding), the page's own Origin on every POST."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        authority = header(scope, b"host")
        host = name_of(authority)
        if authority is None or host is None:
            await refuse(400, "a request names one host", scope, receive, send)
        elif not (is_allowed(host) or _is_own_address(host, scope)):
            await refuse(421, OTHER_HOST, scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD") and not _comes_from_the_page(scope, authority):
            await refuse(403, OTHER_ORIGIN, scope, receive, send)
        else:
            await self.app(scope, receive, send)


def name_of(authority: str | None) -> str | None:
    """`Host` without its port, in lower case; None for what is no host."""
    found = AUTHORITY.fullmatch(authority or "")
    return (found["six"] or found["name"]).lower() if found else None


def is_allowed(host: str) -> bool:
    """Whether it is a name of this machine for itself, of the setting, or of the Space."""
    named = [one.strip().lower() for one in f"{settings().hosts},{os.environ.get('SPACE_HOST', '')}".split(",")]
    return host in LOOPBACK or any(_fits(host, one) for one in named if one)


def _fits(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _is_own_address(host: str, scope: Scope) -> bool:
    """An address instead of a name cannot be rebound; on loopback, only loopback's own is expected."""
    try:
        address = ipaddress.ip_address(host)
        reached = ipaddress.ip_address((scope.get("server") or ("",))[0])
    except ValueError:
        return False
    return address == reached or not reached.is_loopback


def _comes_from_the_page(scope: Scope, authority: str) -> bool:
    """Browsers name the origin of every POST; programs that are none of a page name none."""
    if header(scope, b"sec-fetch-site") in ("cross-site", "same-site"):
        return False
    if not any(name == b"origin" for name, _ in scope["headers"]):
        return True
    origin = urlsplit(header(scope, b"origin") or "null")
    if origin.scheme not in ("http", "https"):
        return False
    host = name_of(origin.netloc)
    proxied = host is not None and host not in LOOPBACK and is_allowed(host)  # a proxy may have put its own Host
    return _without_port(origin.netloc.lower()) == _without_port(authority.lower()) or proxied


def _without_port(authority: str) -> str:
    """An authority as browsers write it: without the port that is usual for its scheme."""
    return re.sub(r":(80|443)$", "", authority)
