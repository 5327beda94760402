"""What an attack is, and what it is given: a running server, the page, and folders of its own."""

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load.server import Server
from benchmarks.load.visitor import API, Answer, Event, Page
from benchmarks.robustness.endpoints import ALERT
from benchmarks.robustness.watch import Cellar

ATTACKER, BYSTANDER, PROXY = "127.0.0.66", "127.0.0.2", "127.0.0.1"
"""Addresses of this machine: limits for each address must not make the attacker's guilt another visitor's."""
BYSTANDERS = tuple(f"127.0.1.{number}" for number in range(1, 250))
"""One for each of their visits, so that no limit for an address is theirs."""
PATIENCE = 60.0
"""Seconds for one request."""
QUIET_SECONDS = 1.0
"""Another visitor's run on an idle machine of two cores, at most."""
META = {"_type": "gradio.FileData"}
"""What the page sends with every file."""
SAMPLE = "portrait"
"""The id of a picture input that every visitor sees first."""


@dataclass(frozen=True, slots=True)
class AttackResult:
    """What an attack achieved."""

    harmed: bool
    detail: str
    """One line: what was seen."""


@dataclass(frozen=True, slots=True)
class Site:
    """A server as its visitors know it."""

    address: str
    """Without a slash at its end."""
    page: Page
    quiet: list[float] = field(default_factory=list)
    """Seconds of another visitor's runs without an attack."""

    def longer(self, seconds: float) -> float:
        """Seconds of an idle machine on this one, as it is now."""
        return seconds * max(1.0, statistics.median(self.quiet) / QUIET_SECONDS) if self.quiet else seconds

    def client(self, address: str = ATTACKER, **headers: str) -> httpx.AsyncClient:
        """A client at one of this machine's addresses, which sends what the page's script sends."""
        return httpx.AsyncClient(
            base_url=self.address,
            timeout=PATIENCE,
            headers={"Origin": self.address, **headers},
            transport=httpx.AsyncHTTPTransport(local_address=local(address), limits=httpx.Limits(max_connections=None)),
        )

    def event(self, place: str, happening: str) -> Event:
        """The event of a component by its id; raises `LookupError` when the page has changed."""
        event = self.page.of(place, happening)
        if event is None:
            raise LookupError(f"the page has no event {happening} of {place}")
        return event

    def run_of(self, place: str) -> Event:
        """The run that the button `place` starts."""
        return self.page.chain(self.event(place, "click"))[2]

    def body(self, event: Event, values: Mapping[int, Any], session: Any) -> dict[str, Any]:
        """A question to the queue, under any name of a session."""
        data = self.page.values(event, values)
        return {"data": data, "fn_index": event.number, "session_hash": session, "event_data": None, "trigger_id": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Site):
    """A server under attack, and what an attack may look at besides."""

    server: Server
    cellar: Cellar
    folder: Path
    """For the attacker's files; no part of the server's."""


def local(address: str) -> str | None:
    """The address, where the system has more than one of its own (Linux); elsewhere None, for any."""
    return address if sys.platform == "linux" else None


async def join(client: httpx.AsyncClient, body: Mapping[str, Any]) -> httpx.Response:
    """Put a question into the queue, without listening for the answer; NaN and infinity go as Python writes them."""
    content = json.dumps(body).encode()
    return await client.post(f"{API}/queue/join", content=content, headers={"Content-Type": "application/json"})


def refused(answer: Answer) -> bool:
    """Whether the visitor was told off instead of served."""
    return answer.status != 200 or not answer.succeeded or bool(answer.lost) or bool(ALERT.search(answer.text))


@asynccontextmanager
async def half_upload(target: Target, name: str, content: bytes) -> AsyncIterator[None]:
    """An upload of which all but the end has been sent, for the length of the block; then the connection breaks."""
    host = target.server.address.removeprefix("http://")
    begin = (
        f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    head = (
        f"POST {API}/upload HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
        f"Content-Type: multipart/form-data; boundary=limit\r\nContent-Length: {len(begin) + len(content) + 99}\r\n\r\n"
    ).encode()
    _, writer = await asyncio.open_connection(*host.split(":"), local_addr=_pair(BYSTANDER))
    writer.write(head + begin + content)
    await writer.drain()
    await asyncio.sleep(0.5)
    try:
        yield
    finally:
        writer.close()


def _pair(address: str) -> tuple[str, int] | None:
    chosen = local(address)
    return (chosen, 0) if chosen else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One way to do harm."""

    name: str
    item: str
    """Of the list of holes that were found; `held` for what never succeeded."""
    harm: str
    """What would happen, in a few words."""
    run: Callable[[Target], Awaitable[AttackResult]]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the server: small limits, so that harm is seen early."""
    quick: bool = False
    """Whether it is over within seconds, and so one of the tests."""
    ends_server: bool = False
    """Whether the server is stopped by it, as it should be."""
    seconds: float = 60.0
    """After which it is stopped, and counts as harm; on a busy machine longer."""
    disk_megabytes: int = 300
    """By how much the server's folder may grow."""
