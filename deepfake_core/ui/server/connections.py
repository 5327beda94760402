"""Connections: how many an address may hold, and how long a request may take to arrive."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from deepfake_core.settings import settings
from deepfake_core.ui.server.proxies import is_proxy

HEAD_SECONDS = 10.0
"""For the head of a request, from the connection or the last answer on."""
BODY_BYTES, BODY_SECONDS = 10_000, 10.0
"""What a request's body has to bring in so long while the server waits for it: a slow telephone does."""
TICK_SECONDS = 1.0


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, whose own time limit begins after the first answer only."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.waiting_since = self.loop.time()
        self._body_since, self._received, self._before = 0.0, 0, 0
        self._tick: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._tick = self.loop.call_later(TICK_SECONDS, self._look)
        limits = settings()
        host = self.client[0] if self.client else ""
        own = [one for one in self.connections if isinstance(one, BoundedProtocol) and one.host == host]
        if len(own) > limits.connections_address and not is_proxy(host):
            _make_room(own, self)
        elif len(self.connections) > limits.connections:
            _make_room([one for one in self.connections if isinstance(one, BoundedProtocol)], self)

    @property
    def host(self) -> str:
        """The address at the other end."""
        return self.client[0] if self.client else ""

    @property
    def waits_for_head(self) -> bool:
        """Whether no request is being answered here."""
        return self.cycle is None or self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        if self._tick is not None:
            self._tick.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        self.waiting_since = self.loop.time()
        super().on_response_complete()

    def drop(self) -> None:
        """Close at once, without an answer."""
        self.transport.abort()

    def _look(self) -> None:
        now = self.loop.time()
        if self.waits_for_head:
            self._body_since = 0.0
            late = now - self.waiting_since > HEAD_SECONDS
        else:
            late = self.cycle.more_body and not self.flow.read_paused and self._is_slow(now)
        if late and self.waits_for_head:
            self.transport.close()  # once the end of the last answer has been read
        elif late:
            self.drop()
        elif not self.transport.is_closing():
            self._tick = self.loop.call_later(TICK_SECONDS, self._look)

    def _is_slow(self, now: float) -> bool:
        if not self._body_since or self._received - self._before >= BODY_BYTES:
            self._body_since, self._before = now, self._received
        return now - self._body_since > BODY_SECONDS


def _make_room(connections: list[BoundedProtocol], new: BoundedProtocol) -> None:
    """Drop the connection that has sent no whole request for longest; the new one, if all others are in use."""
    idle = [one for one in connections if one.waits_for_head and not one.transport.is_closing()]
    min(idle, key=lambda one: (one is new, one.waiting_since), default=new).drop()
