"""A portrait that is asked for again and again: read, cropped and encoded once, and forgotten soon after."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock, Timer

from deepfake_core.pipelines.motion_model import Portrait

KEPT_SECONDS = 60.0
"""Nothing of a visitor's portrait is in memory so long after the last use."""
MOST = 8
"""Sitters that are kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sitter:
    """A portrait, read, cropped and encoded."""

    portrait: Portrait
    notes: tuple[str, ...]
    """How it was cropped, and whether the weights suit it."""


class Sitters:
    """The last sitters, each for some seconds after its last use. For several threads."""

    def __init__(self, seconds: float = KEPT_SECONDS, most: int = MOST) -> None:
        self.seconds, self.most = seconds, most
        self._kept: OrderedDict[Hashable, tuple[float, Sitter]] = OrderedDict()
        self._lock = Lock()
        self._timer: Timer | None = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], Sitter]) -> Sitter:
        """The sitter of a key; `make` reads it if it is not kept, outside the lock."""
        with self._lock:
            found = self._kept.pop(key, None)
        sitter = found[1] if found else make()
        with self._lock:
            self._kept[key] = time.monotonic(), sitter
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
            self._wait()
        return sitter

    def _wait(self) -> None:
        """Have the old ones forgotten later, by one timer at a time."""
        if self._timer is None and self._kept:
            self._timer = Timer(self.seconds / 2, self._forget)
            self._timer.daemon = True
            self._timer.start()

    def _forget(self) -> None:
        with self._lock:
            self._timer = None
            oldest = time.monotonic() - self.seconds / 2  # the next look is as much later
            for key in [key for key, (used, _) in self._kept.items() if used < oldest]:
                del self._kept[key]
            self._wait()
