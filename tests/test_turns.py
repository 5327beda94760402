"""Laws of taking turns: one at a time, short runs overtake long ones, users share alike, nobody starves."""

import threading
import time
from collections.abc import Callable, Generator

import pytest

from deepfake_core import turns
from deepfake_core.turns import Account, Accounts, Run, Turns, acting_for, in_turns

TURN = 0.01


def works(network: Turns, run: Run, count: int, name: str, order: list[str]) -> threading.Thread:
    """A thread in which `run` takes `count` turns."""

    def work() -> None:
        for _ in range(count):
            with acting_for(run), network.turn():
                order.append(name)
                time.sleep(TURN)

    return threading.Thread(target=work)


def all_of(*threads: threading.Thread, apart: float = 3 * TURN) -> None:
    for thread in threads:
        thread.start()
        time.sleep(apart)
    for thread in threads:
        thread.join()


def test_one_at_a_time() -> None:
    network, inside, most = Turns(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with network.turn():
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    all_of(*(threading.Thread(target=work) for _ in range(6)), apart=0)
    assert most == 1


def test_a_short_run_overtakes_a_long_one() -> None:
    network, order = Turns(), list[str]()
    long, short = Run(user=Account()), Run(user=Account())
    all_of(works(network, long, 40, "long", order), works(network, short, 9, "short", order), apart=20 * TURN)
    first, last = order.index("short"), len(order) - 1 - order[::-1].index("short")
    assert first < 35
    assert order[first : last + 1].count("long") <= 4  # every fourth turn is for the one that waits longest


def test_a_reading_goes_before_the_runs_of_users_who_have_used_less() -> None:
    network, order, now = Turns(), list[str](), time.monotonic()
    used = Account(seconds=100.0, updated=now)
    runs = [works(network, Run(user=Account()), 12, "run", order) for _ in range(3)]
    reading = works(network, Run(user=used, reading=True), 6, "reading", order)
    all_of(*runs, reading, apart=TURN)
    first, last = order.index("reading"), len(order) - 1 - order[::-1].index("reading")
    assert last - first <= 5 + 3  # every fourth turn is for the one that waits longest


def test_a_long_run_is_not_starved(monkeypatch: pytest.MonkeyPatch) -> None:
    network, order = Turns(), list[str]()
    long = Run(user=Account(seconds=100.0, updated=time.monotonic()))
    fresh = [works(network, Run(user=Account()), 12, "short", order) for _ in range(3)]
    all_of(works(network, long, 40, "long", order), *fresh, apart=0)
    busy = order[: len(order) - 1 - order[::-1].index("short")]
    assert busy.count("long") >= len(busy) // 4 - 2


def test_a_user_with_many_runs_gets_no_more() -> None:
    network, order, accounts = Turns(), list[str](), Accounts()
    crowd = [works(network, accounts.run("crowd"), 30, "crowd", order) for _ in range(5)]
    one = works(network, accounts.run("one"), 20, "one", order)
    all_of(*crowd, one, apart=TURN)
    first, last = order.index("one"), len(order) - 1 - order[::-1].index("one")
    assert 20 / (last + 1 - first) > 0.45  # of six runs, but two users


def test_what_was_used_counts_half_a_minute_later() -> None:
    account = Account()
    account.add(8.0, now=100.0)
    assert account.at(100.0) == 8.0
    assert account.at(100.0 + turns.HALF_LIFE) == 4.0
    account.add(1.0, now=100.0 + turns.HALF_LIFE)
    assert account.at(100.0 + turns.HALF_LIFE) == 5.0


def test_users_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = Accounts()
    first = accounts.run("a")
    assert accounts.run("a").user is first.user
    monkeypatch.setattr(turns, "FORGOTTEN", 0.0)
    assert accounts.run("a").user is not first.user


def test_an_error_ends_the_turn() -> None:
    network = Turns()
    with pytest.raises(ZeroDivisionError), network.turn():
        1 / 0  # noqa: B018
    with network.turn():
        pass


def test_within_its_turn_a_run_goes_on_and_released_it_lets_others_pass() -> None:
    network, order, run = Turns(), list[str](), Run(user=Account())
    other = works(network, Run(user=Account()), 1, "other", order)
    with acting_for(run), network.turn():
        with network.turn():
            order.append("inner")
        other.start()
        time.sleep(3 * TURN)
        with network.released(), network.released():
            other.join(timeout=5)
        order.append("outer")
        assert run.has_turn
    assert order == ["inner", "other", "outer"] and not run.has_turn


def test_code_that_is_no_run_may_nest_turns_too() -> None:
    network = Turns()
    done = threading.Event()

    def work() -> None:
        with network.turn(), network.turn(), network.released(), network.turn():
            done.set()

    threading.Thread(target=work, daemon=True).start()
    assert done.wait(5)


def test_who_was_interrupted_while_waiting_is_never_next(monkeypatch: pytest.MonkeyPatch) -> None:
    network, run = Turns(), Run(user=Account())

    def interrupted() -> None:
        raise KeyboardInterrupt

    with network.turn(), acting_for(Run(user=Account())), monkeypatch.context() as patch:
        patch.setattr(network._changed, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt), network.turn():
            pass
    with acting_for(run), network.turn():
        back = network.released()
        back.__enter__()
        network._busy = True  # another has it
        with monkeypatch.context() as patch:
            patch.setattr(network._changed, "wait", interrupted)
            with pytest.raises(KeyboardInterrupt):
                back.__exit__(None, None, None)
        network._busy = False  # the other ends
        assert not run.has_turn
    assert not network._waiting and not network._busy


@pytest.mark.parametrize("ends", ["used up", "closed"])
def test_events_act_for_their_run_in_any_thread(ends: str) -> None:
    run, seen, closed = Run(user=Account()), list[Run | None](), list[bool]()

    def events() -> Generator[int, None, None]:
        try:
            for number in range(3):
                seen.append(turns._current.get())
                yield number
        finally:
            closed.append(True)

    stream = in_turns(run, events())
    assert [in_thread(lambda: next(stream)) for _ in range(3)] == [0, 1, 2]
    if ends == "closed":
        stream.close()
    else:
        assert next(stream, None) is None
    assert seen == [run] * 3 and closed == [True]
    assert turns._current.get() is None


def in_thread(question: Callable[[], int]) -> int:
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(question()))
    thread.start()
    thread.join()
    return answers[0]
