"""The interface for programs: what failed at the page's doors is tried again at the endpoints and the MCP tools."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from benchmarks.load.visitor import API
from benchmarks.robustness.attacks.paths import secret_picture
from benchmarks.robustness.attacks.record import META, Attack, AttackResult, Target
from benchmarks.robustness.watch import listening

FILES: dict[str, tuple[dict[str, Any], str]] = {
    "verify": ({}, "file"),
    "translate": ({"consent": True}, "picture"),
    "edit": ({"consent": True, "changes": {"Blond_Hair": True}}, "picture"),
    "style": ({"consent": True, "domain": "female", "seed": 1}, "picture"),
    "animate": ({"consent": True, "clip": "nod.mp4"}, "picture"),
}
"""Endpoint -> its other arguments, and the one that takes a file."""
LIMIT = 20
"""Runs a minute for an address, in the flood."""
MEGABYTE = bytes(2**20).replace(b"\0", b"a")
BODY = 300
"""Megabytes of an endless call."""


async def tool(client: httpx.AsyncClient, name: str, arguments: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether an MCP tool did it, and what it said."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    answer = (await client.post(f"{API}/mcp", json=message)).json()
    result = answer.get("result", {})
    return "result" in answer and not result.get("isError"), json.dumps(result.get("content") or answer)


async def called(client: httpx.AsyncClient, name: str, arguments: Mapping[str, Any]) -> tuple[bool, str]:
    """The same for an endpoint, as curl calls it."""
    started = await client.post(f"{API}/call/v2/{name}", json=arguments)
    if started.status_code != 200:
        return False, started.text
    events = (await client.get(f"{API}/call/v2/{name}/{started.json()['event_id']}")).text
    return "event: complete" in events, events


async def tried(client: httpx.AsyncClient, file: Any) -> AsyncIterator[tuple[str, bool, str]]:
    """(Way, whether it was done, what was said) for a file of every endpoint, in both ways."""
    for name, (others, place) in FILES.items():
        for way in (tool, called):
            done, said = await way(client, name, {**others, place: file})
            yield f"{name} by {way.__name__}", done, said


async def outside(target: Target) -> AttackResult:
    """Name a picture outside the server's folder, a descriptor or a device."""
    secret = target.folder / "programs.png"
    secret.write_bytes(secret_picture())
    paths = (str(secret), "/proc/self/fd/7", "/dev/zero", f"/../..{secret}")
    read = list[str]()
    async with target.client() as client:
        for file in (*paths, *({"path": path, "meta": META} for path in paths[:2])):
            read += [way async for way, done, _ in tried(client, file) if done]
    return AttackResult(bool(read), f"read by {', '.join(read[:4])}" if read else "refused by all")


async def existence(target: Target) -> AttackResult:
    """Learn which files exist, from what is said about them."""
    secret, said = target.folder / "there.png", dict[str, list[str]]()
    secret.write_bytes(secret_picture())
    async with target.client() as client:
        for path in (str(secret), str(secret.with_name("gone.png"))):
            said[path] = [text async for _, _, text in tried(client, path)]
    there, gone = said.values()
    differs = [one for one, other in zip(there, gone, strict=True) if one != other]
    return AttackResult(bool(differs), f"told apart: {differs[0][:200]}" if differs else "one sentence either way")


async def addressed(target: Target) -> AttackResult:
    """Addresses in a file's place: does the server fetch them?"""
    with listening() as (address, asked):
        async with target.client() as client:
            for file in (f"{address}/a.png", {"path": f"{address}/a.png", "meta": META}, {"url": f"{address}/b.png"}):
                done = [way async for way, did, _ in tried(client, file) if did]
                if done:
                    return AttackResult(True, f"done by {', '.join(done)}")
    return AttackResult(bool(asked), f"{len(asked)} addresses were asked" if asked else "no address was asked")


async def without_consent(target: Target) -> AttackResult:
    """Use a face without consent: false, forged, or given on the page instead of in the call."""
    done = list[str]()
    async with target.client() as client:
        event = target.event("consent", "input")
        await client.post(f"{API}/queue/join", json=target.body(event, {event.inputs[0]: True}, "0123456789ab"))
        path = (await client.post(f"{API}/upload", files={"files": ("a.png", secret_picture())})).json()[0]
        for consent in (False, None, 1, "true", [True], {"value": True}):
            for name, (others, place) in FILES.items():
                if name == "verify":
                    continue
                for way in (tool, called):
                    did, _ = await way(client, name, {**others, place: path, "consent": consent})
                    done += [f"{name} by {way.__name__} with {consent!r}"] if did else []
    return AttackResult(bool(done), f"done: {', '.join(done[:3])}" if done else "no call was believed")


async def endless(target: Target) -> AttackResult:
    """Calls and messages without end."""

    async def pieces(begin: bytes) -> AsyncIterator[bytes]:
        yield begin
        for _ in range(BODY):
            yield MEGABYTE

    statuses = list[str]()
    async with target.client() as client:
        for path, begin in (
            ("mcp", b'{"jsonrpc": "2.0", "id": 1, "method": "'),
            ("call/v2/verify", b'{"file": "'),
            ("call/verify", b'{"data": ["'),
        ):
            try:
                answer = await client.post(f"{API}/{path}", content=pieces(begin))
                statuses.append(str(answer.status_code))
            except httpx.HTTPError:
                statuses.append("cut off")
    return AttackResult("200" in statuses, f"{BODY} MB each: {', '.join(statuses)}")


async def other_sites(target: Target) -> AttackResult:
    """Call from another site's page, or under another host name."""
    heard = list[str]()
    evil: tuple[dict[str, str], ...] = (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    )
    for headers in evil:
        async with target.client(**headers) as client:
            message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            answers = {
                "mcp": await client.post(f"{API}/mcp", json=message),
                "call": await client.post(f"{API}/call/v2/models", json={}),
            }
            heard += [f"{what} with {headers}" for what, answer in answers.items() if answer.status_code == 200]
    return AttackResult(bool(heard), f"heard: {', '.join(heard[:2])}" if heard else "no other site was heard")


async def flood(target: Target) -> AttackResult:
    """More runs a minute than an address may have, by tools and by calls, each with a session of its own."""
    served = 0
    async with target.client() as client:
        for number in range(LIMIT):
            for way in (tool, called):
                done, _ = await way(client, "verify", {"file": ("horse-black.png", "amara.png")[number % 2]})
                served += done
    return AttackResult(served > LIMIT, f"{served} of {2 * LIMIT} were served, {LIMIT} a minute are allowed")


ATTACKS = (
    Attack(name="programs: path outside", item="programs", harm="read any picture on the server", run=outside,
           quick=True, seconds=120),
    Attack(name="programs: existence", item="programs", harm="learn which files exist", run=existence, quick=True),
    Attack(name="programs: address", item="programs", harm="have the server fetch an address", run=addressed,
           quick=True),
    Attack(name="programs: consent", item="programs", harm="use a face without consent", run=without_consent,
           quick=True, seconds=120),
    Attack(name="programs: endless call", item="programs", harm="memory by a call without end", run=endless,
           quick=True),
    Attack(name="programs: other sites", item="programs", harm="call from another site's page", run=other_sites,
           quick=True),
    Attack(name="programs: flood", item="programs", harm="evade the limits of an address", run=flood,
           settings={"DEEPFAKE_RUNS_PER_MINUTE_ADDRESS": str(LIMIT)}, quick=True, seconds=180),
)  # fmt: skip
