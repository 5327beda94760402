"""Headers of every response: content sources, framing and referrer; how long a browser may keep it."""

import os
import re

from deepfake_core.ui.server.asgi import App, Message, Receive, Scope, Send
from deepfake_core.ui.server.routes import API

SPACES = "https://huggingface.co"
PAGE = {
    "default-src": "'self'",
    # Gradio's configuration is inline, `js=` is evaluated, and its video editor creates a worker from a blob
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
FILE = {
    "default-src": "'none'",
    "img-src": "'self' data:",
    "media-src": "'self'",
    "style-src": "'unsafe-inline'",
    "sandbox": "",
}
"""For a file that is opened directly: it is displayed, but runs no scripts."""

FOREVER, A_DAY = "public, max-age=31536000, immutable", "public, max-age=86400"
KEPT = (
    (re.compile(r"/assets/.+-[\w-]{8}\d*\.\w+"), FOREVER),  # a hash of the content is in the name
    (re.compile(r"/(?:(?:assets|static)/.+|theme\.css|favicon\.ico|manifest\.json)"), A_DAY),
    (re.compile(rf"{API}file=.+"), "private, max-age=3600"),  # a hash is in the path; other people must not get it
    (re.compile(r"/(?:config/?)?"), "no-cache"),
)
"""Path -> `Cache-Control` of a response that succeeded."""
SUCCEEDED = (200, 206, 304)


class SecurityHeaders:
    """The outermost ASGI middleware, so that errors and files get the headers too.

    Removes the CORS headers by which Gradio gives permissions to other origins.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        security, kept = headers_for(scope["path"]), cache_control(scope["path"])

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [*security, *(kept if message["status"] in SUCCEEDED else ())]
                names = {name for name, _ in own}
                others = [
                    (name, value)
                    for name, value in message.get("headers", ())
                    if not name.lower().startswith(b"access-control-") and name.lower() not in names
                ]
                message = {**message, "headers": [*others, *own]}
            await send(message)

        await self.app(scope, receive, sending)


def headers_for(path: str) -> list[tuple[bytes, bytes]]:
    """The headers of a response for this path."""
    framed = f"'self' {SPACES}" if os.environ.get("SPACE_ID") else "'self'"
    policy = (FILE if path.startswith(f"{API}file=") else PAGE) | {"frame-ancestors": framed}
    directives = "; ".join(f"{name} {sources}".strip() for name, sources in policy.items())
    return [
        (b"content-security-policy", directives.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]


def cache_control(path: str) -> list[tuple[bytes, bytes]]:
    """The `Cache-Control` header for this path, or none."""
    value = next((value for pattern, value in KEPT if pattern.fullmatch(path)), None)
    return [(b"cache-control", value.encode())] if value else []
