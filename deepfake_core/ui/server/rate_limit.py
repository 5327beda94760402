"""How often something may happen in a minute."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from deepfake_core.settings import settings
from deepfake_core.ui.server.body import Refused

MINUTE = 60.0
TOO_MANY_PAGES = "too many pages were opened, or calls made, from this address; try again in {:.0f} seconds"
MAX_KNOWN_SESSIONS = 5_000


class RateLimit:
    """Limits how often a key may run per minute."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, who: str, most: int) -> float:
        """Count one run and return 0; after `most` runs in the last minute, return the seconds to wait instead."""
        now = self._now()
        with self._lock:
            for name in [name for name, times in self._times.items() if times[-1] <= now - MINUTE]:
                del self._times[name]
            times = self._times.setdefault(who, deque())
            while times and times[0] <= now - MINUTE:
                times.popleft()
            if len(times) >= most:
                return times[0] + MINUTE - now
            times.append(now)
            return 0.0


class NewSessions:
    """Limits how many pages an address may open per minute: for each of them Gradio copies the page's state."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._limit = RateLimit()

    def check(self, session: str, address: str) -> None:
        """Raise `Refused` for a new session above the limit of its address."""
        is_new = session not in self._known
        if is_new and (seconds := self._limit.wait(address, settings().pages_per_minute_address)):
            raise Refused(429, TOO_MANY_PAGES.format(seconds))
        self._known[session] = None
        self._known.move_to_end(session)
        if len(self._known) > MAX_KNOWN_SESSIONS:
            self._known.popitem(last=False)
