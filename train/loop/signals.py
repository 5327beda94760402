"""Reasons to stop early: a signal, an event, or the time limit. The loop checks between steps, never within one."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopSignals:
    """Tells whether the run should stop, and why."""

    def __init__(self, time_limit: float | None, event: threading.Event | None = None) -> None:
        """Start the clock; `time_limit` is in seconds, None for no limit. Setting `event` stops the run."""
        self.deadline = None if time_limit is None else time.monotonic() + time_limit
        self.event = event
        self.received: str | None = None

    def reason(self) -> str | None:
        """Return why to stop now, as a clause for the log, or None to continue."""
        if self.received:
            return f"stopped by {self.received}"
        if self.event is not None and self.event.is_set():
            return "stopped on request"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "stopped at the time limit"
        return None


@contextmanager
def stop_signals(time_limit: float | None, event: threading.Event | None = None) -> Iterator[StopSignals]:
    """Yield `StopSignals` that SIGINT and SIGTERM trigger as well; a second signal of the same kind acts as usual."""
    stop = StopSignals(time_limit, event)
    if threading.current_thread() is not threading.main_thread():  # Python lets only the main thread handle signals
        yield stop
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.received = signal.Signals(number).name
        signal.signal(number, previous[signal.Signals(number)])

    for number in previous:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
