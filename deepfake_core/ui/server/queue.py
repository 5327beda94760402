"""Gradio's queue, with a share for every visitor, and started again should it stop."""

import asyncio
import inspect
import logging
import re
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import fastapi
import gradio as gr
from gradio.block_function import BlockFunction
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage
from gradio.utils import LRUCache

from deepfake_core.settings import settings
from deepfake_core.ui.wiring import PREVIEWS

SESSION = re.compile(r"[0-9a-z]{1,16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The names that Gradio's clients give their sessions: digits of base 36 (browser), or a UUID (Python)."""
SESSIONS = 2_000
"""Most sessions that messages are kept for."""
UNHEARD_SESSIONS = 300
"""Most sessions of one address that have asked for something and not yet listened: a browser does so at once."""
UNHEARD_SECONDS = 60.0
"""A session that has not listened for so long is forgotten; one that listens does so every ten seconds."""
WATCH_SECONDS = 2.0
RESTART_SECONDS = 0.1
SHORT_SESSION, SHORT_ADDRESS = 8, 24
"""What is no run (a preview, a reading of attributes, a tick) takes a moment, and a page that opens, or whose visitor
ticks the consent, asks for some twenty of it: so many times more of it may wait."""
FULL = "too many runs are waiting already; come back in a minute"
YOURS_FULL = "{} of your runs are waiting already; wait for one of them, or stop it"
UNKNOWN = "there is no such function; reload the page and try again"

log = logging.getLogger(__name__)
Answer = tuple[bool, Any, Any]


class Mailboxes(LRUCache[str, "asyncio.Queue[EventMessage]"]):
    """Session -> messages that wait for it, and when it last asked for them. Nothing is evicted behind its back."""

    def __init__(self) -> None:
        super().__init__(max_size=2**62)
        self.made: dict[str, float] = {}
        self.read: dict[str, float] = {}

    def __getitem__(self, session: str) -> "asyncio.Queue[EventMessage]":
        messages = super().__getitem__(session)
        self.read[session] = time.monotonic()
        return messages

    def __setitem__(self, session: str, messages: "asyncio.Queue[EventMessage]") -> None:
        super().__setitem__(session, messages)
        self.made[session] = time.monotonic()

    def __delitem__(self, session: str) -> None:
        super().__delitem__(session)
        self.made.pop(session, None)
        self.read.pop(session, None)

    def silent_for(self, session: str) -> float:
        """Seconds since the session last asked, or since it came."""
        return time.monotonic() - self.read.get(session, self.made.get(session, 0.0))


class SupervisedQueue(Queue):
    """A queue that outlives any error in it. `stopped` is true only after `close`."""

    _closed = False

    def __init__(self, plain: Queue) -> None:
        """Take the place of the queue that `Blocks.queue` made."""
        super().__init__(
            live_updates=plain.live_updates,
            concurrency_count=plain.max_thread_count,
            update_intervals=plain.update_intervals,
            max_size=None,  # `refusal` bounds each lane by itself
            blocks=plain.blocks,
            default_concurrency_limit=plain.default_concurrency_limit,
        )
        self.mailboxes = Mailboxes()
        self.pending_messages_per_session = self.mailboxes
        self._addresses: dict[str, str] = {}
        self._served: dict[str, float] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._joining = asyncio.Lock()

    @property
    def stopped(self) -> bool:
        """Gradio sets it whenever its loop ends; that loop is started again."""
        return self._closed

    @stopped.setter
    def stopped(self, value: bool) -> None:
        pass

    def close(self) -> None:
        self._closed = True

    def start(self) -> None:
        """Start what processes events, and what watches it; called in the server's event loop."""
        self._closed = False
        self.active_jobs = [None] * self.max_thread_count
        for worker in (self.start_processing, self.start_progress_updates, self._watch):
            self._supervise(worker)

    def _supervise(self, worker: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = asyncio.get_running_loop().create_task(worker())
        self._workers.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(partial(self._restart, worker))

    def _restart(self, worker: Callable[[], Coroutine[Any, Any, None]], ended: "asyncio.Task[None]") -> None:
        self._workers.discard(ended)
        error = asyncio.CancelledError() if ended.cancelled() else ended.exception()
        if self._closed:
            return
        log.error("The queue stopped (%s: %r) and is started again", worker.__name__, error, exc_info=error)
        ended.get_loop().call_later(RESTART_SECONDS, self._supervise, worker)

    def _cancel_asyncio_tasks(self) -> None:
        """Runs go on when the loop that started them is started again."""
        if self._closed:
            super()._cancel_asyncio_tasks()  # type: ignore[no-untyped-call]

    async def _watch(self) -> None:
        while not self._closed:
            await asyncio.sleep(WATCH_SECONDS)
            await self._forget_unheard()
            self._count_again()

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

    def _count_again(self) -> None:
        """A lane's places are those that running events hold; one lost would be lost until the next start."""
        for name, lane in self.event_queue_per_concurrency_id.items():
            held = sum(events is not None and events[0].concurrency_id == name for events in self.active_jobs)
            if lane.current_concurrency != held:
                log.error("Lane %s had %d places in use, and %d runs", name, lane.current_concurrency, held)
                lane.current_concurrency = held

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Leave a message for the event's session; without a session the event ends at its next step."""
        messages = self.mailboxes.get(event.session_hash)
        if messages is None:
            event.alive = False
        if messages is None or not event.alive:
            return
        event_message.event_id = event._id
        messages.put_nowait(event_message)

    async def push(self, body: PredictBodyInternal, request: fastapi.Request, username: str | None) -> Answer:
        """Let an event wait, if its visitor's share and its lane have room for it."""
        handler = None if body.fn_index is None else self.blocks.fns.get(body.fn_index)
        session, address = body.session_hash or "", address_of(request)
        if handler is None or not SESSION.fullmatch(session):
            return False, UNKNOWN, "error"
        async with self._joining:
            self.create_event_queue_for_fn(handler)
            sentence = self.refusal(handler.concurrency_id, session, address, run=is_run(handler))
            if sentence is not None or not await self._make_room(session, address):
                return False, sentence or FULL, "queue_full"
            self._addresses.setdefault(session, address)
            answer: Answer = await super().push(body=body, request=request, username=username)
            return answer

    def refusal(self, lane: str, session: str, address: str, *, run: bool = True) -> str | None:
        """Why another run of this visitor, or something short, may not wait in this lane; None when it may."""
        queue, limits = self.event_queue_per_concurrency_id.get(lane), settings()
        alike = [event for event in queue.queue if is_run(event.fn) == run] if queue else []
        session_most = limits.waiting_session * (1 if run else SHORT_SESSION)
        address_most = limits.waiting_address * (1 if run else SHORT_ADDRESS)
        if sum(event.session_hash == session for event in alike) >= session_most:
            return YOURS_FULL.format(session_most)
        if sum(address_of(event.request) == address for event in alike) >= address_most:
            return FULL
        return FULL if len(alike) >= limits.waiting * (1 if run else SHORT_ADDRESS) else None

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """The next events, by turns of addresses: one that asks for much waits longer for it than its neighbours."""
        for lane in self.event_queue_per_concurrency_id.values():
            if lane.concurrency_limit is None or lane.current_concurrency < lane.concurrency_limit:
                lane.queue.sort(key=lambda event: self._served.get(address_of(event.request), 0.0))  # else as they came
        found = super().get_events()
        if found is not None:
            self._served[address_of(found[0][0].request)] = time.monotonic()
        return found

    async def _make_room(self, session: str, address: str) -> bool:
        """Forget the oldest session that never listened, of this address first; False when all others listen."""
        if session in self.mailboxes:
            return True
        unheard = [one for one in self.mailboxes if one not in self.mailboxes.read]
        own = [one for one in unheard if self._addresses.get(one) == address]
        if len(own) >= UNHEARD_SESSIONS:
            await self._forget(own[0])
        elif len(self.mailboxes) >= SESSIONS:
            if not unheard:
                return False
            await self._forget(unheard[0])
        return True


def supervise(page: gr.Blocks) -> SupervisedQueue:
    """Give the page a queue that holds; after `Blocks.queue`, before `Blocks.launch`."""
    page._queue = SupervisedQueue(page._queue)
    return page._queue


def is_run(handler: BlockFunction) -> bool:
    """Whether it shows its work on the way, as what takes long does; a preview only keeps its file until it is sent."""
    return inspect.isgeneratorfunction(handler.fn) and handler.concurrency_id != PREVIEWS


def address_of(request: fastapi.Request | gr.Request) -> str:
    """The visitor's network address, as far as the server knows."""
    return request.client.host if request.client else "unknown"
