"""Items 1 and 9: files that are not the attacker's, named by path, link, descriptor, or before they exist."""

import asyncio
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from benchmarks.load.visitor import Answer, Event, Visitor
from benchmarks.robustness.attacks.record import META, SAMPLE, Attack, AttackResult, Target, half_upload, refused
from benchmarks.robustness.endpoints import ALERT, FILES, takers
from benchmarks.robustness.watch import LONG_AGO

SECRET_COLOUR = (251, 3, 187)
"""Of another visitor's picture: no example has it."""
NEAR = 60
"""Sum of the differences of two colours that are one: a preview is a JPEG, and dimmed at its border."""
DESCRIPTORS = range(6, 70)
"""Of the server, among which another visitor's half upload lies."""
PADDING = bytes(4_000_000)
"""After a picture's end, so that all of the picture is on the disk."""
EXAMPLES = Path(__file__).parents[3] / "examples" / "fields"


def secret_picture(side: int = 256) -> bytes:
    """Another visitor's picture."""
    written = io.BytesIO()
    Image.new("RGB", (side, side), SECRET_COLOUR).save(written, "PNG")
    return written.getvalue()


def file_events(target: Target) -> list[Event]:
    """One event of each kind of handler that takes a file."""
    kinds = {
        (one.name.rstrip("_0123456789"), tuple(map(target.page.kind, one.inputs))): one for one in takers(target.page)
    }
    return list(kinds.values())


def files_as(target: Target, event: Event, file: Mapping[str, Any]) -> dict[int, Any]:
    """A file's description for every input that takes one."""
    values: dict[int, Any] = {}
    for component in event.inputs:
        if target.page.kind(component) in FILES:
            several = target.page.components[component]["props"].get("file_count") == "multiple"
            values[component] = [file] if several else file
    return values


def addresses(value: Any) -> list[str]:
    """Every file that an answer shows."""
    if isinstance(value, list):
        return [address for one in value for address in addresses(one)]
    if not isinstance(value, dict):
        return []
    own = [value["url"]] if isinstance(value.get("url"), str) else []
    return own + [address for one in value.values() for address in addresses(one)]


async def shows_secret(client: httpx.AsyncClient, answer: Answer) -> bool:
    """Whether a picture of the answer holds the secret colour."""
    for address in addresses(answer.data):
        response = await client.get(address)
        try:
            with Image.open(io.BytesIO(response.content)) as image:
                pixels = np.asarray(image.convert("RGB").resize((32, 32))).astype(int)
        except OSError:
            continue
        if (np.abs(pixels - SECRET_COLOUR).sum(axis=-1) < NEAR).any():
            return True
    return False


async def outside(target: Target) -> AttackResult:
    """Name a picture outside the server's folder to every handler, by its path alone and by links."""
    secret = target.folder / "private.png"
    secret.write_bytes(secret_picture())
    async with target.client() as client:
        visitor = Visitor(client, target.page)
        await visitor.consent()
        own = Path((await visitor.upload("own.png", secret_picture(8))).json()[0])
        (link := own.with_name("link.png")).symlink_to(secret)
        (below := own.with_name("below")).symlink_to(secret.parent)
        served = list[str]()
        for path in (secret, link, below / secret.name, own.parent / ".." / ".." / ".." / ".." / ".." / secret):
            for event in file_events(target):
                if await _reads(client, visitor, target, event, secret, {"path": str(path)}):
                    served.append(f"{event.name} ({'link' if path != secret else 'path'})")
    return AttackResult(bool(served), f"read by {', '.join(sorted(set(served))[:6])}" if served else "refused by all")


async def _reads(
    client: httpx.AsyncClient, visitor: Visitor, target: Target, event: Event, secret: Path, file: Mapping[str, Any]
) -> bool:
    os.utime(secret, (LONG_AGO, secret.stat().st_mtime))
    answer = await visitor.ask(event, files_as(target, event, file))
    return secret.stat().st_atime > LONG_AGO + 1 or await shows_secret(client, answer)


