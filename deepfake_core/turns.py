"""Turns on the networks that several runs share: short runs overtake long ones, and none of them starves.

A turn is a step of a run, or a forward pass of code that is no run. A run steps aside while it waits for a decoder, and
after each forward pass. Readings (attribute boxes, a look inside) go first. Otherwise the next turn goes to the run
whose user, and then which itself, has had the network for the shortest time (least attained service first; Kleinrock
1976, Queueing Systems, volume 2); every fourth goes to whichever has waited longest.
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
    has_turn: bool = False
    reading: bool = False
    """Whether it is a short reading, which goes before all runs (but for every fourth turn)."""


class Accounts:
    """The users' accounts, by name."""

    def __init__(self) -> None:
        self._of: dict[str, Account] = {}

    def run(self, user: str, *, reading: bool = False) -> Run:
        """A new run (or reading) of this user."""
        now = time.monotonic()
        for name in [one for one, account in self._of.items() if now - account.updated > FORGOTTEN]:
            del self._of[name]
        return Run(user=self._of.setdefault(user, Account(updated=now)), reading=reading)


Event = TypeVar("Event")
_current: ContextVar[Run | None] = ContextVar("run", default=None)


@contextmanager
def acting_for(run: Run) -> Iterator[None]:
    """In this block, turns count for this run. Other code has a run of its own for each turn."""
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
        self._began = 0.0
        self._count = 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the networks, and have them to the end of the block; within a turn of the same run, go on."""
        run = _current.get() or Run(user=Account())
        if run.has_turn:
            yield
            return
        self._take(run)
        try:
            with acting_for(run):
                yield
        finally:
            self._give_up(run)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the turn up, if this run has it, to the end of the block: while it waits for something else."""
        run = _current.get()
        if run is None or not run.has_turn:
            yield
            return
        self._give_up(run)
        try:
            yield
        finally:
            self._take(run)

    def _take(self, run: Run) -> None:
        with self._changed:
            run.since = time.monotonic()
            self._waiting.append(run)
            try:
                while self._busy or self._next() is not run:
                    self._changed.wait()
            finally:  # also when Ctrl-C interrupts the wait: who is gone must not be next
                self._waiting.remove(run)
                self._changed.notify_all()
            self._busy = run.has_turn = True
            self._count += 1
            self._began = time.monotonic()

    def _give_up(self, run: Run) -> None:
        now = time.monotonic()
        with self._changed:
            if not run.has_turn:
                return  # it was interrupted while it waited to have its turn back
            for account in (run.user, run.own):
                account.add(now - self._began, now)
            self._busy = run.has_turn = False
            self._changed.notify_all()

    def _next(self) -> Run:
        """Whose turn it is, of those that wait."""
        if self._count % OLDEST_EVERY == OLDEST_EVERY - 1:
            return min(self._waiting, key=lambda run: run.since)
        now = time.monotonic()
        return min(self._waiting, key=lambda run: (not run.reading, run.user.at(now), run.own.at(now), run.since))


NETWORKS = Turns()
"""Of this process: every network uses all cores, or the whole GPU."""


def in_turns(run: Run, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
    """The events of a generator, each computed in a turn of `run`, whatever thread asks for it."""
    with closing(events):
        while True:
            with acting_for(run), NETWORKS.turn():
                event = next(events, run)
            if event is run:
                return
            yield event  # type: ignore[misc]
