"""Reasons to stop early: a signal, or the time limit. The loop asks between steps, so a step is never cut in two."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopWatch:
    """Knows whether someone has asked the run to stop, or its time is up."""

    def __init__(self, time_limit: float | None) -> None:
        """Start the clock; `time_limit` is in seconds, None for no limit."""
        self.deadline = None if time_limit is None else time.monotonic() + time_limit
        self.received: str | None = None

    def reason(self) -> str | None:
        """Return why to stop now, as a clause for the log, or None to go on."""
        if self.received:
            return f"stopped by {self.received}"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "stopped at the time limit"
        return None


@contextmanager
def stop_watch(time_limit: float | None) -> Iterator[StopWatch]:
    """Yield a watch that SIGINT and SIGTERM set off; a second signal of the same kind acts as usual."""
    watch = StopWatch(time_limit)
    if threading.current_thread() is not threading.main_thread():  # Python lets only the main thread handle signals
        yield watch
        return
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_signal(number: int, frame: FrameType | None) -> None:
        watch.received = signal.Signals(number).name
        signal.signal(number, former[signal.Signals(number)])

    for number in former:
        signal.signal(number, on_signal)
    try:
        yield watch
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
