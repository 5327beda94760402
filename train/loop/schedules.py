"""Schedules: pure functions of the step, counted from 0, so that a resumed run needs no state for them."""

import math
from collections.abc import Sequence


def warm_up(step: int, steps: int) -> float:
    """Rise linearly from 1 / (steps + 1) to 1, which is reached at `steps`; always 1 for no steps."""
    return min(1.0, (step + 1) / (steps + 1))


def cosine(step: int, steps: int, floor: float = 0.0) -> float:
    """Fall from 1 at step 0 to `floor` at `steps` along half a cosine, and stay there."""
    progress = min(1.0, step / max(1, steps))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def multistep(step: int, milestones: Sequence[int], factor: float = 0.1) -> float:
    """Multiply by `factor` once for every milestone reached."""
    return factor ** sum(step >= milestone for milestone in milestones)


def linear(step: int, start: int, end: int, floor: float = 0.0) -> float:
    """Stay at 1 until `start`, fall linearly to `floor` at `end`, and stay there."""
    progress = min(1.0, max(0.0, (step - start) / max(1, end - start)))
    return 1 - (1 - floor) * progress


def ramp_down(step: int, steps: int) -> float:
    """Fall linearly from 1 at step 0 to 0 at `steps`, and stay there: for a loss weight that fades out."""
    return linear(step, 0, steps)


def ema_decay(updates: int, decay: float) -> float:
    """Return the decay of a moving average after `updates` updates: min(decay, (1 + n) / (10 + n)).

    Early averages thus forget the random initialisation sooner.
    """
    return min(decay, (1 + updates) / (10 + updates))
