"""Item 14: limits, signatures and sentences evaded."""

import html
import json
import os
import re
import subprocess
import sys

import httpx

from benchmarks.load.server import REPOSITORY
from benchmarks.load.visitor import API, Visitor
from benchmarks.robustness.attacks.paths import files_as, said, secret_picture
from benchmarks.robustness.attacks.record import META, PROXY, Attack, AttackResult, Target, refused

MOST, TRIES = 20, 40
"""Runs a minute that an address may ask, and how many are asked."""
SIGN = """
import sys
from fractions import Fraction
import numpy as np
from deepfake_core.provenance.writer import Origin, open_video
with open_video(sys.argv[1], rate=Fraction(10), origin=Origin(model="attack")) as sink:
    for number in range(10):
        sink.write(np.full((128, 128, 3), 20 * number, np.uint8))
"""
JSON = {"Content-Type": "application/json"}
APPENDED = {
    "free": b"\x00\x00\x00\x18freehidden message!!",
    "skip": b"\x00\x00\x00\x18skiphidden message!!",
    "mfra": b"\x00\x00\x00\x18mfrahidden message!!",
}
"""Boxes behind the end of a signed video, 24 bytes each."""


async def forwarded(target: Target) -> AttackResult:
    """Come from a new address with each request, as X-Forwarded-For says."""
    event = target.event("verify-file", "change")
    served = 0
    for number in range(TRIES):
        async with target.client(PROXY, **{"X-Forwarded-For": f"203.0.113.{number}"}) as client:
            visitor = Visitor(client, target.page)
            sent = await visitor.upload("a.png", secret_picture(32))
            file = {"path": sent.json()[0], "meta": META}
            served += not refused(await visitor.ask(event, files_as(target, event, file)))
    return AttackResult(served > MOST, f"{served} of {TRIES} were served, {MOST} a minute are allowed")


async def appended(target: Target) -> AttackResult:
    """Append boxes to a signed video, or change its brand, and ask Verify."""
    path = target.folder / "signed.mp4"
    environment = {**os.environ, **target.cellar.environment}
    made = subprocess.run(
        [sys.executable, "-c", SIGN, str(path)], cwd=REPOSITORY, env=environment, capture_output=True, timeout=50
    )
    if made.returncode:
        return AttackResult(True, f"no signed video could be made: {made.stderr.decode()[-100:]}")
    signed = path.read_bytes()
    changed = {name: signed + box for name, box in APPENDED.items()}
    changed["ftyp"] = signed[:8] + b"qt  " + signed[12:]
    async with target.client() as client:
        first = await _verified(client, target, signed)
        answers = {name: await _verified(client, target, content) for name, content in changed.items()}
    unseen = [name for name, words in answers.items() if words == first and "cover" not in words]
    return AttackResult(bool(unseen), f"not seen: {', '.join(unseen)}" if unseen else "every change is told")


async def _verified(client: httpx.AsyncClient, target: Target, content: bytes) -> str:
    """What Verify says, in words."""
    visitor, event = Visitor(client, target.page), target.event("verify-file", "change")
    sent = await visitor.upload("video.mp4", content)
    answer = await visitor.ask(event, files_as(target, event, {"path": sent.json()[0], "meta": META}))
    messages = [json.loads(line[5:]) for line in answer.texts if line.startswith("data:")]
    parts = [part for one in messages for part in ((one.get("output") or {}).get("data") or [])[:2]]
    shown = " ".join(part for part in parts if isinstance(part, str))  # the verdict and the marks
    return html.unescape(re.sub(r"<[^>]+>", " ", shown)) + said(answer)


async def plain_errors(target: Target) -> AttackResult:
    """Questions that make no sense: is each answered in a sentence?"""
    bodies: tuple[object, ...] = (
        {"data": [], "fn_index": 99_999, "session_hash": "0123456789ab"},
        {"data": [], "fn_index": -1, "session_hash": "0123456789ab"},
        {"data": [], "fn_index": "x", "session_hash": "0123456789ab"},
        {"data": None, "fn_index": 9, "session_hash": "0123456789ab"},
        {"data": [], "fn_index": 178, "session_hash": "0123456789ab"},
        {"fn_index": None},
        {},
        [],
        7,
    )
    async with target.client() as client:
        asked = {
            f"{path} {body}"[:60]: await _posted(client, path, content=json.dumps(body).encode(), headers=JSON)
            for body in bodies
            for path in ("queue/join", "run/predict", "run/nothing", "run/ ", "cancel", "reset")
        }
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        for name in ("", ".", "..", "/", "a" * 5_000 + ".png", "a\0.png", "\ud83d\ude00.png"):
            head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\na\r\n--x--\r\n'
            content = head.encode(errors="surrogatepass")
            asked[f"upload {name[:9]!r}"] = await _posted(client, "upload", content=content, headers=form)
    failed = [f"{what}: {answer.status_code}" for what, answer in asked.items() if answer.status_code >= 500]
    traces = [what for what, answer in asked.items() if "Traceback" in answer.text or 'File "' in answer.text]
    wrong = [*failed, *traces]
    return AttackResult(
        bool(wrong), f"{len(wrong)} of {len(asked)}, such as {wrong[0]}" if wrong else "all in a sentence"
    )


async def _posted(client: httpx.AsyncClient, path: str, *, content: bytes, headers: dict[str, str]) -> httpx.Response:
    """The answer; of a server that hangs up instead, an empty one."""
    try:
        return await client.post(f"{API}/{path}", content=content, headers=headers)
    except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
        return httpx.Response(400)


ATTACKS = (
    Attack(
        name="forwarded for",
        item="14",
        harm="evade the limits of an address",
        run=forwarded,
        settings={"DEEPFAKE_RUNS_PER_MINUTE_ADDRESS": str(MOST)},
    ),
    Attack(name="appended boxes", item="14", harm="a changed video is called unchanged", run=appended),
    Attack(name="plain errors", item="14", harm="errors without a sentence", run=plain_errors, quick=True),
)
