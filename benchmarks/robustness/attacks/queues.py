"""Items 2 and 6: the queue, stopped by odd sessions, or filled by one visitor for all."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Any

import httpx

from benchmarks.load.visitor import API, Visitor
from benchmarks.robustness.attacks.record import BYSTANDER, Attack, AttackResult, Target, join

NAMES: Sequence[Any] = ("", None, 0, -1, [], {}, [""], True, "../../x", "a\0b", "\n", "ä" * 50, "x" * 5_000)
"""Of sessions, such as no page sends."""
SILENT, FLOOD = 2_000, 80
SILENT_SECONDS = 30.0
SECONDS = 5.0
"""In which the tick, the page and a preview of another visitor have to be served while the queue is full."""


async def odd_sessions(target: Target) -> AttackResult:
    """With one run at work and others waiting, join under names that no page has."""
    run, examine = target.run_of("translation-start"), target.event("verify-file", "change")
    async with target.client() as client:
        for one in (target.run_of("start"), run, run):
            await join(client, target.body(one, {}, secrets.token_hex(8)))
        answers = [await join(client, target.body(event, {}, name)) for name in NAMES for event in (run, examine)]
        taken = sum(answer.status_code == 200 for answer in answers)
        failed = sum(answer.status_code == 500 for answer in answers)
        await asyncio.sleep(6)
    if failed:
        return AttackResult(True, f"{failed} of {len(answers)} odd names ended in a plain 500")
    return AttackResult(taken > 0, f"{taken} of {len(answers)} odd names were let in")


async def silent_sessions(target: Target) -> AttackResult:
    """Join as thousands of sessions, of which none listens."""
    event, turns = target.event("verify-file", "change"), asyncio.Semaphore(50)

    until = time.monotonic() + SILENT_SECONDS

    async def one(client: httpx.AsyncClient) -> int:
        async with turns:
            if time.monotonic() > until:
                return 0
            return (await join(client, target.body(event, {}, secrets.token_hex(8)))).status_code

    async with target.client() as client:
        statuses = await asyncio.gather(*(one(client) for _ in range(SILENT)))
    await asyncio.sleep(3)
    taken, tried = statuses.count(200), len(statuses) - statuses.count(0)
    return AttackResult(500 in statuses, f"{taken} of {tried} were let in, {statuses.count(500)} ended in a plain 500")


async def flood(target: Target, sessions: int) -> AttackResult:
    """Join 80 times at once, under so many names; then come as somebody else."""
    run, names = target.run_of("translation-start"), [secrets.token_hex(8) for _ in range(sessions)]
    async with target.client() as client:
        joins = (join(client, target.body(run, {}, names[n % sessions])) for n in range(FLOOD))
        answers = await asyncio.gather(*joins)
        refusals = await _others(target)
        await _leave(client, names, answers)
    taken = sum(answer.status_code == 200 for answer in answers)
    seen = f"{taken} of {FLOOD} were let in"
    return AttackResult(
        bool(refusals), f"{seen}; another visitor: {'; '.join(refusals) or 'page, tick and preview came'}"
    )


async def _others(target: Target) -> list[str]:
    """What another visitor is refused, or waits for in vain."""
    wanted = (("tick", "consent", "input"), ("preview", "portrait", "change"), ("Verify", "verify-file", "change"))
    refusals = []
    async with target.client(BYSTANDER) as client:
        visitor = Visitor(client, target.page)
        page = await client.get("/")
        if page.status_code != 200:
            refusals.append(f"page {page.status_code}")
        for what, place, happening in wanted:
            event, begun = target.event(place, happening), time.monotonic()
            try:
                async with asyncio.timeout(target.longer(SECONDS)):
                    answer = await visitor.ask(event, {})
            except TimeoutError:
                refusals.append(f"{what} not within {SECONDS:g} s")
                continue
            if answer.status != 200 or answer.lost:
                refusals.append(f"{what} {answer.status} after {time.monotonic() - begun:.1f} s")
    return refusals


async def _leave(client: httpx.AsyncClient, names: Sequence[str], answers: Sequence[httpx.Response]) -> None:
    """Take the questions back, so that the next attack finds a quiet server."""
    for number, answer in enumerate(answers):
        if answer.status_code == 200:
            word = {
                "session_hash": names[number % len(names)],
                "event_id": answer.json().get("event_id"),
                "fn_index": 0,
            }
            await client.post(f"{API}/cancel", json=word)


async def one_session(target: Target) -> AttackResult:
    """All under one name."""
    return await flood(target, 1)


async def many_sessions(target: Target) -> AttackResult:
    """Each under its own."""
    return await flood(target, FLOOD)


ATTACKS = (
    Attack(
        name="odd sessions", item="2", harm="stop the queue for all by a session's name", run=odd_sessions, quick=True
    ),
    Attack(
        name="silent sessions",
        item="2",
        harm="stop the queue by 2,000 joins nobody listens to",
        run=silent_sessions,
        settings={"DEEPFAKE_PAGES_PER_MINUTE_ADDRESS": "120"},
    ),
    Attack(name="flood, one session", item="6", harm="fill the queue for all", run=one_session, quick=True),
    Attack(name="flood, one address", item="6", harm="fill the queue for all, as many visitors", run=many_sessions),
)
