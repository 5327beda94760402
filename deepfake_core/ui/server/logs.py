"""A log that repeats itself a few times a minute at most, whatever strangers send."""

import logging
import threading
import time

LOGGERS = ("uvicorn", "uvicorn.error", "asyncio", "deepfake_core")
MOST = 10
"""Messages of one kind (the same text before its values are put in) in a minute."""
MINUTE = 60.0


class RepeatFilter(logging.Filter):
    """Lets through `MOST` messages of a kind in a minute; the first of the next minute says how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.pathname, record.lineno, str(record.msg)[:80]
        with self._lock:
            now = time.monotonic()
            began, count = self._seen.get(kind, (now, 0))
            if now - began >= MINUTE:
                if count > MOST:
                    record.msg = f"{record.msg} (and {count - MOST} more like it)"
                began, count = now, 0
            if len(self._seen) > 1_000:
                self._seen.clear()
            self._seen[kind] = began, count + 1
            return count < MOST


def limit_logs() -> None:
    """From now on, the handlers of the server's loggers drop repetitions."""
    repeated = RepeatFilter()
    for handler in {one for name in ("", *LOGGERS) for one in logging.getLogger(name).handlers}:
        if not any(isinstance(one, RepeatFilter) for one in handler.filters):
            handler.addFilter(repeated)
