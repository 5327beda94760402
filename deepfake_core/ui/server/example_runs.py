"""Makes the examples' results in the background after the start, while no visitor uses the networks."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any

from deepfake_core.errors import LabError
from deepfake_core.turns import Accounts, in_turns
from deepfake_core.ui.server.example_cache import preparing

IDLE_SECONDS = 0.5
"""Between looks whether visitors are still being served."""
ExampleRun = Callable[[], Iterator[Any]]
"""Of a tab: runs like a visitor's with an example's values and without a deadline; the result is cached."""

log = logging.getLogger(__name__)


def example(path: Path | None) -> dict[str, str] | None:
    """An example as a handler gets it."""
    return {"path": str(path)} if path else None


class ExampleRuns:
    """A thread that makes one result after the other. It is paused between steps while `busy()` is true."""

    def __init__(self, tabs: Iterable[Callable[[], Iterator[ExampleRun]]], busy: Callable[[], bool]) -> None:
        """`tabs`: for each tab what to make, the most important first."""
        self._tabs, self._busy = tuple(tabs), busy
        self._stopped = threading.Event()
        self._run = Accounts().run("examples")

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self.make_all, name="examples", daemon=True).start()

    def stop(self) -> None:
        """End after the current step."""
        self._stopped.set()

    def make_all(self) -> None:
        """Make the results of all tabs, of each in turn. An error is logged, and the next one is made."""
        for runs in zip_longest(*(listed(tab) for tab in self._tabs)):
            for run in runs:
                if run is not None and not self._stopped.is_set():
                    self._make(run)

    def _make(self, run: ExampleRun) -> None:
        try:
            self._wait_until_idle()
            with preparing(), closing(in_turns(self._run, steps(run))) as updates:
                for _ in updates:
                    self._wait_until_idle()
                    if self._stopped.is_set():
                        return
        except LabError as error:
            log.info("an example has no result: %s", error)  # such as a photograph, of which starters read nothing
        except Exception:
            log.exception("the result of an example could not be made in the background")

    def _wait_until_idle(self) -> None:
        while self._busy() and not self._stopped.wait(IDLE_SECONDS):
            pass


def listed(tab: Callable[[], Iterator[ExampleRun]]) -> Iterator[ExampleRun]:
    """What a tab makes; nothing more after an error, such as missing weights."""
    try:
        yield from tab()
    except Exception:
        log.exception("the examples of a tab could not be listed")


def steps(run: ExampleRun) -> Any:
    """The run's updates as a generator."""
    yield from run()
