"""The bodies of requests: how long they may be, and what has to be in them before Gradio sees them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from deepfake_core.ui.server.asgi import Message, Receive
from deepfake_core.ui.server.queue import SESSION, UNKNOWN

LARGEST_CALL = 256_000
"""Bytes of the values of the page's fields; files are uploaded beforehand."""
LARGEST_WORD = 2_000
TOO_LONG = "that is too much text; shorten it"
BY_ADDRESS = "files come by upload, not by address"
MALFORMED = "this is no request of the page; reload the page and try again"
ADDRESS = re.compile(r"\w[\w+.-]+:")
"""Of two letters at least: `C:` begins a path."""


class Refused(Exception):
    """A request that is not handed on: the status of the answer, and its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


async def read(receive: Receive, limit: int) -> bytes:
    """The request's body. Raises `Refused` once it is longer than `limit`, before more of it is kept."""
    parts, length = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, MALFORMED)  # it hung up
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > limit:
            raise Refused(413, TOO_LONG)
        if not message.get("more_body", False):
            return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, and after it whatever else comes, such as the end of the connection."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object in a body whose session has a proper name. Raises `Refused`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, MALFORMED) from None
    if not isinstance(value, dict) or not is_session(value.get("session_hash")):
        raise Refused(400, MALFORMED)
    return value


def check_call(call: Mapping[str, Any], inputs: Mapping[int, int]) -> None:
    """Raises `Refused` unless it is a call of one of `inputs` (index -> number of values), without addresses of
    files: Gradio would fetch them, of whatever size, from wherever."""
    number = call.get("fn_index")
    if not isinstance(number, int) or isinstance(number, bool) or number not in inputs:
        raise Refused(404, UNKNOWN)
    data = call.get("data")
    if not isinstance(data, list) or len(data) != inputs[number]:
        raise Refused(400, MALFORMED)
    try:
        if _names_address(dict(call)):
            raise Refused(400, BY_ADDRESS)
    except RecursionError:
        raise Refused(400, MALFORMED) from None


def is_session(name: object) -> bool:
    """Whether a session, or an upload, is named as Gradio's clients name theirs."""
    return isinstance(name, str) and SESSION.fullmatch(name) is not None


def _names_address(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_names_address, value))
    if not isinstance(value, dict):
        return False
    path = value.get("path")
    names = isinstance(path, str) and (ADDRESS.match(path) is not None or "\0" in path)
    return names or any(map(_names_address, value.values()))
