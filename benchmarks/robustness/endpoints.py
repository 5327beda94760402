"""Broken files through the page: uploaded to a running server, and handed to every handler that takes files."""

import asyncio
import html
import json
import random
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.load.visitor import Answer, Event, Page, Visitor, opened
from benchmarks.robustness.corpus.broken import broken
from benchmarks.robustness.corpus.lures import Bait
from benchmarks.robustness.corpus.originals import clip, picture
from benchmarks.robustness.targets import ACCEPTED, CRASHED, REFUSED, InputResult, is_sentence, is_trace
from benchmarks.robustness.watch import SECRET

TARGET = "page"
FILES = ("image", "video", "file")
ODD_VALUES = 0.15
"""Share of questions that no browser sends: other files' paths, addresses, values of other kinds."""
WITHOUT_CONSENT = 0.1
PATIENCE = 150.0
"""Seconds for one answer."""
BUG = "Something went wrong here"
"""What the page says when a handler raised something that is no sentence."""
ALERT = re.compile(r'role=\\?"alert\\?">(.*?)</p>')
LIMITS = {
    "DEEPFAKE_RUNS_PER_MINUTE": "1000000",
    "DEEPFAKE_RUNS_PER_MINUTE_ADDRESS": "1000000",
    "DEEPFAKE_WAITING": "1000",
    "DEEPFAKE_WAITING_ADDRESS": "1000",
    "DEEPFAKE_PAGES_PER_MINUTE_ADDRESS": "100000",
    "DEEPFAKE_KEPT_MINUTES": "1",
}
"""For the server: every input has to reach its handler, and what is kept has to go while somebody watches."""


@dataclass(frozen=True, slots=True)
class Question:
    """One input for the page, by the numbers that make it."""

    kind: str
    seed: int


async def ask_all(
    address: str, questions: Sequence[Question], bait: Bait, *, at_once: int, until: float
) -> AsyncIterator[InputResult]:
    """What the server made of each, as they end; none is asked after `until` (monotonic)."""
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as client:
        page = await opened(client)
        events = takers(page)
        await warm_up(client, page, events)
        turns = asyncio.Semaphore(at_once)

        async def one(question: Question) -> InputResult | None:
            async with turns:
                if time.monotonic() >= until:
                    return None
                return await ask(client, page, events, question, bait)

        for done in asyncio.as_completed([asyncio.ensure_future(one(question)) for question in questions]):
            if result := await done:
                yield result


def takers(page: Page) -> list[Event]:
    """The events whose handlers are given files."""
    return [
        event
        for event in page.events.values()
        if event.answers and any(page.kind(one) in FILES for one in event.inputs)
    ]


async def warm_up(client: httpx.AsyncClient, page: Page, events: Sequence[Event]) -> None:
    """Hand something sound to every different handler, so that all is loaded: memory is compared from then on."""
    visitor = Visitor(client, page)
    await visitor.consent()
    sound = {"video": ("mp4", clip("mp4")), "image": ("png", picture("png")), "file": ("png", picture("png"))}
    for event in {(one.inputs, one.outputs): one for one in events}.values():
        values = dict[int, Any]()
        for component in event.inputs:
            if (kind := page.kind(component)) in FILES:
                ending, content = sound[kind]
                sent = await visitor.upload(f"sound.{ending}", content)
                values |= _as_file(page, component, sent.json()[0])
        await visitor.ask(event, values)


