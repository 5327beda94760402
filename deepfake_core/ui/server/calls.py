"""Calls of the endpoints for programs: which ones there are, and a call by name as one of the queue."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.parameters import Parameter, parameter_of
from deepfake_core.ui.server.upload_check import META

ONE_CALL = "00000000-"
"""How the session of a single call begins: see `CopiedStates`."""
MAX_QUOTE = 100
"""Characters of unknown names that a message quotes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallableEndpoint:
    """An endpoint as it is registered on the page."""

    name: str
    number: int
    """Gradio's index of the function."""
    about: str
    parameters: tuple[Parameter, ...]

    def values(self, arguments: Mapping[str, Any]) -> list[Any]:
        """The values in order, from those by name. Raises `BadRequest` for unknown and for missing names.

        A text with a slash is the path that an upload was given; other texts for files are names of examples.
        """
        names = [one.name for one in self.parameters]
        if unknown := [name for name in arguments if name not in names]:
            quoted = ", ".join(unknown)[:MAX_QUOTE]
            raise BadRequest(f"{self.name} has the parameters {', '.join(names)}, got {quoted}")
        if missing := [one.name for one in self.parameters if one.required and one.name not in arguments]:
            raise BadRequest(f"{self.name} needs values for {', '.join(missing)}")
        return [_value(one, arguments.get(one.name, one.default)) for one in self.parameters]


def _value(parameter: Parameter, value: Any) -> Any:
    is_path = parameter.is_file and isinstance(value, str) and ("/" in value or "\\" in value)
    return {"path": value, "meta": META} if is_path else value


def endpoints_of(page: gr.Blocks) -> dict[str, CallableEndpoint]:
    """The endpoints of a page by name; none if it has no interface for programs."""
    return {
        str(handler.api_name): CallableEndpoint(
            name=str(handler.api_name),
            number=number,
            about=str(handler.api_description),
            parameters=tuple(found for one in handler.inputs if (found := parameter_of(one))),
        )
        for number, handler in page.fns.items()
        if handler.fn and handler.api_visibility == "public"
    }


def one_call_session() -> str:
    """A session for a single call, which nobody can guess."""
    digits = secrets.token_hex(12)
    return f"{ONE_CALL}{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}"


def queued(endpoint: CallableEndpoint, data: list[Any], session: str) -> dict[str, Any]:
    """The body of the call for Gradio's queue; its answers then hold whole values instead of differences."""
    return {"data": data, "fn_index": endpoint.number, "session_hash": session, "simple_format": True}
