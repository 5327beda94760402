"""What every answer says to the browser: which sources it may use, who may frame it, whom it may tell of it."""

import os

from deepfake_core.ui.server.asgi import App, Message, Receive, Scope, Send
from deepfake_core.ui.server.routes import API

SPACES = "https://huggingface.co"
PAGE = {
    "default-src": "'self'",
    # Gradio's configuration is inline, `js=` is compiled, and its video editor makes a worker's script
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
"""A file that is opened by itself is shown, and runs nothing."""


class SecurityHeaders:
    """ASGI middleware around all others, so that errors and files have the headers too. Other origins get none of
    the permissions that Gradio gives them (CORS)."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        own = headers_for(scope["path"])
        names = {name for name, _ in own}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                others = [
                    (name, value)
                    for name, value in message.get("headers", ())
                    if not name.lower().startswith(b"access-control-") and name.lower() not in names
                ]
                message = {**message, "headers": [*others, *own]}
            await send(message)

        await self.app(scope, receive, sending)


def headers_for(path: str) -> list[tuple[bytes, bytes]]:
    """The headers of an answer to a request for this path."""
    framed = f"'self' {SPACES}" if os.environ.get("SPACE_ID") else "'self'"
    policy = (FILE if path.startswith(f"{API}file=") else PAGE) | {"frame-ancestors": framed}
    directives = "; ".join(f"{name} {sources}".strip() for name, sources in policy.items())
    return [
        (b"content-security-policy", directives.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
