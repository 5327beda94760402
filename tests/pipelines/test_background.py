"""Work in another thread: in order, bounded, and never silently lost."""

import threading
import time

import pytest

from deepfake_core.pipelines.background import Background


def test_work_is_done_in_order_and_before_the_end() -> None:
    done = list[int]()

    def slowly(number: int) -> None:
        time.sleep(0.002)
        done.append(number)

    with Background(ahead=3) as background:
        for number in range(20):
            background.run(slowly, number)
    assert done == list(range(20))


def test_no_more_waits_than_is_allowed() -> None:
    gate, begun = threading.Event(), time.monotonic()
    with Background(ahead=2) as background:
        background.run(gate.wait)
        background.run(int)
        threading.Timer(0.3, gate.set).start()
        background.run(int)  # waits for the first
        assert time.monotonic() - begun > 0.25


def test_an_error_is_raised_by_the_next_call() -> None:
    with Background(ahead=1) as background:
        background.run(int, "no number")
        with pytest.raises(ValueError, match="no number"):
            background.run(int)


def test_an_error_is_raised_by_the_end() -> None:
    background = Background()
    background.run(int, "no number")
    with pytest.raises(ValueError, match="no number"):
        background.__exit__(None, None, None)


def test_after_an_error_outside_what_waits_is_dropped() -> None:
    done, gate, background = list[int](), threading.Event(), Background()
    background.run(gate.wait, 0.3)
    background.run(done.append, 1)
    background.__exit__(KeyError, KeyError(), None)
    assert done == []
