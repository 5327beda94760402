"""What never succeeded, and must not: addresses, other routes and verbs, forged consent."""

import asyncio
from pathlib import Path
from typing import Any

import httpx

from benchmarks.load.visitor import API, Answer, Visitor
from benchmarks.robustness.attacks.paths import file_events, files_as, secret_picture, shows_secret
from benchmarks.robustness.attacks.record import META, Attack, AttackResult, Target, join, refused
from benchmarks.robustness.watch import listening

VERBS = ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND")
ROUTES = (
    "proxy=http://127.0.0.1:9/x",
    "process_recording",
    "vibe-edit/",
    "vibe-code/",
    "deep_link?session_hash=a",
    "runs",
    "run-history/records",
    "stream/a/1/2/playlist.m3u8",
    "call/predict",
    "component_server/",
    "monitoring",
    "dev/reload",
    "file=http://127.0.0.1:9/x",
    "file=file:///etc/passwd",
)
READABLE = ("/etc/passwd", "/proc/self/environ", "../../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd")


async def described(target: Target) -> AttackResult:
    """Files outside, with the description that the page gives its own."""
    secret = target.folder / "described.png"
    secret.write_bytes(secret_picture())
    served = list[str]()
    async with target.client() as client:
        visitor = Visitor(client, target.page)
        await visitor.consent()
        own = Path((await visitor.upload("own.png", secret_picture(8))).json()[0])
        for path in (str(secret), f"{own.parent}/../../../../../../../..{secret}", f"{own}/../../{secret}"):
            for event in file_events(target):
                answer = await visitor.ask(event, files_as(target, event, {"path": path, "meta": META}))
                served += [event.name] if not refused(answer) and await shows_secret(client, answer) else []
    return AttackResult(bool(served), f"read by {', '.join(served[:4])}" if served else "refused by all")


async def addressed(target: Target) -> AttackResult:
    """Addresses in a file's place: does the server fetch them?"""
    with listening() as (address, asked):
        async with target.client() as client:
            visitor = Visitor(client, target.page)
            await visitor.consent()
            own = (await visitor.upload("own.png", secret_picture(8))).json()[0]
            for event in file_events(target):
                for file in (
                    {"path": f"{address}/a.png", "meta": META},
                    {"path": own, "url": f"{address}/b.png", "meta": META},
                    {"path": None, "url": f"{address}/c.png", "meta": META},
                    {"path": f"file://{own}", "meta": META},
                ):
                    await visitor.ask(event, files_as(target, event, file))
        return AttackResult(bool(asked), f"asked for {', '.join(asked[:4])}" if asked else "no address was asked")


async def routes(target: Target) -> AttackResult:
    """Gradio's other routes, other verbs, and files by route."""
    secret, opened = target.folder / "route.txt", list[str]()
    secret.write_text("secret")
    async with target.client() as client:
        for route in ROUTES:
            for verb in ("GET", "POST"):
                response = await client.request(verb, f"{API}/{route}")
                opened += [f"{verb} {route}"] if response.status_code < 400 or response.status_code >= 500 else []
        for path in (*READABLE, str(secret), str(target.server.log)):
            response = await client.get(f"{API}/file={path}")
            opened += [f"file={path}"] if response.status_code < 400 else []
        for verb in VERBS:
            answered = await _requested(client, verb, f"{API}/queue/join")
            opened += [f"{verb} queue/join"] if answered is not None and answered.status_code < 400 else []
    return AttackResult(bool(opened), f"open: {', '.join(opened[:4])}" if opened else "none is open")


async def _requested(client: httpx.AsyncClient, verb: str, path: str) -> httpx.Response | None:
    try:
        return await client.request(verb, path)
    except httpx.HTTPError:
        return None


async def forged(target: Target) -> AttackResult:
    """Without the tick: consent by forged state, trigger, batch, or another's session."""
    known = next(iter(target.event("consent", "input").outputs))
    run, box = target.run_of("translation-start"), target.page.named("consent") or 0
    served = list[str]()
    async with target.client() as client:
        visitor = Visitor(client, target.page)
        own = (await visitor.upload("own.png", secret_picture())).json()[0]
        values: dict[int, Any] = {known: True, box: True, **files_as(target, run, {"path": own, "meta": META})}
        body = target.body(run, values, visitor.session)
        forgeries: dict[str, dict[str, Any]] = {
            "state": {"state": {str(known): True}, "session_state": {str(known): True}},
            "trigger": {"trigger_id": box, "event_data": {"value": True, "selected": True}},
            "batch": {"batched": True, "data": [[one] for one in body["data"]]},
            "simple": {"simple_format": True, "request": {"session_hash": "another"}},
            "name": {"api_name": "agree", "event_id": "agree"},
        }
        for name, changes in forgeries.items():
            await join(client, body | changes)
            answer = await _asked(client, target, visitor, body | changes)
            served += [name] if not refused(answer) and await _made(answer) else []
    return AttackResult(bool(served), f"served: {', '.join(served)}" if served else "no forgery was believed")


async def _asked(client: httpx.AsyncClient, target: Target, visitor: Visitor, body: dict[str, Any]) -> Answer:
    """The answer to a question as it stands, asked at the queue's other entrance, too."""
    response = await client.post(f"{API}/run/predict", json=body)
    answer = Answer(texts=[response.text], status=response.status_code)
    if response.status_code == 200:
        answer.data = response.json().get("data")
    await asyncio.sleep(0.5)
    return answer


async def _made(answer: Answer) -> bool:
    return any(isinstance(one, dict) and one.get("url") for one in answer.data or [])


ATTACKS = (
    Attack(name="described path", item="held", harm="read a file outside by a full description", run=described),
    Attack(name="address", item="held", harm="have the server fetch an address", run=addressed),
    Attack(name="routes", item="held", harm="use other routes, verbs and files", run=routes, quick=True),
    Attack(name="forged consent", item="held", harm="use a face without the tick", run=forged, quick=True),
)
