"""A deadline: what is left of it, and what it says when it is over."""

import math
import time

import pytest

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import TookTooLong


def test_what_is_left_never_goes_below_zero() -> None:
    assert 9.9 < Deadline.after(10).remaining() <= 10
    assert Deadline.after(-1).remaining() == 0


def test_a_deadline_that_has_passed_names_its_limit_and_the_next_step() -> None:
    Deadline.after(10).check()
    over = Deadline.after(0)
    assert over.passed
    with pytest.raises(TookTooLong, match="more than 0 seconds, the time limit; choose a shorter clip"):
        over.check()
    with pytest.raises(TookTooLong, match="; choose a smaller one"):
        Deadline.after(0, "choose a smaller one").check()


def test_what_cannot_be_done_in_time_is_given_up_early() -> None:
    limit = Deadline.after(10)
    for done, total, gone in ((0, 100, 9), (1, 100, 1.9), (20, 100, 2.5), (80, 100, 9), (100, 100, 9.9)):
        limit.check_pace(done, total, time.monotonic() - gone)  # too early to tell, or nearly fast enough
    with pytest.raises(TookTooLong, match=r"would take about 25\d seconds, and the time limit is 10; choose a shorter"):
        limit.check_pace(1, 100, time.monotonic() - 2.5)


def test_never_is_never() -> None:
    NEVER.check()
    NEVER.check_pace(1, 1000, 0.0)
    assert not NEVER.passed and NEVER.remaining() == math.inf
