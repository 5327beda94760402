"""The examples' results are made in the background, one after the other, while no visitor is served."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from deepfake_core.ui.server import example_runs
from deepfake_core.ui.server.example_cache import _preparing
from deepfake_core.ui.server.example_runs import ExampleRun, ExampleRuns


def makes(name: str, made: list[str], count: int = 1) -> ExampleRun:
    """A run of some steps, each noted."""

    def run() -> Iterator[str]:
        assert _preparing.get()
        for _ in range(count):
            made.append(name)
            yield name

    return run


def tab(*runs: ExampleRun) -> Iterator[ExampleRun]:
    yield from runs


def test_the_most_important_of_each_tab_come_first() -> None:
    made: list[str] = []
    tabs = [partial(tab, makes("a1", made), makes("a2", made), makes("a3", made)), partial(tab, makes("b1", made))]
    ExampleRuns(tabs, busy=lambda: False).make_all()
    assert made == ["a1", "b1", "a2", "a3"]


def test_an_error_ends_neither_the_others_nor_the_other_tabs(caplog: pytest.LogCaptureFixture) -> None:
    made: list[str] = []

    def fails() -> Iterator[str]:
        yield "begun"
        raise ValueError("broken weights")

    def no_tab() -> Iterator[ExampleRun]:
        raise LookupError("no weights")
        yield

    ExampleRuns([no_tab, partial(tab, fails, makes("a", made))], busy=lambda: False).make_all()
    assert made == ["a"]
    assert "broken weights" in caplog.text and "no weights" in caplog.text


def test_it_is_paused_between_steps_while_somebody_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_runs, "IDLE_SECONDS", 0.01)
    made: list[str] = []
    busy = threading.Event()
    makers = ExampleRuns([partial(tab, makes("a", made, 3), makes("b", made, 3))], busy=lambda: busy.is_set())
    busy.set()
    thread = threading.Thread(target=makers.make_all)
    thread.start()
    time.sleep(0.1)
    assert made == []
    busy.clear()
    thread.join(timeout=10)
    assert made == ["a"] * 3 + ["b"] * 3


def test_stopped_it_ends_even_while_somebody_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example_runs, "IDLE_SECONDS", 0.01)
    made: list[str] = []
    makers = ExampleRuns([partial(tab, makes("a", made, 3))], busy=lambda: True)
    thread = threading.Thread(target=makers.make_all)
    thread.start()
    makers.stop()
    thread.join(timeout=10)
    assert not thread.is_alive() and len(made) <= 1
