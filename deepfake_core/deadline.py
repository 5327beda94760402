"""The deadline of one request: created when it starts and passed to everything that may take long."""

import math
import time
from dataclasses import dataclass

from deepfake_core.errors import TookTooLong

FORETOLD_AFTER = 0.2
"""Share of the time limit after which the pace counts."""
TOLERANCE = 1.5
"""Factor by which the foretold time may be too long."""
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

    def check_pace(self, done: int, total: int, begun: float) -> None:
        """Raise `TookTooLong` if `done` of `total` equal steps since `begun` show that all will end far too late.

        Nothing is foretold before a fifth of the time has gone, nor from a pace that would be too slow by less than
        half: other runs may end, and give this one more of the machine.
        """
        now = time.monotonic()
        spent = now - begun
        if done < 1 or spent < FORETOLD_AFTER * self.seconds:
            return
        if now + spent / done * (total - done) / TOLERANCE > self.end:
            raise TookTooLong(
                f"this would take about {spent / done * total:.0f} seconds, and the time limit is {self.seconds:g}; "
                f"{self.advice}"
            )

    def error(self) -> TookTooLong:
        """The error that names the limit and the next step."""
        return TookTooLong(f"this took more than {self.seconds:g} seconds, the time limit; {self.advice}")


NEVER = Deadline()
"""No time limit, for the command line and Python, where the user can interrupt the program."""
