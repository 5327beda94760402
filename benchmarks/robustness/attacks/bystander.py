"""Another visitor, who only wants a picture translated while the server is attacked."""

import asyncio
import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

import httpx

from benchmarks.load.translation import Tab, asked, looked_at, mosaic
from benchmarks.load.visitor import Visitor
from benchmarks.robustness.attacks.record import BYSTANDERS, Site

VISIT_SECONDS = 30.0
"""For one run, which takes one or two in quiet."""
START_SECONDS = 120.0
"""For another process to start, on a busy machine."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One run from the upload to the picture."""

    seconds: float
    error: str = ""
    """Why there is no picture."""


async def visit(site: Site, rng: random.Random) -> Visit:
    """Come as somebody new, agree, upload, press the button, and fetch the result."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(site.longer(VISIT_SECONDS)), site.client(rng.choice(BYSTANDERS)) as client:
            visitor = Visitor(client, site.page)
            await visitor.consent()
            tab = Tab.of(site.page)
            answer = await asked(visitor, tab, "bystander.png", mosaic(rng))
            shown = await looked_at(client, tab, answer)
        error = "" if shown is not None else (answer.lost or answer.text[-200:])
    except (TimeoutError, httpx.HTTPError, OSError, ValueError) as failure:
        error = f"{type(failure).__name__}: {failure}"[:200]
    return Visit(time.monotonic() - begun, error)


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of one bystander, before the attack and during it."""

    quiet: tuple[Visit, ...]
    attacked: tuple[Visit, ...]


class Bystander:
    """Visits again and again, in a process of its own: in the attacker's they would wait for one another.

    The quiet visits are made by the same process, after one that does not count: the first takes longer in any process.
    """

    def __init__(self, site: Site, quiet_visits: int) -> None:
        spawned = multiprocessing.get_context("spawn")
        self._settled, self._attacked, self._over = spawned.Event(), spawned.Event(), spawned.Event()
        self._results: Queue[Visits] = spawned.Queue()
        self._process = spawned.Process(
            target=_stay,
            args=(site, quiet_visits, self._settled, self._attacked, self._over, self._results),
            daemon=True,
        )
        self.visits = Visits((), ())

    def settle(self) -> None:
        """Come, and visit while it is quiet."""
        self._process.start()
        self._settled.wait(START_SECONDS)

    @contextmanager
    def visiting(self) -> Iterator["Bystander"]:
        """Visit until the end of the block; the visit that has begun then still counts."""
        self._attacked.set()
        try:
            yield self
        finally:
            self._over.set()
            self.visits = self._results.get(timeout=4 * VISIT_SECONDS)
            self._process.join()


def _stay(
    site: Site, quiet_visits: int, settled: Event, attacked: Event, over: Event, results: "Queue[Visits]"
) -> None:
    rng = random.Random()
    _, *quiet = (asyncio.run(visit(site, rng)) for _ in range(1 + quiet_visits))
    settled.set()
    attacked.wait(START_SECONDS)
    time.sleep(0.2)  # the attack comes first
    visits = list[Visit]()
    while not over.is_set() or not visits:
        visits.append(asyncio.run(visit(site, rng)))
        time.sleep(0.05)
    results.put(Visits(tuple(quiet), tuple(visits)))
