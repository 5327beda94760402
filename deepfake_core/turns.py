"""Turns on a network that several runs share: short runs overtake long ones, and none of them starves.

Each forward pass is one turn. The next turn goes to the run whose user, and then which itself, has had the network for
the shortest time (least attained service first; Kleinrock 1976, Queueing Systems, volume 2); every fourth goes to the
run that has waited longest.
"""

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

HALF_LIFE = 60.0
"""Seconds in which the time that a user has had the network counts half."""
FORGOTTEN = 600.0
"""Seconds without a turn after which an account is forgotten."""
OLDEST_EVERY = 4
"""Of so many turns one goes to the run that has waited longest."""


@dataclass(slots=True, kw_only=True)
class Account:
    """The time for which a user or a run has had the network."""

    seconds: float = 0.0
    updated: float = 0.0

    def at(self, now: float) -> float:
        """Seconds, of which the older ones count less."""
        return self.seconds * 0.5 ** ((now - self.updated) / HALF_LIFE)

    def add(self, seconds: float, now: float) -> None:
        """Count a turn."""
        self.seconds, self.updated = self.at(now) + seconds, now


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A run, and the user it belongs to."""

    user: Account
    own: Account = field(default_factory=Account)
    since: float = 0.0
    """When it began to wait for its next turn."""


class Accounts:
    """The users' accounts, by name."""

    def __init__(self) -> None:
        self._of: dict[str, Account] = {}

    def run(self, user: str) -> Run:
        """A new run of this user."""
        now = time.monotonic()
        for name in [one for one, account in self._of.items() if now - account.updated > FORGOTTEN]:
            del self._of[name]
        return Run(user=self._of.setdefault(user, Account(updated=now)))


Event = TypeVar("Event")
_current: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def acting_for(run: Run) -> Iterator[None]:
    """In this block, turns count for this run. Other code has runs of its own: one a turn."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


class Turns:
    """Who may use a network next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[Run] = []
        self._busy = False
        self._count = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the network, and have it to the end of the block. Not reentrant."""
        run = _current.get() or Run(user=Account())
        with self._changed:
            run.since = time.monotonic()
            self._waiting.append(run)
            while self._busy or self._next() is not run:
                self._changed.wait()
            self._waiting.remove(run)
            self._busy = True
            self._count += 1
        began = time.monotonic()
        try:
            yield
        finally:
            now = time.monotonic()
            with self._changed:
                for account in (run.user, run.own):
                    account.add(now - began, now)
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Run:
        """Whose turn it is, of those that wait."""
        if self._count % OLDEST_EVERY == OLDEST_EVERY - 1:
            return min(self._waiting, key=lambda run: run.since)
        now = time.monotonic()
        return min(self._waiting, key=lambda run: (run.user.at(now), run.own.at(now), run.since))


def in_turns(run: Run, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """The events of a generator, which acts for `run` whatever thread asks for the next one."""
    with closing(events):
        while True:
            with acting_for(run):
                event = next(events, run)
            if event is run:
                return
            yield event  # type: ignore[misc]
