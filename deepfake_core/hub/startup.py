"""Weights that whoever runs the app wants installed: pulled or converted in the background after the start.

They are those named in `$DEEPFAKE_PULL`, whose licences the person who sets it accepts, and the authors' files that lie
in `weights/` under a name of the manifest.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepfake_core.errors import LabError
from deepfake_core.hub.manifest import entry, manifest
from deepfake_core.settings import settings

if TYPE_CHECKING:
    from deepfake_core.hub.pulling import Step

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Wanted:
    """The state of some weights."""

    name: str
    step: "Step | None" = None
    """The latest one; None before the first."""
    error: str | None = None
    over: bool = False
    """Whether it is installed or has failed."""


@dataclass(slots=True)
class StartupPull:
    """Pulls in one thread, one after another."""

    wanted: list[Wanted] = field(default_factory=list)
    """In the order of the setting. Written by the thread, read by the page."""

    def start(self, installed: Callable[[str], None]) -> None:
        """Begin, and call `installed` with each name that is installed. Raises `UnknownModel` for a wrong name."""
        names = requested()
        self.wanted = [Wanted(name) for name in names]
        threading.Thread(target=self._run, args=(installed,), name="pull at start", daemon=True).start()

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return all(one.over for one in self.wanted)

    def _run(self, installed: Callable[[str], None]) -> None:
        from deepfake_core.hub.store import find, find_original  # imports torch

        known = {one.name for one in self.wanted}
        for name, listed in manifest().items():
            if name not in known and find_original(listed) and not find(name):
                self.wanted.append(Wanted(name))
        for one in self.wanted:
            self._pull(one)
            if one.error is None:
                installed(one.name)

    def _pull(self, one: Wanted) -> None:
        from deepfake_core.hub.obtaining import SourceFailed
        from deepfake_core.hub.pulling import pull

        try:
            for step in pull(one.name, accept_licence=True):
                if isinstance(step, SourceFailed):
                    log.warning("%s; trying the next source", step.reason)
                one.step = step
        except LabError as error:
            one.error = str(error)
            log.warning("%s was not installed: %s", one.name, error)
        except Exception:
            one.error = "something went wrong; the server's log has the details"
            log.exception("%s was not installed", one.name)
        one.over = True


STARTUP = StartupPull()
"""That of this process."""


def requested() -> list[str]:
    """The names in `$DEEPFAKE_PULL`. Raises `UnknownModel` for one that is not in the manifest."""
    names = [name.strip() for name in settings().pull.split(",") if name.strip()]
    return [entry(name).name for name in dict.fromkeys(names)]
