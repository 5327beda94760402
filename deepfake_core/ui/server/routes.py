"""The routes that the page needs, and how much each takes; whatever else Gradio offers is not there."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from deepfake_core.ui.server.queue import SESSION

API = "/gradio_api/"
_SESSION = f"(?:{SESSION.pattern})"


class Body(Enum):
    """What a request carries."""

    NOTHING = auto()
    CALL = auto()
    """Values for one of the page's functions, as JSON."""
    WORD = auto()
    """Which event is meant, as JSON."""
    FILES = auto()


@dataclass(frozen=True, slots=True)
class Route:
    """One route."""

    path: re.Pattern[str]
    body: Body = Body.NOTHING
    needs: tuple[str, ...] = ()
    """Names of sessions or uploads that stand in the query."""
    may: tuple[str, ...] = ()
    """Such names that may be missing."""

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD") if self.body is Body.NOTHING else ("POST",)


def _page(pattern: str) -> Route:
    return Route(re.compile(f"/(?:{pattern})"))


def _api(pattern: str, body: Body = Body.NOTHING, *, needs: tuple[str, ...] = (), may: tuple[str, ...] = ()) -> Route:
    return Route(re.compile(f"{API}(?:{pattern})/?"), body, needs, may)


ROUTES = (
    _page(r"|config/?|theme\.css|favicon\.ico|manifest\.json|robots\.txt|(?:assets|static)/.+"),
    _api("startup-events|app_id"),
    _api(r"file=(?!\w[\w+.-]+:).+"),  # a scheme has two letters at least: `C:` begins a path
    _api(rf"heartbeat/{_SESSION}"),
    _api("queue/data", needs=("session_hash",)),
    _api("upload_progress", needs=("upload_id",)),
    _api("upload", Body.FILES, may=("upload_id",)),
    _api(r"queue/join|run/[\w.-]{1,64}", Body.CALL),
    _api("cancel|reset", Body.WORD),
)


def route_of(path: str) -> Route | None:
    """The route that a path belongs to."""
    return next((route for route in ROUTES if route.path.fullmatch(path)), None)