async def ask(
    client: httpx.AsyncClient, page: Page, events: Sequence[Event], question: Question, bait: Bait
) -> InputResult:
    """Upload one file as a new visitor, and give it to one handler."""
    rng = random.Random(f"page {question.kind} {question.seed}")
    file, event = broken(question.kind, question.seed, bait), rng.choice(events)
    visitor, begun = Visitor(client, page), time.perf_counter()
    odd = rng.random() < ODD_VALUES
    try:
        async with asyncio.timeout(PATIENCE):
            if rng.random() > WITHOUT_CONSENT:
                await visitor.consent()
            sent = await visitor.upload(file.name or "file", file.content)
            if sent.status_code == 200:
                answer = await visitor.ask(event, _values(page, event, sent.json()[0], odd, rng, bait))
            else:
                answer = Answer(status=sent.status_code)
            answer.texts.append(sent.text)
        verdict, words = judged(answer, odd)
    except (TimeoutError, httpx.HTTPError, ValueError) as error:
        verdict, words = CRASHED, f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - begun
    return InputResult(
        target=TARGET, kind=question.kind, seed=question.seed, verdict=verdict, words=words, seconds=seconds
    )


def _values(page: Page, event: Event, path: str, odd: bool, rng: random.Random, bait: Bait) -> dict[int, Any]:
    """The file for every component that takes one; of odd questions, anything for any component."""
    values: dict[int, Any] = {}
    for component in event.inputs:
        if page.kind(component) in FILES:
            values |= _as_file(page, component, path)
    if odd:
        for component in rng.sample(event.inputs, min(len(event.inputs), rng.choice((1, 1, 3)))):
            values[component] = rng.choice(_odd(path, bait))
    return values


def _as_file(page: Page, component: int, path: str) -> dict[int, Any]:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    several = page.components[component]["props"].get("file_count") == "multiple"
    return {component: [file] if several else file}


def _odd(path: str, bait: Bait) -> tuple[Any, ...]:
    meta = {"_type": "gradio.FileData"}
    return (
        {"path": str(bait.text), "meta": meta},
        {"path": f"{path}/../../../../{bait.text}", "meta": meta},
        {"path": f"{bait.address}/picture.png", "meta": meta},
        {"path": path, "url": f"{bait.address}/picture.png", "meta": meta},
        {"path": None, "url": f"{bait.address}/picture.png", "meta": meta},
        {"path": f"file://{bait.text}", "meta": meta},
        {"path": 3, "meta": meta},
        {"path": f"{path}\0.png", "meta": meta},
        {},
        [],
        [[[[{"path": str(bait.text), "meta": meta}]]]],
        "a" * 100_000,
        -1e308,
        1e308,
        True,
        None,
        ["a", {"b": None}],
        {"__type__": "update", "value": str(bait.text)},
    )


def judged(answer: Answer, odd: bool) -> tuple[str, str]:
    """(verdict, words) of all that a visitor got to see."""
    if is_trace(answer.text):
        return CRASHED, "a trace was shown"
    if SECRET in answer.text:
        return CRASHED, "the content of another file was shown"
    if answer.lost:
        return CRASHED, answer.lost
    if odd and (BUG in answer.text or not answer.succeeded):  # what no page sends need not be told why it fails
        return REFUSED, "the values were refused"
    if BUG in answer.text:
        return CRASHED, "a handler failed with something that is no sentence"
    if answer.status != 200:
        return (REFUSED, f"status {answer.status}") if is_refusal(answer) else (CRASHED, f"status {answer.status}")
    if not answer.succeeded:
        return CRASHED, "an error without a sentence"
    alerts = ALERT.findall(answer.text)
    if not alerts:
        return ACCEPTED, ""
    words = html.unescape(re.sub(r"<[^>]+>", "", alerts[-1])).replace("\\", "")
    return (REFUSED, words) if odd or is_sentence(words) else (CRASHED, f"no sentence: {words[:200]}")


def is_refusal(answer: Answer) -> bool:
    """Whether a status tells the visitor off, in a few words, rather than telling of a failure.

    Gradio answers 500 when a handler outside the queue refuses, with the sentence as "error".
    """
    try:
        content = json.loads(answer.texts[0])
        detail = content.get("error" if answer.status == 500 else "detail") or ""
    except (ValueError, AttributeError, IndexError):
        detail = "" if answer.status == 500 else answer.text
    return answer.status in (400, 404, 413, 422, 500, 503, 507) and is_sentence(str(detail))
