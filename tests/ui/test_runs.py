"""A run between Start and Stop: updates, errors and the time limit."""

import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext
from gradio.queueing import Event, EventQueue

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.example_cache import require_computing
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.run_controls import Job, RunControls, check_queue
from deepfake_core.ui.widgets.stage import Stage
from deepfake_core.ui.wiring import NETWORK


class BareStage(Stage):
    """A stage without results."""

    def render_results(self) -> None:
        """Nothing."""

    @property
    def results(self) -> list[Any]:
        return []

    def cleared(self) -> Update:
        return {}


@pytest.fixture
def controls() -> RunControls:
    stage = BareStage("hint")
    with gr.Blocks():
        stage.render()
    return RunControls("Start", stage)


def steps(closed: list[bool], seconds: float) -> Iterator[Update]:
    try:
        for _ in range(3):
            yield {}
            time.sleep(seconds)
    finally:
        closed.append(True)


def one_step() -> Iterator[None]:
    yield


def run(controls: RunControls, seconds: float) -> tuple[list[Update], list[bool]]:
    closed: list[bool] = []
    guarded = controls._guarded(Job(triggers=[], run=lambda deadline: steps(closed, seconds), inputs=[]))
    return list(guarded()), closed


def test_a_run_within_its_time_ends_by_itself(controls, monkeypatch):
    monkeypatch.setenv("DEEPFAKE_JOB_SECONDS", "1")
    assert run(controls, 0.0) == ([{}, {}, {}], [True])


def test_a_run_beyond_its_time_is_closed_and_says_so(controls, monkeypatch):
    monkeypatch.setenv("DEEPFAKE_JOB_SECONDS", "1")
    updates, closed = run(controls, 1.1)
    assert len(updates) == 2 and closed == [True]
    assert "more than 1 seconds" in updates[-1][controls.stage.error_message.text].value


def test_an_error_is_shown_on_the_stage(controls):
    def fails(deadline: Deadline) -> Iterator[Update]:
        yield {}
        raise BadRequest("this makes no sense; change it")

    updates = list(controls._guarded(Job(triggers=[], run=fails, inputs=[]))())
    assert "this makes no sense; change it." in updates[-1][controls.stage.error_message.text].value


def test_a_run_that_would_be_one_too_many_in_the_queue_does_not_begin(controls, monkeypatch):
    monkeypatch.setenv("DEEPFAKE_WAITING_SESSION", "2")
    with gr.Blocks() as page:
        controls.render()
        controls.start.click(one_step)
    queue = supervise(page)
    serve(page, monkeypatch)
    lane = queue.event_queue_per_concurrency_id[NETWORK] = EventQueue(NETWORK, 1)
    waiting = [Event("mine", page.fns[0], request("mine"), None) for _ in range(2)]  # type: ignore[arg-type]
    lane.queue = waiting[:1]
    check_queue(request("mine"))
    lane.queue = waiting
    with pytest.raises(gr.Error, match="2 of your runs are already in the queue"):
        check_queue(request("mine"))
    check_queue(request("another's"))
    monkeypatch.setenv("DEEPFAKE_WAITING_ADDRESS", "2")
    with pytest.raises(gr.Error, match="the queue is full"):
        check_queue(request("another's"))


def test_the_place_in_the_queue_is_said_in_words(controls, monkeypatch):
    with gr.Blocks() as page:
        controls.render()
        controls.start.click(one_step)
    queue = supervise(page)
    serve(page, monkeypatch)
    lane = queue.event_queue_per_concurrency_id[NETWORK] = EventQueue(NETWORK, 1)
    came = [("a", "1"), ("b", "2"), ("c", "2"), ("d", "3"), ("e", "2")]
    lane.queue = [Event(session, page.fns[0], request(session, host), None) for session, host in came]  # type: ignore[arg-type]
    lines = [controls.place_in_queue(request(session)).get(controls.stage.progress) for session, _ in came]
    assert [line.partition("Waiting for other visitors: ")[2].removesuffix(".</p>") for line in lines] == [
        "yours is next", "1 run is before yours", "2 runs are before yours", "2 runs are before yours",
        "4 runs are before yours",
    ]  # fmt: skip
    begun = controls.place_in_queue(request("another's"))
    assert controls.stage.progress not in begun and not begun[controls.queued].active


def remembering(controls: RunControls, cached: list[str]) -> Job:
    """A job with one word as its input, whose result is in the cache after its first run."""

    def run(deadline: Deadline, word: str) -> Iterator[Update]:
        yield {}
        if word not in cached:
            require_computing()
            cached.append(word)
        yield {controls.stage.notes: word}

    return Job(triggers=[], run=run, inputs=[])


def test_a_remembered_result_is_shown_without_the_queue_and_another_gets_a_ticket(controls):
    with gr.Blocks():
        controls.render()
        ticket = gr.State(0)
    cached: list[str] = []
    answer = controls._remembered(remembering(controls, cached), ticket)
    first, second = answer("hello"), answer("hello")
    assert set(first) == {ticket} and first[ticket] != second[ticket]
    assert cached == []  # nothing was computed
    list(remembering(controls, cached).run(Deadline.after(9), "hello"))
    found = answer("hello")
    assert found[controls.stage.notes] == "hello" and ticket not in found
    assert "made before" in found[controls.stage.progress]
    assert found[controls.start].interactive and not found[controls.queued].active
    assert set(answer("another")) == {ticket}


def test_an_error_is_left_to_the_run(controls):
    with gr.Blocks():
        controls.render()
        ticket = gr.State(0)

    def fails(deadline: Deadline) -> Iterator[Update]:
        raise BadRequest("this makes no sense; change it")
        yield {}

    assert set(controls._remembered(Job(triggers=[], run=fails, inputs=[]), ticket)()) == {ticket}


def serve(page: gr.Blocks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handlers called here are those of this page."""
    monkeypatch.setattr(LocalContext, "blocks", ContextVar("blocks"))
    LocalContext.blocks.set(page)


def request(session: str, host: str = "10.0.0.1") -> gr.Request:
    return gr.Request(session_hash=session, client={"host": host, "port": 1})
