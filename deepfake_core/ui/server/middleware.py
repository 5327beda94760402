"""What stands between the network and Gradio: the page's own routes, each with proper names and a bounded body."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs

import gradio as gr

from deepfake_core.ui.server.asgi import App, Message, Receive, Scope, Send, refuse
from deepfake_core.ui.server.body import (
    LARGEST_CALL,
    LARGEST_WORD,
    MALFORMED,
    Refused,
    check_call,
    is_session,
    parsed,
    read,
    replayed,
)
from deepfake_core.ui.server.headers import SecurityHeaders
from deepfake_core.ui.server.hosts import HostCheck
from deepfake_core.ui.server.proxies import ProxyCheck
from deepfake_core.ui.server.routes import Body, Route, route_of
from deepfake_core.ui.server.uploads import Uploads

MISSING = "there is no such endpoint"
WORDLESS = "that could not be done with these values; reload the page and try again"
BROKEN = "Something went wrong here; reload the page and try again"


def guarded(app: App, page: gr.Blocks, uploads: Path) -> App:
    """The app behind all of this project's middleware; `uploads` is Gradio's folder for them."""
    queued = {True: inputs_of(page, queued=True), False: inputs_of(page, queued=False)}
    return ProxyCheck(SecurityHeaders(HostCheck(RequestCheck(app, queued, Uploads(uploads)))))


def inputs_of(page: gr.Blocks, *, queued: bool) -> dict[int, int]:
    """Index of each function that runs here, by the queue or at once -> the number of its values."""
    return {
        number: len(handler.inputs)
        for number, handler in page.fns.items()
        if (handler.fn or handler.cancels) and (handler.queue is not False) == queued
    }


class RequestCheck:
    """ASGI middleware: refuses with one sentence, or hands on."""

    def __init__(self, app: App, inputs: Mapping[bool, Mapping[int, int]], uploads: Uploads) -> None:
        self.app, self.inputs, self.uploads = app, inputs, uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        route = route_of(scope["path"]) if scope["type"] == "http" else None
        try:
            if route is None:
                raise Refused(404, MISSING)
            if scope["method"] not in route.methods:
                raise Refused(405, MISSING)
            _check_names(scope, route)
            await self._hand_on(route, scope, receive, send)
        except Refused as refused:
            if scope["type"] == "http":
                await refuse(refused.status, refused.sentence, scope, receive, send)

    async def _hand_on(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        if route.body is Body.FILES:
            await self.uploads.take(self.app, scope, receive, with_words(send))
            return
        if route.body is not Body.NOTHING:
            body = await read(receive, LARGEST_CALL if route.body is Body.CALL else LARGEST_WORD)
            call = parsed(body)
            if route.body is Body.CALL:
                check_call(call, self.inputs["queue/join" in scope["path"]])
            receive = replayed(body, receive)
        await self.app(scope, receive, with_words(send))


def _check_names(scope: Scope, route: Route) -> None:
    try:
        query = parse_qs(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=8)
    except ValueError:
        raise Refused(400, MALFORMED) from None
    for name in (*route.needs, *route.may):
        values = query.get(name, [])
        if len(values) > 1 or not all(map(is_session, values)) or (name in route.needs and not values):
            raise Refused(400, MALFORMED)


def with_words(send: Send) -> Send:
    """An error without words, as after values that no page sends, gets a sentence; the log has its trace."""
    held: list[Message] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            held.append(message)
        elif not held:
            await send(message)
        else:
            start, body = held.pop(), message.get("body", b"")
            wordless = b'"error":null' in body.replace(b" ", b"")
            if wordless or body == b"Internal Server Error":
                sentence = WORDLESS if wordless else BROKEN
                body = json.dumps({"error": sentence, "detail": sentence}).encode()
                changed = (b"content-length", b"content-type")
                headers = [(name, value) for name, value in start["headers"] if name not in changed]
                headers += [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
                start = {**start, "status": 400 if wordless else 500, "headers": headers}
            await send(start)
            await send({**message, "body": body})

    return sending
