"""Another visitor, who only wants a picture translated while the server is attacked."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from benchmarks.load.translation import Tab, asked, looked_at, mosaic
from benchmarks.load.visitor import Visitor
from benchmarks.robustness.attacks.record import BYSTANDERS, Target

VISIT_SECONDS = 30.0
"""For one run, which takes one or two in quiet."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One run from the upload to the picture."""

    seconds: float
    error: str = ""
    """Why there is no picture."""


async def visit(target: Target, rng: random.Random) -> Visit:
    """Come as somebody new, agree, upload, press the button, and fetch the result."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(target.longer(VISIT_SECONDS)), target.client(rng.choice(BYSTANDERS)) as client:
            visitor = Visitor(client, target.page)
            await visitor.consent()
            tab = Tab.of(target.page)
            answer = await asked(visitor, tab, "bystander.png", mosaic(rng))
            shown = await looked_at(client, tab, answer)
        error = "" if shown is not None else (answer.lost or answer.text[-200:])
    except (TimeoutError, httpx.HTTPError, OSError, ValueError) as failure:
        error = f"{type(failure).__name__}: {failure}"[:200]
    return Visit(time.monotonic() - begun, error)


class Bystander:
    """Visits again and again, in a thread of its own."""

    def __init__(self, target: Target) -> None:
        self._target, self._over = target, threading.Event()
        self.visits: list[Visit] = []

    @contextmanager
    def visiting(self) -> Iterator["Bystander"]:
        """Visit until the end of the block; the visit that has begun then still counts."""
        thread = threading.Thread(target=lambda: asyncio.run(self._stay()), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    async def _stay(self) -> None:
        rng = random.Random()
        await asyncio.sleep(0.2)  # the attack comes first
        while not self._over.is_set() or not self.visits:
            self.visits.append(await visit(self._target, rng))
            await asyncio.sleep(0.05)
