"""SIGTERM and SIGHUP end the server as Ctrl-C does: what has to be removed at the end is removed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def exits_on_signals() -> Iterator[None]:
    """In the block, these signals raise `SystemExit` (status 128 + signal) in the main thread, the first one only.

    A signal that is ignored already (`nohup`) stays ignored. Elsewhere than in the main thread nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {kind: signal.getsignal(kind) for kind in kinds if signal.getsignal(kind) != signal.SIG_IGN}

    def leave(number: int, frame: FrameType | None) -> None:
        for kind in (*before, signal.SIGINT):
            signal.signal(kind, signal.SIG_IGN)  # the removal is not broken off by a second one
        raise SystemExit(128 + number)

    for kind in before:
        signal.signal(kind, leave)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
