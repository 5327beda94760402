"""Compression of the page's own texts: its HTML, configuration, scripts and styles.

Each body is compressed once and remembered by its hash, so that a visitor costs a look-up. Files of visitors and event
streams pass unchanged. The page holds no secret (BREACH): a visitor's session hash is generated in the browser.
"""

import asyncio
import gzip
import re
from collections import OrderedDict
from hashlib import sha256

import brotli
from starlette.datastructures import MutableHeaders

from deepfake_core.ui.server.asgi import App, Message, Receive, Scope, Send, header

COMPRESSED = re.compile(r"/(?:config/?|theme\.css|manifest\.json|(?:assets|static)/.+)?")
TYPES = ("text/html", "text/css", "text/javascript", "application/javascript", "application/json", "image/svg+xml")
MIN_BYTES, MAX_BYTES = 500, 4_000_000
"""Smaller bodies gain nothing; larger ones, of which the page uses none, are not worth the memory."""
STORE_BYTES = 8_000_000
"""Limit for the compressed bodies in memory; the page needs less than 1 MB."""
LEVELS = {"br": 5, "gzip": 6}
"""Higher levels save under a tenth and take ten times as long, while the first visitor waits."""


class Compression:
    """ASGI middleware: compresses with Brotli or gzip, whichever the browser accepts (Brotli: only over HTTPS)."""

    def __init__(self, app: App) -> None:
        self.app, self._store, self._lock = app, Store(STORE_BYTES), asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not COMPRESSED.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        encoding = accepted(header(scope, b"accept-encoding") or "")
        identity = [(name, value) for name, value in scope["headers"] if name not in (b"accept-encoding", b"range")]
        held: list[Message] = []

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                headers.add_vary_header("Accept-Encoding")
                if encoding and message["status"] == 200 and _is_worth_it(headers):
                    held.append(message)
                else:
                    await send(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body", False):
                    await self._send_compressed(held, encoding or "", send)

        await self.app({**scope, "headers": identity}, receive, sending)  # else Gradio would compress every time

    async def _send_compressed(self, held: list[Message], encoding: str, send: Send) -> None:
        start, *parts = held
        body = await self._compressed(b"".join(part.get("body", b"") for part in parts), encoding)
        headers = MutableHeaders(raw=start["headers"])
        headers["Content-Encoding"], headers["Content-Length"] = encoding, str(len(body))
        if "etag" in headers:
            headers["ETag"] = f"W/{headers['etag'].removeprefix('W/')}"  # the same content in other bytes
        del headers["Accept-Ranges"]
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _compressed(self, body: bytes, encoding: str) -> bytes:
        key = (sha256(body).digest(), encoding)
        if found := self._store.get(key):
            return found
        async with self._lock:  # many visitors at once: one of them compresses
            if found := self._store.get(key):
                return found
            made = await asyncio.to_thread(compress, body, encoding)
            self._store.put(key, made)
            return made


class Store:
    """Compressed bodies in memory; above `limit` bytes the least recently used are dropped."""

    def __init__(self, limit: int) -> None:
        self._limit, self._bodies, self._bytes = limit, OrderedDict[tuple[bytes, str], bytes](), 0

    def get(self, key: tuple[bytes, str]) -> bytes | None:
        """The body, or None."""
        if key in self._bodies:
            self._bodies.move_to_end(key)
        return self._bodies.get(key)

    def put(self, key: tuple[bytes, str], body: bytes) -> None:
        """Remember a new body, unless it alone is over the limit."""
        if len(body) > self._limit or key in self._bodies:
            return
        self._bodies[key] = body
        self._bytes += len(body)
        while self._bytes > self._limit:
            self._bytes -= len(self._bodies.popitem(last=False)[1])


def compress(body: bytes, encoding: str) -> bytes:
    """The body in the encoding `br` or `gzip`; the same bytes each time."""
    level = LEVELS[encoding]
    return brotli.compress(body, quality=level) if encoding == "br" else gzip.compress(body, level, mtime=0)


def accepted(value: str) -> str | None:
    """The best encoding in an `Accept-Encoding` header, or None."""
    offers = [one.replace(" ", "").lower().partition(";q=") for one in value.split(",")]
    names = {name for name, _, weight in offers if not re.fullmatch(r"0(?:\.0*)?", weight)}
    return next((name for name in LEVELS if name in names), None)


def _is_worth_it(headers: MutableHeaders) -> bool:
    kind, length = headers.get("content-type", "").partition(";")[0], headers.get("content-length", "")
    plain = kind in TYPES and "content-encoding" not in headers
    return plain and length.isdecimal() and MIN_BYTES <= int(length) <= MAX_BYTES
