"""Work in order in another thread: frames are labelled and encoded while the network computes the next ones."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

AHEAD = 4
"""Frames that may wait; more would only take memory."""


class Background:
    """One thread that works through what it is given; an error in it is raised by the next call, or by the end."""

    def __init__(self, ahead: int = AHEAD) -> None:
        self._thread = ThreadPoolExecutor(1, "background")
        self._ahead, self._pending = ahead, deque[Future[Any]]()

    def __enter__(self) -> "Background":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until all is done; after an error, only for what has begun."""
        try:
            while error is None and self._pending:
                self._pending.popleft().result()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def run(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Have `work(*arguments)` done after what was given before; waits while `ahead` wait already."""
        while self._pending and (self._pending[0].done() or len(self._pending) >= self._ahead):
            self._pending.popleft().result()
        future = self._thread.submit(work, *arguments)
        self._pending.append(future)
        return future
