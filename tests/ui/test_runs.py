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
from deepfake_core.ui.server.queue import supervise
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.run_controls import Job, RunControls
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
    monkeypatch.setattr(LocalContext, "blocks", ContextVar("blocks", default=page))
    lane = queue.event_queue_per_concurrency_id[NETWORK] = EventQueue(NETWORK, 1)
    waiting = [Event("mine", page.fns[0], request("mine"), None) for _ in range(2)]  # type: ignore[arg-type]
    lane.queue = waiting[:1]
    assert controls._begin(request("mine"))[controls.stop].interactive
    lane.queue = waiting
    with pytest.raises(gr.Error, match="2 of your runs are already in the queue"):
        controls._begin(request("mine"))
    assert controls._begin(request("another's"))[controls.stop].interactive
    monkeypatch.setenv("DEEPFAKE_WAITING_ADDRESS", "2")
    with pytest.raises(gr.Error, match="the queue is full"):
        controls._begin(request("another's"))


def request(session: str) -> gr.Request:
    return gr.Request(session_hash=session, client={"host": "10.0.0.1", "port": 1})
