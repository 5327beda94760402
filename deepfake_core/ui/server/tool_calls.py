"""Calls of the tools: each is a call of the page's queue, with the same checks, lanes and limits."""

import base64
import binascii
import json
import mimetypes
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from deepfake_core.errors import BadRequest, LabError
from deepfake_core.ui.server.body import MALFORMED
from deepfake_core.ui.server.calls import CallableEndpoint, one_call_session, queued
from deepfake_core.ui.server.messages import sentence
from deepfake_core.ui.server.routes import API
from deepfake_core.ui.server.subrequests import Subrequests
from deepfake_core.ui.server.upload_check import META

Report = Callable[[str, int | None, int | None], Awaitable[None]]
"""`report(message, done, total)`: tells the client how far the call is; without numbers, that it is alive."""
INLINE = re.compile(r"data:(?P<kind>[a-z]+/[a-z0-9.+-]+);base64,(?P<content>[A-Za-z0-9+/=\s]*)")
SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
}
"""Content types of files that may stand in a call itself."""
MAX_PICTURE_BYTES = 3_000_000
"""A result of more bytes is only linked."""
BROKEN_OFF = "the server ended the call without a result; try again"


class CallFailed(Exception):
    """Raised for a call without a result, with one sentence."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of an endpoint on behalf of an MCP client."""

    endpoint: CallableEndpoint
    requests: Subrequests
    report: Report

    async def content(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The result of `tools/call`: facts with the files' addresses as JSON, then the pictures, byte for byte."""
        try:
            data = await self._result(arguments)
        except (CallFailed, LabError) as error:
            text = sentence(error) if isinstance(error, LabError) else str(error)
            return {"content": [{"type": "text", "text": text}], "isError": True}
        files, facts = data if len(data) == 2 else ([], data[0])
        if files:
            facts = facts | {
                "files": [
                    {**described, "url": one["url"]} for described, one in zip(facts["files"], files, strict=True)
                ]
            }
        pictures = [picture for one in files or [] if (picture := await self._picture(one))]
        shown = {"type": "text", "text": json.dumps(facts, ensure_ascii=False)}
        return {"content": [shown, *pictures], "structuredContent": facts, "isError": False}

    async def _result(self, arguments: Mapping[str, Any]) -> list[Any]:
        """The values of the endpoint's outputs. Raises `CallFailed`, and `BadRequest` for other arguments."""
        given = {name: await self._argument(name, value) for name, value in arguments.items()}
        session = one_call_session()
        body = json.dumps(queued(self.endpoint, self.endpoint.values(given), session)).encode()
        status, answer = await self.requests.send("POST", f"{API}queue/join", body)
        if status != 200:
            raise CallFailed(_detail(answer))
        messages = Messages(self.report)
        await self.requests.send("GET", f"{API}queue/data", query=f"session_hash={session}", chunk=messages.take)
        if messages.completed is None:
            raise CallFailed(BROKEN_OFF)
        if not messages.completed.get("success"):
            raise CallFailed(messages.completed["output"].get("error") or BROKEN_OFF)
        data: list[Any] = messages.completed["output"]["data"]
        return data

    async def _argument(self, name: str, value: Any) -> Any:
        """The value, or the upload of a file that stands in the call."""
        is_file = any(one.is_file and one.name == name for one in self.endpoint.parameters)
        is_inline = is_file and isinstance(value, str) and value.startswith("data:")
        return await self._uploaded(name, value) if is_inline else value

    async def _uploaded(self, name: str, value: str) -> dict[str, Any]:
        """Upload a file that stands in the call. Raises `BadRequest` for other texts, `CallFailed` if refused."""
        found = INLINE.fullmatch(value)
        suffix = SUFFIXES.get(found["kind"]) if found else None
        try:
            content = base64.b64decode(found["content"], validate=False) if found else b""
        except binascii.Error:
            suffix, content = None, b""
        if suffix is None:
            kinds = ", ".join(SUFFIXES)
            raise BadRequest(f"{name} must be data:KIND;base64,... with KIND one of {kinds}; got another text")
        boundary = secrets.token_hex(16)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}{suffix}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        kind = f"multipart/form-data; boundary={boundary}".encode()
        status, answer = await self.requests.send("POST", f"{API}upload", body, kind=kind)
        if status != 200:
            raise CallFailed(_detail(answer))
        return {"path": json.loads(answer)[0], "meta": META}

    async def _picture(self, file: Mapping[str, Any]) -> dict[str, Any] | None:
        """A finished picture as content; None for a video, and for a file that is too large."""
        kind = mimetypes.guess_type(file["path"])[0] or ""
        if not kind.startswith("image/") or (file.get("size") or 0) > MAX_PICTURE_BYTES:
            return None
        status, content = await self.requests.send("GET", f"{API}file={quote(file['path'])}")
        if status != 200 or len(content) > MAX_PICTURE_BYTES:
            return None
        return {"type": "image", "data": base64.b64encode(content).decode(), "mimeType": kind}


class Messages:
    """The messages of the queue about one call."""

    def __init__(self, report: Report) -> None:
        self.completed: dict[str, Any] | None = None
        self._report, self._rest = report, b""

    async def take(self, piece: bytes) -> None:
        """The next piece of the stream of events."""
        *events, self._rest = (self._rest + piece).split(b"\n\n")
        for event in events:
            await self._message(json.loads(event.removeprefix(b"data:")))

    async def _message(self, message: dict[str, Any]) -> None:
        match message["msg"]:
            case "process_completed":
                self.completed = message
            case "unexpected_error":
                self.completed = {"success": False, "output": {"error": message.get("message")}}
            case "estimation":
                await self._report(f"waiting in the queue, {message['rank']} ahead", None, None)
            case "process_generating" if message.get("success"):
                facts = message["output"]["data"][-1]
                await self._report(str(facts.get("unit", "")), facts.get("done"), facts.get("total"))
            case _:
                await self._report("", None, None)


def _detail(answer: bytes) -> str:
    """The sentence in a response that refuses a request."""
    try:
        found = json.loads(answer)
        return str(found.get("detail") or found.get("error") or MALFORMED)
    except (ValueError, AttributeError):
        return MALFORMED
