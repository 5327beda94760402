"""The routes that the page and programs need, with their kinds of bodies; Gradio's other routes are blocked."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from deepfake_core.ui.server.queue import SESSION

API = "/gradio_api/"
_NAME = "[a-z_]{1,32}"
CALL = re.compile(rf"call/(?P<named>v2/)?(?P<name>{_NAME})")
"""A call of an endpoint: with a list of values, or (`v2`) with values by name."""
_SESSION = f"(?:{SESSION.pattern})"


class Body(Enum):
    """The kind of a request body."""

    NOTHING = auto()
    CALL = auto()
    """A call of one of the page's functions, as JSON."""
    EVENT = auto()
    """An event of a session, as JSON."""
    RESET = auto()
    """The id of an event, as JSON; Gradio's client sends no session here."""
    FILES = auto()
    NAMED_CALL = auto()
    """A call of an endpoint for programs, as JSON."""
    MCP = auto()
    """A message of the Model Context Protocol, as JSON."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route."""

    path: re.Pattern[str]
    body: Body = Body.NOTHING
    required: tuple[str, ...] = ()
    """Required query parameters, which hold session hashes or upload ids."""
    optional: tuple[str, ...] = ()
    """The same, but optional."""
    for_programs: bool = False
    """Whether it is part of the interface for programs, which the operator can close."""

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.body is Body.NOTHING else ("POST",)


def _page(pattern: str) -> Route:
    return Route(re.compile(f"/(?:{pattern})"))


def _api(
    pattern: str, body: Body = Body.NOTHING, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> Route:
    return Route(re.compile(f"{API}(?:{pattern})/?"), body, required, optional)


ROUTES = (
    _page(r"|config/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(?:assets|static)/.+"),
    _api("startup-events|app_id"),
    _api(r"file=(?!\w[\w+.-]+:).+"),  # a scheme has two letters at least: `C:` begins a path
    _api(rf"heartbeat/{_SESSION}"),
    _api("queue/data", required=("session_hash",)),
    _api("upload_progress", required=("upload_id",)),
    _api("upload", Body.FILES, optional=("upload_id",)),
    _api(r"queue/join|run/[\w.-]{1,64}", Body.CALL),
    _api("cancel", Body.EVENT),
    _api("reset", Body.RESET),
)


def _programs(pattern: str, body: Body = Body.NOTHING) -> Route:
    return Route(re.compile(f"{API}(?:{pattern})/?"), body, for_programs=True)


PROGRAM_ROUTES = (
    _programs("info"),
    _programs(rf"call/(?:v2/)?{_NAME}/[0-9a-f]{{32}}"),
    _programs(CALL.pattern, Body.NAMED_CALL),
    _programs("mcp(?:/http)?", Body.MCP),
)
"""What `gradio_client`, curl and MCP clients need in addition to the page's routes."""


def route_of(path: str) -> Route | None:
    """The route of a path, or None."""
    return next((route for route in (*ROUTES, *PROGRAM_ROUTES) if route.path.fullmatch(path)), None)
