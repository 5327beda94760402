"""Load test of the page: each visitor uploads an image, requests a result, views it, or leaves before it is ready."""

import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks.load.server import Server, serving
from benchmarks.load.translation import Tab, asked, distance, looked_at, mosaic, values
from benchmarks.load.visitor import Answer, Visitor, opened
from benchmarks.report import Bar, Report, Row
from benchmarks.robustness.watch import Cellar, resident
from deepfake_core.errors import BadRequest

VISITORS, SECONDS = 50, 120.0
LOOKS = (1.0, 4.0)
"""Range of seconds for which a visitor views a result."""
LEAVES = 0.2
"""Probability that a visitor leaves before the result."""
PATIENCE = 150.0
KEPT_MINUTES = 2
QUIET_SECONDS = 60.0 * KEPT_MINUTES + 75.0
"""Seconds after the load until stored files must be deleted: the server checks once a minute."""
MEMORY_BAR = 1.10
FULL = ("queue is full", "already in the queue", "runs per minute")
LIMITS = {
    "DEEPFAKE_RUNS_PER_MINUTE": "100000",
    "DEEPFAKE_RUNS_PER_MINUTE_ADDRESS": "100000",
    "DEEPFAKE_WAITING_ADDRESS": "100000",
    "DEEPFAKE_PAGES_PER_MINUTE_ADDRESS": "100000",
    "DEEPFAKE_KEPT_MINUTES": str(KEPT_MINUTES),
}
"""Environment of the server: in this test all visitors have one address."""


@dataclass(slots=True)
class Count:
    """Counts of the visitors' requests."""

    asked: int = 0
    answered: int = 0
    full: int = 0
    """Rejected with a message because the queue was full."""
    left: int = 0
    lost: int = 0
    """Neither a result nor a message."""
    mixed_up: int = 0
    """Answered with the result of another visitor."""
    waits: list[float] = field(default_factory=list)
    """Seconds from request to result."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Messages of lost requests."""


def measure_load(visitors: int = VISITORS, seconds: float = SECONDS, seed: int = 0) -> Report:
    """Run all visitors at once for `seconds`, wait until stored files must be deleted, and report."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        cellar = Cellar(Path(folder))
        with serving(Path(folder), cellar.environment | LIMITS) as server:
            own = cellar.kept()
            count, memory = asyncio.run(crowd(server, visitors, seconds, seed))
            kept = cellar.kept_beyond(QUIET_SECONDS, own)
            memory.append(resident(server.process.pid))
            alive, traces = server.alive(), server.traces()
        left = cellar.left()
    wrong = {
        "files left": len(left),
        "uploads kept beyond their time": len(kept),
        "traces in the server's log": len(traces),
    }
    return report(count, memory, visitors=visitors, seconds=seconds, alive=alive, wrong=wrong)


async def crowd(server: Server, visitors: int, seconds: float, seed: int) -> tuple[Count, list[int]]:
    """Run the visitors; return their counts, and the memory of the server before and at its peak."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=PATIENCE, limits=limits) as client:
        tab = Tab.of(await opened(client))
        rng = random.Random(seed)
        pictures = [mosaic(rng) for _ in range(visitors)]
        results = await expected(client, tab, pictures)
        memory, count = [resident(server.process.pid)], Count()
        end = time.monotonic() + seconds
        highest = asyncio.create_task(_highest(server.process.pid, end))
        own = [random.Random(f"{seed} {number}") for number in range(visitors)]
        await asyncio.gather(*(stay(client, tab, n, pictures[n], results, own[n], end, count) for n in range(visitors)))
        memory.append(await highest)
        return count, memory


async def _highest(process: int, end: float) -> int:
    most = 0
    while time.monotonic() < end:
        most = max(most, resident(process))
        await asyncio.sleep(1)
    return most


async def expected(client: httpx.AsyncClient, tab: Tab, pictures: Sequence[bytes]) -> list[np.ndarray]:
    """What each picture's answer looks like, asked one after the other while nobody else is there: the warm-up, too."""
    results = []
    for picture in pictures:
        visitor = Visitor(client, tab.page)
        await visitor.consent()
        answer = await asked(visitor, tab, "alone.png", picture)
        result = await looked_at(client, tab, answer)
        if result is None:
            raise BadRequest(f"the page gave no answer to a single visitor: {answer.lost or answer.text[-300:]}")
        results.append(result)
    nearest = min((distance(a, b) for n, a in enumerate(results) for b in results[:n]), default=255.0)
    if nearest < 2:
        raise BadRequest(f"two answers differ by {nearest:.1f} only and cannot be told apart; choose another seed")
    return results


