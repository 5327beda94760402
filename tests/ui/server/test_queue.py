"""Attacks on the queue of a running server, while another session is still served."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import gradio as gr
import httpx
import pytest
from gradio.block_function import BlockFunction
from gradio.queueing import Event, EventQueue, Queue

from deepfake_core.ui.server.queue import MAX_UNHEARD_SESSIONS, SESSION, SupervisedQueue, supervise
from deepfake_core.ui.wiring import ON_NETWORK, RUNS
from tests.ui.server.conftest import API, Server, Visitor
from tests.ui.server.small_page import LOOK, RUN, TICK

QUIET_SECONDS = 5.0
"""For a short event on a busy machine."""


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "A", "x" * 17, "x" * 950_000, "../a", "é", "a\n", None, 3, ["a"], "0" * 36]
)
def test_a_session_has_a_name_as_clients_give_it(visitor: Visitor, name: object) -> None:
    answer = visitor.post("queue/join", visitor.body(TICK, True) | {"session_hash": name})
    assert answer.status_code in (400, 413) and len(answer.json()["detail"]) < 100
    assert visitor.ask(TICK, True) < QUIET_SECONDS


def test_the_names_of_gradios_clients_fit() -> None:
    for name in ("0", "4fzyo82mvyr", "k2v8j1xq0zc7a", "123e4567-e89b-42d3-a456-426614174000"):
        assert SESSION.fullmatch(name)


def test_a_join_without_a_session_ends_nothing(server: Server) -> None:
    """The attack that stopped the queue: one running event, one waiting, and one without a listener."""
    running, waiting, hostile, other = (Visitor(server) for _ in range(4))
    assert running.join(RUN, 0.5).status_code == waiting.join(RUN, 0.1).status_code == 200
    assert hostile.post("queue/join", hostile.body(RUN, 1) | {"session_hash": ""}).status_code == 400
    assert other.ask(RUN, 0.1) < 3 * QUIET_SECONDS


def test_sessions_that_never_listen_crowd_nobody_out(server: Server) -> None:
    listening, other = Visitor(server), Visitor(server)
    with httpx.Client(base_url=server.address) as client, ThreadPoolExecutor(1) as thread:
        run = thread.submit(listening.ask, RUN, 2.0)
        for _ in range(2 * MAX_UNHEARD_SESSIONS):
            body = {"data": [True], "fn_index": TICK, "session_hash": secrets.token_hex(6)}
            client.post(f"{API}/queue/join", json=body)
        assert run.result() < 4 * QUIET_SECONDS
    assert other.ask(TICK, True) < QUIET_SECONDS


def test_the_oldest_that_never_listened_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepfake_core.ui.server.queue.MAX_SESSIONS", 3)
    queue = supervise(plain_page())

    async def comes(session: str) -> bool:
        if not await queue._make_room(session, "10.0.0.1"):
            return False
        queue.mailboxes[session] = asyncio.Queue()
        return True

    async def come_and_listen() -> list[str]:
        for session in ("a", "b", "c"):
            assert await comes(session)
        assert queue.mailboxes["a"].empty()  # it listens
        assert await comes("d")
        return list(queue.mailboxes)

    assert asyncio.run(come_and_listen()) == ["a", "c", "d"]
    for session in ("c", "d"):
        assert queue.mailboxes[session].empty()
    assert not asyncio.run(comes("e"))


def test_one_session_waits_thrice_and_the_rest_are_told_so(server: Server) -> None:
    greedy, began = Visitor(server), time.monotonic()
    answers = [greedy.join(RUN, 0.3) for _ in range(20)]
    ended = (time.monotonic() - began) / 0.3
    accepted = [answer for answer in answers if answer.status_code == 200]
    assert 3 <= len(accepted) <= 5 + ended  # one works, three wait, and time goes by
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["detail"] == "3 of your runs are already in the queue; wait for one of them, or stop it"


def plain_page() -> gr.Blocks:
    with gr.Blocks() as page:
        gr.Button().click(lambda: None, concurrency_limit=None)
    return page.queue()


def test_a_queue_that_stops_is_started_again(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    queue = supervise(plain_page())
    calls: list[float] = []

    async def fails(self: Queue) -> None:
        calls.append(time.monotonic())
        raise KeyError("a session that is gone")

    monkeypatch.setattr(Queue, "start_processing", fails)

    async def watched() -> None:
        queue.start()
        await asyncio.sleep(0.5)
        assert not queue.stopped
        queue.close()
        await asyncio.sleep(0.2)

    asyncio.run(watched())
    assert 2 <= len(calls) <= 6
    assert "The queue stopped" in caplog.text and "a session that is gone" in caplog.text
    assert queue.stopped


def test_cancelled_it_is_started_again_too() -> None:
    queue = supervise(plain_page())

    async def cancelled() -> bool:
        queue.start()
        before = set(queue._workers)
        for task in before:
            task.cancel()
        await asyncio.sleep(0.3)
        after = set(queue._workers)
        queue.close()
        await asyncio.sleep(0.1)
        return len(after) == len(before) == 3 and not after & before

    assert asyncio.run(cancelled())


def test_the_tick_and_verify_have_lanes_of_their_own(server: Server) -> None:
    crowd = [Visitor(server) for _ in range(20)]
    statuses = [one.join(RUN, 1.0).status_code for one in crowd]
    assert 503 in statuses and statuses.count(200) >= 15  # an address's share is full
    other = Visitor(server)
    assert other.post("run/predict", other.body(3)).json()["data"] == ["at once"]
    assert other.ask(TICK, True) < QUIET_SECONDS
    assert other.ask(LOOK, None) < QUIET_SECONDS


def test_a_page_asks_for_many_short_things_at_once_but_not_for_any_number(server: Server) -> None:
    opening = Visitor(server)
    statuses = [opening.join(LOOK, None).status_code for _ in range(20)]
    assert set(statuses) == {200}
    queue = supervise(plain_page())
    lane = queue.event_queue_per_concurrency_id["preview"] = EventQueue("preview", 2)
    (handler,) = queue.blocks.fns.values()
    lane.queue = [waiting("a", "10.0.0.1", handler) for _ in range(24)]
    assert queue.refusal("preview", "a", "10.0.0.1", run=False) is not None
    assert queue.refusal("preview", "b", "10.0.0.1", run=False) is None
    assert queue.refusal("preview", "a", "10.0.0.1", run=True) is None  # short things are no runs


def test_no_time_is_spent_on_a_summary_of_times() -> None:
    """Gradio's own queue computes percentiles with pandas after every event."""
    queue = supervise(plain_page())
    events = [{"function": "run", "status": "success", "process_time": 0.1}] * 100
    queue.events_recorded = len(events)
    assert queue.compute_analytics_summary(events) == {"functions": {}}


