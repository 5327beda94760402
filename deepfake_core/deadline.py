"""The deadline of one request: created when it starts and passed to everything that may take long."""

import math
import time
from dataclasses import dataclass

from deepfake_core.errors import TookTooLong

EARLY = 0.02
"""Seconds by which a timer may fire too early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A point in time on the monotonic clock, which all processes of the machine share."""

    end: float = math.inf
    """Seconds on the clock of `time.monotonic`."""
    seconds: float | int = math.inf
    """Time limit in seconds, for the message."""
    advice: str = "choose a shorter clip or fewer pictures"
    """The next step named in the message."""

    @classmethod
    def after(cls, seconds: float | int, advice: str | None = None) -> "Deadline":
        """A deadline `seconds` from now."""
        end = time.monotonic() + seconds
        return cls(end=end, seconds=seconds) if advice is None else cls(end=end, seconds=seconds, advice=advice)

    @property
    def passed(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.end - EARLY

    def remaining(self) -> float:
        """Remaining seconds: at least 0, infinite for `NEVER`."""
        return max(0.0, self.end - time.monotonic())

    def check(self) -> None:
        """Raise `TookTooLong` if the deadline has passed."""
        if self.passed:
            raise self.error()

    def error(self) -> TookTooLong:
        """The error that names the limit and the next step."""
        return TookTooLong(f"this took more than {self.seconds:g} seconds, the time limit; {self.advice}")


NEVER = Deadline()
"""No time limit, for the command line and Python, where the user can interrupt the program."""