async def stay(
    client: httpx.AsyncClient,
    tab: Tab,
    number: int,
    picture: bytes,
    results: Sequence[np.ndarray],
    rng: random.Random,
    end: float,
    count: Count,
) -> None:
    """One visitor, until the end: asks, looks, asks again; after leaving comes back as somebody new."""
    visitor = Visitor(client, tab.page)
    await visitor.consent()
    await asyncio.sleep(rng.uniform(0, 3))
    while time.monotonic() < end:
        count.asked += 1
        if rng.random() < LEAVES:
            await _leave(visitor, tab, picture, rng, count)
            visitor = Visitor(client, tab.page)
            await visitor.consent()
            continue
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await asked(visitor, tab, f"visitor-{number}.png", picture)
                result = await looked_at(client, tab, answer)
        except (TimeoutError, httpx.HTTPError, ValueError) as error:
            answer, result = Answer(lost=f"{type(error).__name__}: {error}"), None
        judge(answer, result, number, results, time.monotonic() - begun, count)
        await asyncio.sleep(rng.uniform(*LOOKS))


async def _leave(visitor: Visitor, tab: Tab, picture: bytes, rng: random.Random, count: Count) -> None:
    sent = await visitor.upload("leaving.png", picture)
    if sent.status_code == 200:
        begun = await visitor.ask(tab.begin, {})
        if begun.succeeded:
            after, cancel = rng.choice((0.0, 0.5, 2.0, 8.0)), rng.random() < 0.5
            await visitor.leave(tab.run, values(tab, sent), after=after, cancel=cancel)
    count.left += 1


def judge(
    answer: Answer, result: np.ndarray | None, number: int, results: Sequence[np.ndarray], seconds: float, count: Count
) -> None:
    """Count what came back to a visitor."""
    if result is not None:
        nearest = min(range(len(results)), key=lambda one: distance(result, results[one]))
        count.answered += 1
        count.mixed_up += nearest != number
        count.waits.append(seconds)
    elif any(words in answer.text for words in FULL):
        count.full += 1
    else:
        count.lost += 1
        count.reasons[(answer.lost or answer.text[-200:])[:200]] += 1


def report(
    count: Count, memory: Sequence[int], *, visitors: int, seconds: float, alive: bool, wrong: Mapping[str, int]
) -> Report:
    """The table and the bars."""
    waits = sorted(count.waits) or [0.0]
    median, late = statistics.median(waits), waits[min(len(waits) - 1, round(0.95 * len(waits)))]
    ratio = memory[-1] / memory[0] if memory[0] else 1.0
    numbers = {
        "asked": count.asked,
        "answered": count.answered,
        "refused, the queue was full": count.full,
        "left in the middle": count.left,
        "lost": count.lost,
        "answered with another's": count.mixed_up,
    }
    return Report(
        title=f"load: {visitors} visitors for {seconds:.0f} s",
        columns=("count",),
        rows=tuple(Row(name=name, values=(str(number),)) for name, number in numbers.items()),
        notes=(
            f"Median wait {median:.1f} s, 95% within {late:.1f} s. Each answer was compared with what each visitor's "
            "picture gave while nobody else was there.",
            f"Memory of the server: {memory[0] / 1e6:.0f} MB before, at most {memory[1] / 1e6:.0f} MB, "
            f"{memory[-1] / 1e6:.0f} MB once what it keeps was gone.",
            *(f"Lost {number} times: {reason}" for reason, number in count.reasons.most_common(5)),
        ),
        bars=(
            Bar(claim=f"no question lost: {count.lost}", met=count.lost == 0),
            Bar(claim=f"nobody answered with another's result: {count.mixed_up}", met=count.mixed_up == 0),
            Bar(claim="somebody was answered", met=count.answered > 0),
            *(Bar(claim=f"no {what}: {number}", met=number == 0) for what, number in wrong.items()),
            Bar(claim="the server answers afterwards", met=alive),
            Bar(claim=f"memory within {MEMORY_BAR:g} of the start: {ratio:.3f}", met=ratio <= MEMORY_BAR),
        ),
        figures={
            **numbers,
            **wrong,
            "median_wait": median,
            "late_wait": late,
            "memory": list(memory),
            "ratio": ratio,
            "alive": alive,
        },
    )
