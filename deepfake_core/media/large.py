"""Clips with frames above 4K: one at a time is decoded, since a frame of 8K takes 50 MB and a decoder holds several."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from deepfake_core.deadline import Deadline
from deepfake_core.errors import TooManyRuns
from deepfake_core.turns import NETWORKS

PIXELS = 9_000_000
"""Pixels per frame above which a clip is large."""

SIDE = 1080
"""Maximum pixels a side of the frames that a large clip delivers."""

WAIT_SECONDS = 15.0
"""To wait for another large clip."""

_turn = threading.BoundedSemaphore(1)


def acquire(deadline: Deadline) -> None:
    """Wait for the other large clip, if one is being decoded. Raises `TooManyRuns` when that takes too long."""
    with NETWORKS.released():
        acquired = _turn.acquire(timeout=min(WAIT_SECONDS, deadline.remaining()))
    if not acquired:
        raise TooManyRuns("another large clip is being decoded; try again in a few seconds")


def release() -> None:
    """Let the next one begin."""
    _turn.release()


@contextmanager
def turn(deadline: Deadline) -> Iterator[None]:
    """`acquire`, and `release` at the end of the block."""
    acquire(deadline)
    try:
        yield
    finally:
        release()
