"""Request bodies: size limits and validation before they reach Gradio."""

import json
import re
from collections.abc import Mapping
from typing import Any

from deepfake_core.ui.server.asgi import Message, Receive
from deepfake_core.ui.server.queue import SESSION, UNKNOWN

EVENT = re.compile(r"[0-9a-f]{32}")
"""An event id as Gradio generates it."""
MAX_CALL_BYTES = 256_000
"""For the values of the page's fields; files are uploaded separately."""
MAX_EVENT_BYTES = 2_000
"""For the id of an event."""
TOO_LONG = "the request is too long; shorten the text"
BY_ADDRESS = "files have to be uploaded; URLs are not accepted"
MALFORMED = "the request is malformed; reload the page and try again"
ADDRESS = re.compile(r"\w[\w+.-]+:")
"""A scheme of at least two letters: `C:` begins a path."""


class Refused(Exception):
    """Raised for a request that is rejected with `status` and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


async def read(receive: Receive, limit: int) -> bytes:
    """The request's body. Raises `Refused` as soon as it is longer than `limit` bytes."""
    parts, length = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, MALFORMED)  # disconnected
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > limit:
            raise Refused(413, TOO_LONG)
        if not message.get("more_body", False):
            return b"".join(parts)


def resent(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns the body again, and then the following messages, such as the disconnect."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def parsed(body: bytes, *, name: str = "session_hash") -> dict[str, Any]:
    """The JSON object in the body. Raises `Refused` unless it is one whose `name` is a valid id."""
    value = parsed_object(body)
    if not is_id(value.get(name), name):
        raise Refused(400, MALFORMED)
    return value


def parsed_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the body. Raises `Refused` unless it is one."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, MALFORMED) from None
    if not isinstance(value, dict):
        raise Refused(400, MALFORMED)
    return value


def check_call(call: Mapping[str, Any], inputs: Mapping[int, int]) -> None:
    """Raise `Refused` unless it calls a function in `inputs` (index -> number of values) without URLs of files.

    Gradio would download them, whatever their size and origin.
    """
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


def is_id(value: object, name: str) -> bool:
    """Whether it is a valid event id or session hash, according to `name`."""
    if name == "event_id":
        return isinstance(value, str) and EVENT.fullmatch(value) is not None
    return is_session(value)


def is_session(name: object) -> bool:
    """Whether it is a session hash or upload id as Gradio's clients generate it."""
    return isinstance(name, str) and SESSION.fullmatch(name) is not None


def _names_address(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_names_address, value))
    if not isinstance(value, dict):
        return False
    path = value.get("path")
    names = isinstance(path, str) and (ADDRESS.match(path) is not None or "\0" in path)
    return names or any(map(_names_address, value.values()))
