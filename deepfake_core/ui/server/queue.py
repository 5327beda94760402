"""Gradio's queue with limits per session and address, restarted if it stops."""

import asyncio
import inspect
import logging
import random
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import fastapi
import gradio as gr
from gradio.block_function import BlockFunction
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage

from deepfake_core.settings import settings
from deepfake_core.ui.server.mailboxes import Mailboxes
from deepfake_core.ui.wiring import NETWORK, PREVIEWS, READINGS, RUNS

SESSION = re.compile(r"[0-9a-z]{1,16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Session hashes of Gradio's clients: base-36 digits (browser), or a UUID (Python)."""
MAX_SESSIONS = 2_000
"""For which messages are kept."""
MAX_UNHEARD_SESSIONS = 300
"""Per address: sessions that have joined the queue and not yet listened, which a browser does immediately."""
UNHEARD_SECONDS = 60.0
"""A session that has not listened for so long is removed; clients poll every ten seconds."""
WATCH_SECONDS = 2.0
RESTART_SECONDS = 0.1
SHORT_SESSION, SHORT_ADDRESS = 8, 24
"""Factors on the limits for short events (previews, reading attributes, checkboxes): opening the page or giving consent
queues about twenty of them."""
FULL = "the queue is full; try again in a minute"
YOURS_FULL = "{} of your runs are already in the queue; wait for one of them, or stop it"
UNKNOWN = "unknown function; reload the page and try again"

ARRIVAL = "deepfake_core.arrival"
"""The key of a call's `Arrival` in its scope."""

log = logging.getLogger(__name__)
Answer = tuple[bool, Any, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A call that is on its way into the queue."""

    lane: str
    session: str
    address: str
    run: bool


class SupervisedQueue(Queue):
    """A queue that restarts after any error. `stopped` is true only after `close`."""

    _closed = False

    def __init__(self, plain: Queue) -> None:
        """Replace the queue that `Blocks.queue` created."""
        super().__init__(
            live_updates=plain.live_updates,
            concurrency_count=plain.max_thread_count,
            update_intervals=plain.update_intervals,
            max_size=None,  # `refusal` limits each lane separately
            blocks=plain.blocks,
            default_concurrency_limit=plain.default_concurrency_limit,
        )
        self.mailboxes = Mailboxes()
        self.pending_messages_per_session = self.mailboxes
        self._addresses: dict[str, str] = {}
        self._served: dict[str, float] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._joining = asyncio.Lock()
        self._arriving = set[Arrival]()

    @property
    def stopped(self) -> bool:
        """Gradio sets it whenever its loop ends, but the loop is restarted."""
        return self._closed

    @stopped.setter
    def stopped(self, value: bool) -> None:
        pass

    def close(self) -> None:
        self._closed = True

    def start(self) -> None:
        """Start processing and supervision; called in the server's event loop."""
        self._closed = False
        self.active_jobs = [None] * self.max_thread_count
        for worker in (self.start_processing, self.start_progress_updates, self._watch):
            self._supervise(worker)

    def _supervise(self, worker: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.get_running_loop().create_task(worker())
        self._workers.add(task)  # the event loop holds only weak references
        task.add_done_callback(partial(self._restart, worker))

    def _restart(self, worker: Callable[[], Coroutine[Any, Any, None]], ended: "asyncio.Task[None]") -> None:
        self._workers.discard(ended)
        error = asyncio.CancelledError() if ended.cancelled() else ended.exception()
        if self._closed:
            return
        log.error("The queue stopped (%s: %r); restarting it", worker.__name__, error, exc_info=error)
        ended.get_loop().call_later(RESTART_SECONDS, self._supervise, worker)

    def _cancel_asyncio_tasks(self) -> None:
        """Runs continue when the loop that started them is restarted."""
        if self._closed:
            super()._cancel_asyncio_tasks()  # type: ignore[no-untyped-call]

    async def _watch(self) -> None:
        while not self._closed:
            await asyncio.sleep(WATCH_SECONDS)
            await self._forget_unheard()
            self._recount()

    async def _forget_unheard(self) -> None:
        for session in [one for one in self.mailboxes if self.mailboxes.silent_for(one) > UNHEARD_SECONDS]:
            await self._forget(session)
        for session in self._addresses.keys() - self.mailboxes.keys():
            del self._addresses[session]
        for address in [one for one, when in self._served.items() if time.monotonic() - when > UNHEARD_SECONDS]:
            del self._served[address]
        for session in self.pending_event_ids_session.keys() - self.mailboxes.keys():
            del self.pending_event_ids_session[session]

    async def _forget(self, session: str) -> None:
        await self.clean_events(session_hash=session)
        self.pending_event_ids_session.pop(session, None)
        if session in self.mailboxes:
            del self.mailboxes[session]

    def _recount(self) -> None:
        """Set each lane's concurrency to its number of running events: a lost decrement would block it forever."""
        for name, lane in self.event_queue_per_concurrency_id.items():
            held = sum(events is not None and events[0].concurrency_id == name for events in self.active_jobs)
            if lane.current_concurrency != held:
                log.error("Lane %s counted %d running events, but there are %d", name, lane.current_concurrency, held)
                lane.current_concurrency = held

    def compute_analytics_summary(self, records: Sequence[Any]) -> dict[str, Any]:
        """Nothing: Gradio's summary of times, for a route that is closed here, took half of the server's time."""
        return self.cached_event_analytics_summary

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Queue a message for the event's session; without a session the event is cancelled at its next step."""
        messages = self.mailboxes.get(event.session_hash)
        if messages is None:
            event.alive = False
        if messages is None or not event.alive:
            return
        event_message.event_id = event._id
        messages.put_nowait(event_message)

    async def push(self, body: PredictBodyInternal, request: fastapi.Request, username: str | None) -> Answer:
        """Queue an event unless a limit of its session, address or lane is reached."""
        handler = None if body.fn_index is None else self.blocks.fns.get(body.fn_index)
        session, address = body.session_hash or "", address_of(request)
        if handler is None or not SESSION.fullmatch(session):
            return False, UNKNOWN, "error"
        async with self._joining:
            self._arriving.discard(request.scope.get(ARRIVAL))
            self.create_event_queue_for_fn(handler)
            sentence = self.refusal(handler.concurrency_id, session, address, run=is_run(handler))
            if sentence is not None or not await self._make_room(session, address):
                return False, sentence or FULL, "queue_full"
            self._addresses.setdefault(session, address)
            answer: Answer = await super().push(body=body, request=request, username=username)
            return answer

    def full_for(self, function: int, session: str, address: str) -> str | None:
        """Why another call of this function may not be queued; None if it may."""
        handler = self.blocks.fns[function]
        return self.refusal(handler.concurrency_id, session, address, run=is_run(handler))

    @contextmanager
    def arriving(self, function: int, session: str, address: str) -> Iterator[Arrival]:
        """Count a call as waiting until it is queued or the block ends: many may come before the first is queued."""
        handler = self.blocks.fns[function]
        arrival = Arrival(handler.concurrency_id, session, address, is_run(handler))
        self._arriving.add(arrival)
        try:
            yield arrival
        finally:
            self._arriving.discard(arrival)

    def refusal(self, lane: str, session: str, address: str, *, run: bool = True) -> str | None:
        """Why another run (or short event) of this session may not be queued in this lane; None if it may."""
        limits, waiting = settings(), self._waiting(lane, run)
        session_limit = limits.waiting_session * (1 if run else SHORT_SESSION)
        address_limit = limits.waiting_address * (1 if run else SHORT_ADDRESS)
        if sum(one == session for one, _ in waiting) >= session_limit:
            return YOURS_FULL.format(session_limit)
        if sum(one == address for _, one in waiting) >= address_limit:
            return FULL
        return FULL if len(waiting) >= limits.waiting * (1 if run else SHORT_ADDRESS) else None

    def _waiting(self, lane: str, run: bool) -> list[tuple[str, str]]:
        """Session and address of all runs (or short events) that wait in this lane."""
        queue = self.event_queue_per_concurrency_id.get(lane)
        events = [event for event in queue.queue if is_run(event.fn) == run] if queue else []
        queued = [(event.session_hash or "", address_of(event.request)) for event in events]
        return queued + [(one.session, one.address) for one in self._arriving if (one.lane, one.run) == (lane, run)]

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next event, fairly between addresses: the one served least recently comes first."""
        lanes = [*self.event_queue_per_concurrency_id.items()]
        random.shuffle(lanes)
        for name, lane in lanes:
            if lane.concurrency_limit is not None and lane.current_concurrency >= lane.concurrency_limit:
                continue
            running = [events[0] for events in self.active_jobs if events and events[0].concurrency_id == name]
            waiting = [event for event in lane.queue if may_start(event, running, lane.concurrency_limit)]
            if waiting:  # `min` keeps the order of arrival within an address
                event = min(waiting, key=lambda one: self._served.get(address_of(one.request), 0.0))
                lane.queue.remove(event)
                self._served[address_of(event.request)] = time.monotonic()
                return [event], False, name
        return None

    def runs_before(self, session: str) -> int | None:
        """How many runs are likely to start before the first waiting one of this session; None if none waits."""
        lane = self.event_queue_per_concurrency_id.get(NETWORK)
        runs = [event for event in [*lane.queue] if is_run(event.fn)] if lane else []
        ahead: dict[str, int] = {}
        for event in runs:
            address = address_of(event.request)
            if event.session_hash == session:  # addresses take turns: of each other one at most as many as of this one
                own = ahead.get(address, 0)
                return sum(own if other == address else min(count, own + 1) for other, count in ahead.items())
            ahead[address] = ahead.get(address, 0) + 1
        return None

    @property
    def busy(self) -> bool:
        """Whether anything is running or waiting."""
        return any(self.active_jobs) or any(lane.queue for lane in [*self.event_queue_per_concurrency_id.values()])

    async def _make_room(self, session: str, address: str) -> bool:
        """Remove the oldest session that never listened, first of this address; False if all others listen."""
        if session in self.mailboxes:
            return True
        unheard = [one for one in self.mailboxes if one not in self.mailboxes.read]
        own = [one for one in unheard if self._addresses.get(one) == address]
        if len(own) >= MAX_UNHEARD_SESSIONS:
            await self._forget(own[0])
        elif len(self.mailboxes) >= MAX_SESSIONS:
            if not unheard:
                return False
            await self._forget(unheard[0])
        return True


def supervise(page: gr.Blocks) -> SupervisedQueue:
    """Replace the page's queue; to be called between `Blocks.queue` and `Blocks.launch`."""
    page._queue = SupervisedQueue(page._queue)
    return page._queue


def may_start(event: Event, running: Sequence[Event], limit: int | None) -> bool:
    """Whether an event may start beside those that run in its lane: one run an address, as all of them share the cores.

    Short events start beside it, but an address never takes the whole lane.
    """
    if limit is None or limit < RUNS:
        return True
    own = [one for one in running if address_of(one.request) == address_of(event.request)]
    return len(own) < limit - 1 and not (is_run(event.fn) and any(is_run(one.fn) for one in own))


def is_run(handler: BlockFunction) -> bool:
    """Whether it is a run: a generator that yields progress. Previews and readings only yield to keep their files."""
    return inspect.isgeneratorfunction(handler.fn) and handler.concurrency_id not in (PREVIEWS, READINGS)


def address_of(request: fastapi.Request | gr.Request) -> str:
    """The client's address, as far as it is known."""
    return request.client.host if request.client else "unknown"
