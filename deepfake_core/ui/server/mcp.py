"""The endpoints as tools of the Model Context Protocol (modelcontextprotocol.io), over its stateless HTTP transport.

Gradio has a server of its own, which does not serve here: it fetches any address that is given as a file, calls the
endpoints from its own address, so that no limit knows the client, and encodes result pictures anew, which loses their
Content Credentials.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

import deepfake_core
from deepfake_core.ui.server.asgi import App, Receive, Scope, Send, header
from deepfake_core.ui.server.calls import CallableEndpoint
from deepfake_core.ui.server.routes import API
from deepfake_core.ui.server.subrequests import Subrequests
from deepfake_core.ui.server.tool_calls import ToolCall

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Versions of the protocol, the newest first."""
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
INSTRUCTIONS = (
    "Deepfake Lab animates and edits faces with generative adversarial networks. A file is the name of an example, "
    "such as amara.png or nod.mp4; a small one may stand in the call as data:image/png;base64,...; a larger one is "
    f"uploaded first (POST {API}upload, form field 'files'), and the path in the response is given. Use only the "
    "user's own face, drawn ones, or faces of people who have given consent, and set consent to true only if the user "
    "says so. Results are labelled as AI-generated and signed."
)


class McpServer:
    """Responds to one message at a time; it keeps no sessions."""

    def __init__(self, app: App, endpoints: Mapping[str, CallableEndpoint]) -> None:
        """`app` is asked for everything that a tool does."""
        self.app, self.endpoints = app, endpoints

    async def respond(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to the message in `body`."""
        version = header(scope, b"mcp-protocol-version")
        if version is not None and version not in VERSIONS:
            sentence = f"MCP-Protocol-Version must be one of {', '.join(VERSIONS)}, got {version[:40]}"
            await _error(None, INVALID_REQUEST, sentence, 400)(scope, receive, send)
            return
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            await _error(None, PARSE_ERROR, "the message must be JSON", 400)(scope, receive, send)
            return
        if not _is_message(message):
            await _error(None, INVALID_REQUEST, "the message must be one of JSON-RPC 2.0", 400)(scope, receive, send)
        elif "id" not in message or "method" not in message:
            await Response(status_code=202)(scope, receive, send)  # a notification, or the answer to none of ours
        elif message["method"] == "tools/call":
            await self._call(message, scope, receive, send)
        else:
            await self._answered(message)(scope, receive, send)

    def _answered(self, message: Mapping[str, Any]) -> Response:
        """The response to a request that runs no tool."""
        match message["method"]:
            case "initialize":
                asked = message.get("params", {}).get("protocolVersion")
                result = {
                    "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
                    "capabilities": {"tools": {"listChanged": False}},
                    "serverInfo": {
                        "name": "deepfake-lab",
                        "title": "Deepfake Lab",
                        "version": deepfake_core.__version__,
                    },
                    "instructions": INSTRUCTIONS,
                }
            case "ping":
                result = {}
            case "tools/list":
                result = {"tools": [*map(described, self.endpoints.values())]}
            case other:
                return _error(message["id"], NO_METHOD, f"unknown method {str(other)[:40]!r}")
        return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def _call(self, message: Mapping[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        params = message.get("params", {})
        endpoint, arguments = self.endpoints.get(str(params.get("name"))), params.get("arguments", {})
        if endpoint is None or not isinstance(arguments, dict):
            tools = ", ".join(self.endpoints)
            await _error(message["id"], INVALID_PARAMS, f"tools/call needs one of {tools}, and arguments by name")(
                scope, receive, send
            )
            return
        stream = Stream(message["id"], _token(params), scope, send)
        call = ToolCall(endpoint, Subrequests(self.app, scope, receive), stream.report)
        result = await call.content(arguments)
        await stream.finish({"jsonrpc": "2.0", "id": message["id"], "result": result}, receive)


class Stream:
    """The response to a call: a stream of events if the client wants to see progress, else one JSON object."""

    def __init__(self, number: Any, token: Any, scope: Scope, send: Send) -> None:
        wanted = token is not None and "text/event-stream" in (header(scope, b"accept") or "")
        self._number, self._token, self._scope, self._send = number, token if wanted else None, scope, send
        self._started, self._done = False, 0.0

    async def report(self, message: str, done: int | None, total: int | None) -> None:
        """Send a progress notification; its number has to grow."""
        if self._token is None:
            return
        if done is None or done <= self._done:
            await self._event(f": {message}")  # a comment, so that the connection is not idle
            return
        self._done = done
        params: dict[str, Any] = {"progressToken": self._token, "progress": done, "message": message}
        params |= {} if total is None else {"total": total}
        await self._event(_data({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))

    async def finish(self, answer: Mapping[str, Any], receive: Receive) -> None:
        """Send the answer."""
        if self._token is None:
            await JSONResponse(answer)(self._scope, receive, self._send)
            return
        await self._event(_data(answer))
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _event(self, text: str) -> None:
        if not self._started:
            self._started = True
            headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": f"{text}\n\n".encode(), "more_body": True})


def described(endpoint: CallableEndpoint) -> dict[str, Any]:
    """An endpoint as a tool."""
    schema = {
        "type": "object",
        "properties": {one.name: one.described() for one in endpoint.parameters},
        "required": [one.name for one in endpoint.parameters if one.required],
        "additionalProperties": False,
    }
    return {"name": endpoint.name, "description": endpoint.about, "inputSchema": schema}


def _is_message(message: Any) -> bool:
    """Whether it is a JSON-RPC message: batches are not part of the protocol any more."""
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return False
    number_is_valid = isinstance(message.get("id", 0), str | int) and not isinstance(message.get("id"), bool)
    return number_is_valid and isinstance(message.get("params", {}), dict)


def _token(params: Mapping[str, Any]) -> str | int | None:
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, str | int) else None


def _data(message: Mapping[str, Any]) -> str:
    return f"event: message\ndata: {json.dumps(message)}"


def _error(number: Any, code: int, sentence: str, status: int = 200) -> JSONResponse:
    return JSONResponse({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": sentence}}, status)
