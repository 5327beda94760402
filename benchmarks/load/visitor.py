"""Someone who uses the page: uploads, presses a button, waits for the answer, as the page's own script does it."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

API = "/gradio_api"
CONSENT = "consent"
"""The id of the tick without which a visitor's own files are not used."""
MARK = "__i18n__"
"""Before a sentence of the page that the browser translates."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the page can ask of the server: a "dependency" of Gradio's config."""

    number: int
    queued: bool
    inputs: tuple[int, ...]
    """Components, by number."""
    outputs: tuple[int, ...]
    triggers: tuple[tuple[int | None, str], ...]
    """(component, what happens to it)."""
    after: int | None
    """The event that it follows, unless that fails."""
    name: str
    answers: bool
    """Whether the server has a part in it; others run in the page alone."""
    points: bool
    """Whether it tells which of several things was clicked."""


def in_english(value: Any) -> Any:
    """A value of the page's configuration without its mark."""
    if not isinstance(value, str) or MARK not in value:
        return value
    before, _, after = value.partition(MARK)
    key, end = json.JSONDecoder().raw_decode(after)
    return f"{before}{key['key']}{after[end:]}"


class Page:
    """The page as its config describes it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.components: dict[int, dict[str, Any]] = {
            one["id"]: {**one, "props": {name: in_english(value) for name, value in one["props"].items()}}
            for one in config["components"]
        }
        self.events = {one["id"]: _event(one) for one in config["dependencies"]}

    def kind(self, component: int) -> str:
        """What sort of component it is, such as `image`."""
        return str(self.components[component]["type"])

    def named(self, place: str) -> int | None:
        """The component of an id of the page; None when there is none."""
        return next((n for n, one in self.components.items() if one["props"].get("elem_id") == place), None)

    def of(self, place: str, happening: str) -> Event | None:
        """The first event that something happening to a component starts."""
        component = self.named(place)
        return next((one for one in self.events.values() if (component, happening) in one.triggers), None)

    def chain(self, event: Event) -> list[Event]:
        """The event and those that follow it, one after the other: begin, look for a remembered result, run, end."""
        following = [event]
        while one := self._by_state(following[-1]) or self._after(following[-1]):
            following.append(one)
        return following

    def _by_state(self, event: Event) -> Event | None:
        """The event that a state of the page starts once this one has changed it."""
        changes = {(one, "change") for one in event.outputs if self.components.get(one, {}).get("type") == "state"}
        return next((one for one in self.events.values() if changes.intersection(one.triggers)), None)

    def _after(self, event: Event) -> Event | None:
        return next((one for one in self.events.values() if one.after == event.number), None)

    def values(self, event: Event, others: Mapping[int, Any]) -> list[Any]:
        """What the page would send: the components' first values, but for `others`."""
        return [others.get(one, self.components[one]["props"].get("value")) for one in event.inputs]


def _event(one: Mapping[str, Any]) -> Event:
    return Event(
        number=one["id"],
        queued=one["queue"] is not False,
        inputs=tuple(one["inputs"]),
        outputs=tuple(one["outputs"]),
        triggers=tuple((target, happening) for target, happening in one["targets"]),
        after=None if one.get("trigger_only_on_failure") else one.get("trigger_after"),
        name=str(one.get("api_name")),
        answers=bool(one.get("backend_fn", True)),
        points=bool(one.get("collects_event_data")),
    )


@dataclass(slots=True)
class Answer:
    """All that came back."""

    texts: list[str] = field(default_factory=list)
    """Every body and message, as sent."""
    data: list[Any] | None = None
    """The last values of the event's outputs; None when it did not come to its end."""
    status: int = 200
    """Of the request to join; the queue refuses with 503 when it is full."""
    seconds: float = 0.0
    succeeded: bool = True
    """Whether the handler came to its end without an error of its own."""
    lost: str = ""
    """Why there is no end."""

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


class Visitor:
    """One session."""

    def __init__(self, client: httpx.AsyncClient, page: Page) -> None:
        self.client, self.page = client, page
        self.session = secrets.token_hex(8)

    async def consent(self) -> None:
        """Tick the box, if the page has one."""
        for happening in ("input", "change", "select"):
            event = self.page.of(CONSENT, happening)
            if event and event.answers:
                box = self.page.named(CONSENT)
                assert box is not None
                await self.ask(event, {box: True})
                return

    async def upload(self, name: str, content: bytes) -> httpx.Response:
        """Send a file; the answer's JSON is a list of where it lies."""
        return await self.client.post(f"{API}/upload", files={"files": (name, content)})

    async def ask(self, event: Event, values: Mapping[int, Any]) -> Answer:
        """Start an event with these values of components and wait for its end."""
        answer, begun = Answer(), time.perf_counter()
        body = self._body(event, values)
        try:
            if event.queued:
                async with self._joined(body, answer) as messages:
                    async for _ in messages:
                        pass
            else:
                response = await self.client.post(f"{API}/run/predict", json=body)
                answer.status = response.status_code
                answer.succeeded = response.status_code != 500
                answer.texts.append(response.text)
                if response.status_code == 200:
                    answer.data = response.json().get("data")
        except httpx.HTTPError as error:
            answer.lost = f"{type(error).__name__}: {error}"
        answer.seconds = time.perf_counter() - begun
        return answer

    async def leave(self, event: Event, values: Mapping[int, Any], *, after: float, cancel: bool) -> Answer:
        """Start an event and go away after some seconds, with a word (`cancel`, as Stop does) or without."""
        answer = Answer()
        end = time.perf_counter() + after
        with suppress(httpx.HTTPError):
            async with self._joined(self._body(event, values), answer) as messages:
                async for message in messages:
                    if time.perf_counter() >= end:
                        if cancel:
                            word = {"session_hash": self.session, "fn_index": event.number}
                            await self.client.post(f"{API}/cancel", json=word | {"event_id": message.get("event_id")})
                        break
        return answer

    def _body(self, event: Event, values: Mapping[int, Any]) -> dict[str, Any]:
        trigger = next((component for component, _ in event.triggers if component is not None), None)
        clicked = {"index": 0, "value": None} if event.points else None
        common = {"fn_index": event.number, "session_hash": self.session, "event_data": clicked, "trigger_id": trigger}
        return {"data": self.page.values(event, values), **common}

    @asynccontextmanager
    async def _joined(self, body: Mapping[str, Any], answer: Answer) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The messages about an event, noted in `answer` as they come; leaving the block early hangs up."""
        response = await self.client.post(f"{API}/queue/join", json=body)
        answer.status = response.status_code
        answer.texts.append(response.text)
        if response.status_code != 200:
            yield _none()
            return
        number = response.json()["event_id"]
        address = f"{API}/queue/data?session_hash={self.session}"
        async with self.client.stream("GET", address) as stream:
            yield _messages(stream, number, answer)


async def _messages(stream: httpx.Response, number: str, answer: Answer) -> AsyncIterator[dict[str, Any]]:
    answer.lost = "the stream ended early"
    async for line in stream.aiter_lines():
        if not line.startswith("data:"):
            continue
        answer.texts.append(line)
        message = json.loads(line[5:])
        if message.get("event_id") == number and message.get("msg") == "process_completed":
            answer.data = (message.get("output") or {}).get("data")
            answer.succeeded = bool(message.get("success"))
            answer.lost = ""
            return
        yield message


async def _none() -> AsyncIterator[dict[str, Any]]:
    for message in list[dict[str, Any]]():
        yield message


async def opened(client: httpx.AsyncClient) -> Page:
    """The page of the server that the client talks to."""
    return Page((await client.get("/config")).json())
