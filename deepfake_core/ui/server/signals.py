"""SIGTERM and SIGHUP end the server like Ctrl-C, so that temporary files are removed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def exits_on_signals() -> Iterator[None]:
    """In this context, the first of these signals raises `SystemExit` (status 128 + signal) in the main thread.

    Signals that are already ignored (`nohup`) stay ignored. Has no effect in other threads than the main one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {kind: signal.getsignal(kind) for kind in kinds if signal.getsignal(kind) != signal.SIG_IGN}

    def leave(number: int, frame: FrameType | None) -> None:
        for kind in (*before, signal.SIGINT):
            signal.signal(kind, signal.SIG_IGN)  # a second signal must not interrupt the cleanup
        raise SystemExit(128 + number)

    for kind in before:
        signal.signal(kind, leave)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
