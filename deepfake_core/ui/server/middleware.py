"""The middleware in front of Gradio: only the page's own routes, with valid parameters and a bounded body."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import gradio as gr
from starlette.responses import Response

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.asgi import App, Message, Receive, Scope, Send, client_of, refuse
from deepfake_core.ui.server.body import (
    MALFORMED,
    MAX_CALL_BYTES,
    MAX_EVENT_BYTES,
    Refused,
    check_call,
    is_session,
    parsed,
    parsed_object,
    read,
    resent,
)
from deepfake_core.ui.server.calls import CallableEndpoint, endpoints_of, one_call_session, queued
from deepfake_core.ui.server.compression import Compression
from deepfake_core.ui.server.headers import SecurityHeaders
from deepfake_core.ui.server.hosts import HostCheck
from deepfake_core.ui.server.mcp import McpServer
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.server.proxies import ProxyCheck
from deepfake_core.ui.server.queue import ARRIVAL, SupervisedQueue
from deepfake_core.ui.server.rate_limit import NewSessions
from deepfake_core.ui.server.routes import API, CALL, Body, Route, route_of
from deepfake_core.ui.server.subrequests import moved
from deepfake_core.ui.server.uploads import Uploads

MISSING = "unknown endpoint"
CLOSED = "the interface for programs is closed on this server (DEEPFAKE_API=off); use the page in a browser"
INVALID = "the values could not be processed; reload the page and try again"
BROKEN = "Something went wrong here; reload the page and try again"


def guarded(app: App, page: gr.Blocks, uploads: Path) -> App:
    """Wrap the app in all middleware of this project; `uploads` is Gradio's upload folder."""
    queue = page._queue if isinstance(page._queue, SupervisedQueue) else None
    numbers = {True: inputs_of(page, queued=True), False: inputs_of(page, queued=False)}
    checked = RequestCheck(Compression(app), numbers, Uploads(uploads), endpoints_of(page), queue)
    return ProxyCheck(SecurityHeaders(HostCheck(checked)))


def inputs_of(page: gr.Blocks, *, queued: bool) -> dict[int, int]:
    """Index of each function on the server that is (not) queued -> the number of its inputs."""
    return {
        number: len(handler.inputs)
        for number, handler in page.fns.items()
        if (handler.fn or handler.cancels) and (handler.queue is not False) == queued
    }


class RequestCheck:
    """ASGI middleware: rejects a request with one sentence, or forwards it."""

    def __init__(
        self,
        app: App,
        inputs: Mapping[bool, Mapping[int, int]],
        uploads: Uploads,
        endpoints: Mapping[str, CallableEndpoint],
        queue: SupervisedQueue | None = None,
    ) -> None:
        self.app, self.inputs, self.uploads, self.endpoints, self.queue = app, inputs, uploads, endpoints, queue
        self.new_sessions, self.mcp = NewSessions(), McpServer(self, endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        route = route_of(scope["path"]) if scope["type"] == "http" else None
        try:
            if route is None:
                raise Refused(404, MISSING)
            if route.for_programs and not self.endpoints:
                raise Refused(403, CLOSED)
            if scope["method"] not in route.methods:
                raise Refused(405, MISSING)
            _check_query(scope, route)
            if (scope["method"], scope["path"]) == ("HEAD", "/"):  # Gradio's own check at the start waits 3 s at most,
                await Response(media_type="text/html")(scope, receive, send)  # and a busy machine renders for longer
                return
            await self._forward(route, scope, receive, send)
        except Refused as refused:
            if scope["type"] == "http":
                await refuse(refused.status, refused.sentence, scope, receive, send)

    async def _forward(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        if route.body is Body.FILES:
            await self.uploads.take(self.app, scope, receive, with_message(send))
            return
        if route.body is Body.MCP:
            await self.mcp.respond(await read(receive, MAX_CALL_BYTES), scope, receive, send)
            return
        if route.body is Body.NAMED_CALL:
            await self._forward_named(scope, receive, send)
            return
        if route.body is not Body.NOTHING:
            body = await read(receive, MAX_CALL_BYTES if route.body is Body.CALL else MAX_EVENT_BYTES)
            call = parsed(body, name="event_id" if route.body is Body.RESET else "session_hash")
            receive = resent(body, receive)
            if route.body is Body.CALL:
                await self._call(call, scope, receive, with_message(send))
                return
        await self.app(scope, receive, with_message(send))

    async def _call(self, call: Mapping[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        """Forward a call that may be queued now: Gradio would take several times as long to refuse it."""
        joins, session, address = "queue/join" in scope["path"], str(call["session_hash"]), client_of(scope)
        check_call(call, self.inputs[joins])
        self.new_sessions.check(session, address)
        if not joins or self.queue is None:
            await self.app(scope, receive, send)
            return
        if sentence := self.queue.full_for(call["fn_index"], session, address):
            raise Refused(503, sentence)
        with self.queue.arriving(call["fn_index"], session, address) as arrival:
            await self.app({**scope, ARRIVAL: arrival}, receive, send)

    async def _forward_named(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Turn a call by name into one of the queue, with a session of its own; the same checks follow."""
        asked = CALL.search(scope["path"])
        endpoint = self.endpoints.get(asked["name"]) if asked else None
        if asked is None or endpoint is None:
            raise Refused(404, MISSING)
        arguments = parsed_object(await read(receive, MAX_CALL_BYTES))
        try:
            data = endpoint.values(arguments) if asked["named"] else arguments.get("data", [])
        except BadRequest as error:
            raise Refused(400, sentence(error)) from None
        body = json.dumps(queued(endpoint, data, one_call_session())).encode()
        await self(moved(scope, "POST", f"{API}queue/join", body), resent(body, receive), send)


def _check_query(scope: Scope, route: Route) -> None:
    try:
        query = parse_qs(scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=8)
    except ValueError:
        raise Refused(400, MALFORMED) from None
    for name in (*route.required, *route.optional):
        values = query.get(name, [])
        if len(values) > 1 or not all(map(is_session, values)) or (name in route.required and not values):
            raise Refused(400, MALFORMED)


def with_message(send: Send) -> Send:
    """Replace an error response without a message by one sentence; the traceback is in the log."""
    held: list[Message] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 500:
            held.append(message)
        elif not held:
            await send(message)
        else:
            start, body = held.pop(), message.get("body", b"")
            no_message = b'"error":null' in body.replace(b" ", b"")
            if no_message or body == b"Internal Server Error":
                sentence = INVALID if no_message else BROKEN
                body = json.dumps({"error": sentence, "detail": sentence}).encode()
                changed = (b"content-length", b"content-type")
                headers = [(name, value) for name, value in start["headers"] if name not in changed]
                headers += [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
                start = {**start, "status": 400 if no_message else 500, "headers": headers}
            await send(start)
            await send({**message, "body": body})

    return sending
