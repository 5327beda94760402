"""The CycleGAN tab for a visitor: one picture in, one out, which can be told from all others'."""

import io
import random
from dataclasses import dataclass

import httpx
import numpy as np
from PIL import Image

from benchmarks.load.visitor import Answer, Event, Page, Visitor
from deepfake_core.errors import BadRequest

PLACE = "translation-"
"""The ids of the tab, the quickest to answer."""
SIDE = 128


@dataclass(frozen=True, slots=True)
class Tab:
    """Where the crowd stands."""

    page: Page
    begin: Event
    remembered: Event
    """Looks for a remembered result, and gives a ticket for the queue if there is none."""
    run: Event
    end: Event
    source: int
    after: int
    """The place of the result among the run's outputs."""
    fixed: dict[int, object]
    """Values that all choose: no crop, no way back."""

    @classmethod
    def of(cls, page: Page) -> "Tab":
        """The tab on a page; raises `BadRequest` when the page has changed."""
        source, result = page.named(f"{PLACE}source"), page.named(f"{PLACE}after")
        begin = page.of(f"{PLACE}start", "click")
        if begin is None or source is None or result is None:
            raise BadRequest(f"the page has no tab {PLACE} with a source, a start button and a result")
        begin, remembered, run, end = page.chain(begin)[:4]
        fixed: dict[int, object] = {}
        for component in run.inputs:
            label = page.components[component]["props"].get("label")
            fixed |= {component: {"Crop": "whole", "Way back": False}[label]} if label in ("Crop", "Way back") else {}
        return cls(page, begin, remembered, run, end, source, run.outputs.index(result), fixed)


def mosaic(rng: random.Random) -> bytes:
    """A picture of four fields of colours that no two visitors share."""
    fields = np.array([[rng.randrange(256) for _ in range(3)] for _ in range(4)], np.uint8).reshape(2, 2, 3)
    written = io.BytesIO()
    Image.fromarray(fields).resize((SIDE, SIDE), Image.Resampling.NEAREST).save(written, "PNG")
    return written.getvalue()


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two small pictures in grey levels, without the corner of the label."""
    return float(np.abs(one[:12].astype(float) - other[:12]).mean())


async def asked(visitor: Visitor, tab: Tab, name: str, picture: bytes) -> Answer:
    """Upload, press the button, wait for the end of it all, as the page does."""
    sent = await visitor.upload(name, picture)
    if sent.status_code != 200:
        return Answer(texts=[sent.text], status=sent.status_code)
    begun = await visitor.ask(tab.begin, {})
    if begun.succeeded and not begun.lost:
        begun = await visitor.ask(tab.remembered, values(tab, sent))
    if not begun.succeeded or begun.lost:
        return begun
    answer = await visitor.ask(tab.run, values(tab, sent))
    await visitor.ask(tab.end, {})
    return answer


def values(tab: Tab, sent: httpx.Response) -> dict[int, object]:
    return {**tab.fixed, tab.source: {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}}


async def looked_at(client: httpx.AsyncClient, tab: Tab, answer: Answer) -> np.ndarray | None:
    """The result's picture, fetched and made small (16 x 16); None if there is none."""
    shown = answer.data[tab.after] if answer.data and len(answer.data) > tab.after else None
    address = (shown.get("value") or shown).get("url") if isinstance(shown, dict) else None
    if not address:
        return None
    response = await client.get(address)
    response.raise_for_status()
    with Image.open(io.BytesIO(response.content)) as image:
        return np.asarray(image.convert("RGB").resize((16, 16), Image.Resampling.BOX))
