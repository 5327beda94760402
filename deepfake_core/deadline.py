"""The moment by which one handler must be done: made once, at its start, and handed down to whatever may take long."""

import math
import time
from dataclasses import dataclass

from deepfake_core.errors import TookTooLong

EARLY = 0.02
"""Seconds by which a timer may fire before the clock has reached its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A moment on the machine's steady clock, which all its processes share."""

    end: float = math.inf
    """Seconds, as `time.monotonic` counts them."""
    seconds: float | int = math.inf
    """How long it was when it was made: what the sentence names."""
    advice: str = "choose a shorter clip or fewer pictures"
    """The next step that the sentence proposes."""

    @classmethod
    def after(cls, seconds: float | int, advice: str | None = None) -> "Deadline":
        """The deadline that ends `seconds` from now."""
        end = time.monotonic() + seconds
        return cls(end=end, seconds=seconds) if advice is None else cls(end=end, seconds=seconds, advice=advice)

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self.end - EARLY

    def remaining(self) -> float:
        """Seconds that are left: never below 0, infinite for `NEVER`."""
        return max(0.0, self.end - time.monotonic())

    def check(self) -> None:
        """Raise `TookTooLong` once the time is over."""
        if self.passed:
            raise self.error()

    def error(self) -> TookTooLong:
        """The sentence that names the limit and the next step."""
        return TookTooLong(f"that took more than {self.seconds:g} seconds, the limit here; {self.advice}")


NEVER = Deadline()
"""For the command line and Python, where whoever runs the program ends it."""
