"""Items 4 and 5: requests whose body does not end."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import httpx

from benchmarks.load.visitor import API
from benchmarks.robustness.attacks.record import Attack, AttackResult, Target, half_upload, join

MEGABYTE = b"a" * 1_000_000
FIELD, QUESTION, LOGIN = 600, 300, 400
"""Megabytes: of a form's field, of JSON, and of a form for a login."""
NAME, NAMES = 950_000, 400
"""Letters of a session's name, and how many such sessions tick the box."""
UPLOAD, FILES = 20, 30
"""Megabytes of the largest upload, and files of nearly that size in one request."""
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=limit"}


async def pieces(head: bytes, megabytes: int, tail: bytes) -> AsyncIterator[bytes]:
    """A body without a length."""
    yield head
    for _ in range(megabytes):
        yield MEGABYTE
    yield tail


def part(name: str, file: str | None = None) -> bytes:
    """The head of a form's part."""
    named = f'; filename="{file}"' if file else ""
    return f'--limit\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode()


async def posted(client: httpx.AsyncClient, path: str, head: bytes, megabytes: int, tail: bytes, kind: dict) -> str:
    """The status, or `closed` when the server hangs up in the middle."""
    try:
        response = await client.post(path, content=pieces(head, megabytes, tail), headers=kind)
    except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
        return "closed"
    return str(response.status_code)


def stopped(statuses: list[str]) -> bool:
    """Whether each was refused; what it cost until then is measured."""
    return all(status == "closed" or status.startswith("4") for status in statuses)


async def field(target: Target) -> AttackResult:
    """A form's field without a file's name, to the upload."""
    async with target.client() as client:
        statuses = [await posted(client, f"{API}/upload", part("files"), FIELD, b"\r\n--limit--\r\n", FORM)]
    return AttackResult(not stopped(statuses), f"{FIELD} MB: {', '.join(statuses)}")


async def questions(target: Target) -> AttackResult:
    """JSON without end, to whatever takes some."""
    paths = (f"{API}/cancel", f"{API}/reset", f"{API}/queue/join", f"{API}/run/predict")
    async with target.client() as client:
        statuses = [await posted(client, one, b'{"session_hash": "', QUESTION, b'"}', JSON) for one in paths]
    return AttackResult(not stopped(statuses), f"{QUESTION} MB each: {', '.join(statuses)}")


async def names(target: Target) -> AttackResult:
    """Sessions of nearly a megabyte's name, which the tick remembers."""
    event = target.event("consent", "input")
    taken = 0
    async with target.client() as client:
        for _ in range(NAMES):
            name = secrets.token_hex(4) + "a" * NAME
            taken += (
                await join(client, target.body(event, {target.page.named("consent") or 0: True}, name))
            ).status_code == 200
    return AttackResult(taken > 0, f"{taken} of {NAMES} names of {NAME:,} letters were kept")


async def login(target: Target) -> AttackResult:
    """A form with a file, to a route that no visitor needs."""
    head, end = part("username", "a"), b"\r\n--limit--\r\n"
    async with target.client() as client:
        statuses = [await posted(client, one, head, LOGIN, end, FORM) for one in ("/login", "/login/", "/logout")]
    return AttackResult(not stopped(statuses), f"{LOGIN} MB each: {', '.join(statuses)}")


async def many_files(target: Target) -> AttackResult:
    """One upload of many files, each of which is allowed."""

    async def body() -> AsyncIterator[bytes]:
        for number in range(FILES):
            yield part("files", f"{number}.png")
            for _ in range(UPLOAD - 1):
                yield secrets.token_bytes(100) + MEGABYTE[100:]
            yield b"\r\n"
        yield b"--limit--\r\n"

    async with target.client() as client:
        try:
            status = str((await client.post(f"{API}/upload", content=body(), headers=FORM)).status_code)
        except (httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
            status = "closed"
    return AttackResult(status == "200", f"{FILES} files of {UPLOAD - 1} MB in one request: {status}")


async def broken_off(target: Target) -> AttackResult:
    """Uploads that break off: what do they leave?"""
    before = {path for path in target.cellar.temporary.rglob("*") if path.is_file()}
    for number in range(5):
        async with half_upload(target, f"{number}.png", MEGABYTE * 10):
            pass
    async with target.client() as client:
        too_long = part("files", "a.png") + MEGABYTE * (UPLOAD + 5) + b"\r\n--limit--\r\n"
        await posted(client, f"{API}/upload", too_long, 0, b"", FORM)
    await asyncio.sleep(3)
    new = {path for path in target.cellar.temporary.rglob("*") if path.is_file()} - before
    left = [path for path in new if path.stat().st_size > 1_000_000]
    size = sum(path.stat().st_size for path in left)
    return AttackResult(bool(left), f"{len(left)} files of {size / 1e6:.0f} MB were left")


SMALL = {"DEEPFAKE_UPLOAD_MEGABYTES": str(UPLOAD)}
ATTACKS = (
    Attack(name="endless field", item="4", harm="600 MB of memory by a form's field", run=field, quick=True),
    Attack(name="endless JSON", item="4", harm="memory by JSON without end", run=questions, quick=True),
    Attack(name="long names", item="4", harm="memory that the tick keeps", run=names),
    Attack(name="login", item="4", harm="the disk, by a login nobody needs", run=login, quick=True, disk_megabytes=50),
    Attack(
        name="many files", item="5", harm="the disk, by one request", run=many_files, settings=SMALL, disk_megabytes=100
    ),
    Attack(name="uploads broken off", item="5", harm="the disk, by what is left", run=broken_off, settings=SMALL),
)
