"""The results of each open session: which files they are, and with which values they were made.

A result is the page's own copy of its file, which is deleted with all others after an hour. A session sees its own
results alone.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_core.errors import MissingFile
from deepfake_core.settings import settings
from deepfake_core.ui.server.uploaded import Withheld

MAX_RESULTS = 6
"""Per session; the oldest goes first."""
GONE = "this result was deleted; make it again from its picture"
INPUT_GONE = "a file from which this result was made was deleted; upload it again"


@dataclass(frozen=True, slots=True)
class SessionResult:
    """One result."""

    path: Path
    made_from: str
    tab: str
    """Title of the tab that made it."""
    job: int
    """Identifies the job that made it."""
    values: tuple[Any, ...]
    """Of the job's inputs, as the handler got them."""

    @property
    def is_picture(self) -> bool:
        return self.path.suffix.lower() != ".mp4"

    def restored(self) -> list[Any]:
        """The values as the page sets them. Raises `MissingFile` if an upload was deleted meanwhile."""
        return [_restored(value) for value in self.values]


class SessionResults:
    """The results by session."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, deque[SessionResult]] = OrderedDict()
        self._picked: dict[str, SessionResult] = {}
        self._lock = threading.Lock()

    def add(self, session: str, result: SessionResult) -> None:
        """Add a result, in the place of an equal one."""
        with self._lock:
            own = self._of.setdefault(session, deque(maxlen=MAX_RESULTS))
            same = [one for one in own if one.path == result.path]
            for one in same:
                own.remove(one)
            own.append(result)
            self._of.move_to_end(session)
            while len(self._of) > settings().sessions:
                gone, _ = self._of.popitem(last=False)
                self._picked.pop(gone, None)

    def of(self, session: str) -> list[SessionResult]:
        """The results of a session whose files are there, the newest first."""
        with self._lock:
            return [one for one in reversed(self._of.get(session, ())) if one.path.is_file()]

    def pick(self, session: str, result: SessionResult) -> SessionResult:
        """Remember which of the session's results is to be made again. Raises `MissingFile` if it is none of them."""
        if result not in self.of(session):
            raise MissingFile(GONE)
        with self._lock:
            self._picked[session] = result
        return result

    def picked(self, session: str, job: int) -> SessionResult:
        """The result that was picked last, if this job made it. Raises `MissingFile` otherwise."""
        with self._lock:
            found = self._picked.get(session)
        if found is None or found.job != job:
            raise MissingFile(GONE)
        return found

    def forget(self, session: str) -> None:
        """Remove what is known of a closed session."""
        with self._lock:
            self._of.pop(session, None)
            self._picked.pop(session, None)


def _restored(value: Any) -> Any:
    if isinstance(value, Withheld):
        return None
    if isinstance(value, Mapping) and "path" in value:
        path = Path(value.get("upload", value["path"]))
        if not path.is_file():
            raise MissingFile(INPUT_GONE)
        return str(path)
    if isinstance(value, Sequence) and not isinstance(value, str) and value and isinstance(value[0], Mapping):
        return [_restored(one) for one in value]
    return value