def test_addresses_take_turns() -> None:
    queue = supervise(plain_page())
    queue.active_jobs = [None]
    lane = queue.event_queue_per_concurrency_id["model"] = EventQueue("model", None)
    (handler,) = queue.blocks.fns.values()
    came = [("a", "1"), ("b", "1"), ("c", "1"), ("d", "2"), ("e", "3")]
    lane.queue = [waiting(session, address, handler) for session, address in came]
    taken = [events[0][0].session_hash for _ in came if (events := queue.get_events())]
    assert taken == ["a", "d", "e", "b", "c"]
    assert queue.get_events() is None


def some_run() -> Iterator[str]:
    yield "running"


def test_an_address_has_one_run_and_never_all_places() -> None:
    with gr.Blocks() as page:
        gr.Button().click(some_run, **ON_NETWORK)
        gr.Button().click(lambda: "read", **ON_NETWORK)
    queue = supervise(page.queue())
    run, reading = queue.blocks.fns.values()
    queue.active_jobs = [None] * 10
    lane = queue.event_queue_per_concurrency_id["model"] = EventQueue("model", RUNS)
    came = [("a", "1", run), ("a", "1", run), ("b", "1", run), ("c", "1", run), ("d", "1", reading),
            ("e", "1", reading), ("f", "2", run), ("g", "2", run), ("h", "1", reading)]  # fmt: skip
    lane.queue = [waiting(session, address, handler) for session, address, handler in came]
    assert started(queue) == ["a", "f", "d", "e"]
    end(queue, "f")
    assert started(queue) == ["g"]
    end(queue, "g")
    assert started(queue) == []  # the last place is for another address
    end(queue, "a")
    assert started(queue) == ["a"]  # its second run
    end(queue, "a", "d")
    assert started(queue) == ["b", "h"]


def started(queue: SupervisedQueue) -> list[str]:
    """The sessions of all events that may start now, and start them."""
    names, lane = [], queue.event_queue_per_concurrency_id["model"]
    while found := queue.get_events():
        queue.active_jobs[queue.active_jobs.index(None)] = found[0]
        lane.current_concurrency += 1
        names.append(found[0][0].session_hash)
    return names


def end(queue: SupervisedQueue, *sessions: str) -> None:
    for place, events in enumerate(queue.active_jobs):
        if events and events[0].session_hash in sessions:
            queue.active_jobs[place] = None
            queue.event_queue_per_concurrency_id["model"].current_concurrency -= 1


def waiting(session: str, address: str, handler: BlockFunction) -> Event:
    request = gr.Request(client={"host": address, "port": 1})
    return Event(session, handler, request, None)  # type: ignore[arg-type]
