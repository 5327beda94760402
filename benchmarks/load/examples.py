"""A class at the page: all press Animate on the example at once; and a reading beside a running animation."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load.measure import LIMITS
from benchmarks.load.server import Server, serving
from benchmarks.load.visitor import Answer, Event, Page, Visitor, opened
from benchmarks.report import Bar, Report, Row
from deepfake_core.errors import BadRequest

PREPARED_SECONDS = 600.0
"""In which the first example must be ready."""
ALL_SECONDS, READING_SECONDS = 5.0, 2.0
"""Targets on two cores."""
READ_STARGAN = "attributes-boxes"


def measure_examples(visitors: int = 30) -> Report:
    """Start a page, wait for its first example, and send the visitors."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        home = Path(folder) / "home"
        environment = {**LIMITS, "DEEPFAKE_HOME": str(home), "DEEPFAKE_EXAMPLES": "on"}
        with serving(Path(folder), environment) as server:
            waits, reading, animated = asyncio.run(measured(server, home / "examples", visitors))
    return report(waits, reading, animated)


async def measured(server: Server, store: Path, visitors: int) -> tuple[list[float], float, bool]:
    """Seconds of each visitor from pressing to the video, of a reading, and whether an animation ran beside it."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=server.address, timeout=PREPARED_SECONDS, limits=limits) as client:
        page = await opened(client)
        await prepared(store)
        waits = await asyncio.gather(*(animated_at_once(Visitor(client, page)) for _ in range(visitors)))
        reading, running = await read_beside(client, page)
    return list(waits), reading, running


async def prepared(store: Path) -> None:
    """Wait until the first example's video is stored. Raises `BadRequest` if it is not."""
    end = time.monotonic() + PREPARED_SECONDS
    while time.monotonic() < end:
        if any(place.parent.name.find(".part-") < 0 for place in store.glob("*/*-driven-by-*.mp4")):
            return
        await asyncio.sleep(0.2)
    raise BadRequest(f"no example was ready within {PREPARED_SECONDS:.0f} s; see the server's log")


async def animated_at_once(visitor: Visitor) -> float:
    """Press Animate with the values of a new page, and fetch the video. Raises `BadRequest` if it has to run."""
    begin, remembered, *_ = chain(visitor.page, "start")
    begun = time.perf_counter()
    await visitor.ask(begin, {})
    answer = await visitor.ask(remembered, {})
    address = file_of(answer, remembered, visitor.page.named("result"))
    if address is None:
        raise BadRequest(f"the example was not remembered: {answer.lost or answer.text[-300:]}")
    (await visitor.client.get(address)).raise_for_status()
    return time.perf_counter() - begun


async def read_beside(client: httpx.AsyncClient, page: Page) -> tuple[float, bool]:
    """Seconds for the attributes of an upload while another visitor's animation runs; and whether it still did."""
    busy, visitor = Visitor(client, page), Visitor(client, page)
    await busy.consent()
    await visitor.consent()
    portrait = Path(__file__).parents[2] / "examples" / "portraits" / "mei.png"
    own = portrait.read_bytes() + b"mine"  # no example any more
    sent = {"path": (await busy.upload("mine.png", own)).json()[0], "meta": {"_type": "gradio.FileData"}}
    source, boxes = page.named("portrait"), page.named(READ_STARGAN)
    read = next(one for one in page.events.values() if boxes in one.outputs and one.answers and one.queued)
    weights = page.named("attributes-model")
    fill = next(one for one in page.events.values() if weights in one.outputs and one.answers)
    (choices,) = [await visitor.ask(fill, {})]
    values: dict[int, Any] = {page.named("attributes-source") or 0: sent, weights or 0: chosen(choices, fill, weights)}
    await visitor.ask(read, values | {page.named("attributes-source") or 0: None})  # loads the network
    run = asyncio.create_task(busy.ask(chain(page, "start")[2], {source or 0: sent}))
    await asyncio.sleep(1.0)
    answer = await visitor.ask(read, values)
    running = not run.done()
    await busy.client.post("/gradio_api/cancel", json={"session_hash": busy.session, "fn_index": 0, "event_id": ""})
    await run
    if not answer.succeeded or "Read from the portrait" not in answer.text:
        raise BadRequest(f"the portrait was not read: {answer.lost or answer.text[-300:]}")
    return answer.seconds, running


def chain(page: Page, button: str) -> list[Event]:
    """The events that a button starts."""
    event = page.of(button, "click")
    if event is None:
        raise BadRequest(f"the page has no button {button}")
    return page.chain(event)


def file_of(answer: Answer, event: Event, component: int | None) -> str | None:
    """The address of a component's new file; None if it got none."""
    if component is None or not answer.data:
        return None
    shown = answer.data[event.outputs.index(component)]
    value = shown.get("value", shown) if isinstance(shown, dict) else None
    return (value.get("video", value) or {}).get("url") if isinstance(value, dict) else None


def chosen(answer: Answer, event: Event, component: int | None) -> Any:
    """The new value of a component."""
    if component is None or not answer.data:
        raise BadRequest(f"the page has no list of weights: {answer.lost or answer.text[-300:]}")
    shown = answer.data[event.outputs.index(component)]
    return shown.get("value") if isinstance(shown, dict) else shown


def report(waits: list[float], reading: float, animated: bool) -> Report:
    """The table and the bars."""
    ordered = sorted(waits)
    numbers = {
        "first of all": ordered[0],
        "half of all": ordered[len(ordered) // 2],
        "all": ordered[-1],
        "a reading beside an animation": reading,
    }
    return Report(
        title=f"load: {len(waits)} visitors press Animate on the example at once",
        columns=("seconds",),
        rows=tuple(Row(name=name, values=(f"{number:.2f}",)) for name, number in numbers.items()),
        notes=("From pressing to the end of the video's download. All visitors have one address.",),
        bars=(
            Bar(claim=f"all have it within {ALL_SECONDS:g} s: {ordered[-1]:.2f} s", met=ordered[-1] < ALL_SECONDS),
            Bar(claim=f"read within {READING_SECONDS:g} s: {reading:.2f} s", met=reading < READING_SECONDS),
            Bar(claim="the animation was still running then", met=animated),
        ),
        figures={**numbers, "waits": ordered},
    )