async def odd_files(target: Target) -> AttackResult:
    """Folders, devices, missing files, UNC paths: one sentence for all, and no wait."""
    async with target.client() as client:
        visitor = Visitor(client, target.page)
        await visitor.consent()
        own = Path((await visitor.upload("own.png", secret_picture(8))).json()[0])
        odd = (
            "/",
            "/dev/zero",
            "/dev/stdin",
            "/etc/passwd",
            "/proc/self/environ",
            "//host/share/a.png",
            "\\\\host\\a.png",
        )
        sentences = dict[str, str]()
        for path in (*odd, str(own.parent), str(own.with_name("missing.png")), "a.png", ""):
            answer = await visitor.ask(
                target.event(SAMPLE, "change"), files_as(target, target.event(SAMPLE, "change"), {"path": path})
            )
            if path and not refused(answer):
                return AttackResult(True, f"{path} was taken")
            sentences[path] = said(answer)
    answers = {words.replace(Path(path).name, "") for path, words in sentences.items() if path}
    return AttackResult(
        len(answers) > 1, f"{len(answers)} different sentences" if len(answers) > 1 else "one sentence for all"
    )


def said(answer: Answer) -> str:
    """What the visitor read."""
    alerts = ALERT.findall(answer.text)
    return alerts[-1] if alerts else f"status {answer.status} {answer.texts[0] if answer.status != 200 else ''}"


async def existence(target: Target) -> AttackResult:
    """Before the tick: does the answer tell whether a file exists?"""
    secret = target.folder / "exists.png"
    secret.write_bytes(secret_picture())
    async with target.client() as client:
        answers = dict[str, set[str]]()
        for path in (secret, secret.with_name("missing.png")):
            for event in file_events(target):
                answer = await Visitor(client, target.page).ask(event, files_as(target, event, {"path": str(path)}))
                answers.setdefault(event.name, set()).add(said(answer).replace(path.name, ""))
    telling = sorted(name for name, words in answers.items() if len(words) > 1)
    return AttackResult(bool(telling), f"told by {', '.join(telling[:6])}" if telling else "one sentence either way")


async def half(target: Target) -> AttackResult:
    """Read another visitor's upload while it is under way."""
    event = target.event(SAMPLE, "change")
    async with target.client() as client, half_upload(target, "half.png", secret_picture() + PADDING):
        visitor = Visitor(client, target.page)
        await visitor.consent()
        for number in DESCRIPTORS:
            file = files_as(target, event, {"path": f"/proc/self/fd/{number}"})
            answer = await visitor.ask(event, file | {target.page.named("crop") or 0: "none"})
            if await shows_secret(client, answer):
                return AttackResult(True, f"another's half upload was shown from descriptor {number}")
    return AttackResult(False, "no descriptor was read")


async def race(target: Target) -> AttackResult:
    """Without the tick: name a file that comes into being after the check."""
    event = target.run_of("translation-all")
    async with target.client() as client:
        visitor = Visitor(client, target.page)
        first = Path((await visitor.upload("a.png", secret_picture())).json()[0])
        examples = [await visitor.upload(one.name, one.read_bytes()) for one in _examples()]
        files = [{"path": one.json()[0], "meta": META} for one in examples] * 2
        later = {"path": str(first.with_name("b.png")), "meta": META}
        asking = asyncio.create_task(visitor.ask(event, _list(target, event, [*files, later])))
        await asyncio.sleep(0.4)
        await visitor.upload("b.png", secret_picture())
        answer = await asking
    shown = len(set(addresses(answer.data)))
    words = "skipped" if "Skipped" in answer.text else said(answer)
    return AttackResult(
        shown > len(files), "used without the tick" if shown > len(files) else f"not used: {words[:100]}"
    )


def _examples() -> Sequence[Path]:
    return sorted(EXAMPLES.glob("*.png"))[:4]


def _list(target: Target, event: Event, files: list[dict[str, Any]]) -> dict[int, Any]:
    return {one: files for one in event.inputs if target.page.kind(one) == "file"}


ATTACKS = (
    Attack(name="path outside", item="1", harm="read any picture on the server", run=outside, quick=True),
    Attack(name="odd files", item="1", harm="read devices and folders, tell files apart", run=odd_files, quick=True),
    Attack(name="existence", item="1", harm="learn which files exist, before the tick", run=existence, quick=True),
    Attack(name="half upload", item="1", harm="read another visitor's upload under way", run=half, quick=True),
    Attack(name="consent race", item="9", harm="use a face without the tick", run=race, quick=True),
)
