"""Rate-limited logs: requests cannot flood them."""

import logging
import threading
import time

LOGGERS = ("uvicorn", "uvicorn.error", "asyncio", "deepfake_core")
MAX_PER_MINUTE = 10
"""For messages with the same place and format string."""
MINUTE = 60.0


class RepeatFilter(logging.Filter):
    """Passes `MAX_PER_MINUTE` messages of a kind; the first one of the next minute gives the number of dropped ones."""

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
                if count > MAX_PER_MINUTE:
                    record.msg = f"{record.msg} (and {count - MAX_PER_MINUTE} similar messages)"
                began, count = now, 0
            if len(self._seen) > 1_000:
                self._seen.clear()
            self._seen[kind] = began, count + 1
            return count < MAX_PER_MINUTE


def limit_logs() -> None:
    """Add the filter to the handlers of the server's loggers."""
    repeated = RepeatFilter()
    for handler in {one for name in ("", *LOGGERS) for one in logging.getLogger(name).handlers}:
        if not any(isinstance(one, RepeatFilter) for one in handler.filters):
            handler.addFilter(repeated)
