"""Items 7 and 8: files that are small to send and long to decode, or large to keep."""

import asyncio
import hashlib
import io
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from PIL import Image

from benchmarks.load.visitor import Answer, Event, Visitor
from benchmarks.robustness.attacks.paths import files_as
from benchmarks.robustness.attacks.record import BYSTANDER, META, Attack, AttackResult, Target, refused

SIDE, FRAMES, DISTINCT = 5_824, 2_000, 8
"""Pixels a side (the largest square that `clip_pixels` lets in) and frames of the clip, of which a few are repeated."""
PICTURES, PICTURE_SIDE = 5, 7_070
"""The largest that `picture_pixels` lets in. Twelve of 64 megapixels took 6.9 GB."""
SHARED_SECONDS = 15.0
"""After which a place that all visitors share has to be free again."""
JOB_SECONDS = 10
PREVIEW_SECONDS = 10.0
"""In which another visitor's preview has to come: it takes well below one in quiet."""


def slow_clip() -> Path:
    """An H.264 clip that is decoded for minutes; made once on a machine."""
    recipe = f"smptebars {SIDE} {FRAMES} {DISTINCT}"
    folder = Path(tempfile.gettempdir()) / f"attack-clip-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}"
    clip, few = folder / "slow.mp4", folder / "few.mp4"
    if not clip.exists():
        folder.mkdir(exist_ok=True)
        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
        made = ("-f", "lavfi", "-i", f"smptebars=size={SIDE}x{SIDE}:rate=50", "-frames:v", str(DISTINCT))
        coded = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "51", "-g", str(DISTINCT), "-pix_fmt", "yuv420p")
        subprocess.run([*ffmpeg, *made, *coded, str(few)], check=True, timeout=120)
        loops = ("-stream_loop", str(FRAMES // DISTINCT - 1), "-i", str(few), "-c", "copy")
        part = folder / "part.mp4"
        subprocess.run([*ffmpeg, *loops, str(part)], check=True, timeout=120)
        part.replace(clip)
    return clip


async def _timed(visitor: Visitor, event: Event, values: dict[int, Any], most: float) -> tuple[float, Answer | None]:
    """Seconds until the answer, and the answer; None when it did not come in time."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(most):
            answer = await visitor.ask(event, values)
    except TimeoutError:
        answer = None
    return time.monotonic() - begun, answer


async def _clip_at(target: Target, place: str, happening: str, *, most: float, agree: bool = True) -> AttackResult:
    """Two such clips at one handler, and another visitor's preview meanwhile."""
    most, soon = target.longer(most), target.longer(PREVIEW_SECONDS)
    content = (await asyncio.to_thread(slow_clip)).read_bytes()
    event = target.event(place, happening)
    async with target.client() as client, target.client(BYSTANDER) as other:
        visitors = [Visitor(client, target.page) for _ in range(2)]
        paths = []
        for number, visitor in enumerate(visitors):
            if agree:
                await visitor.consent()
            sent = await visitor.upload(f"slow-{number}.mp4", content)
            if sent.status_code != 200:
                return AttackResult(False, f"the upload was refused: {sent.status_code}")
            paths.append({"path": sent.json()[0], "meta": META})
        asked = [
            _timed(one, event, _clips(target, event, path), most + 10)
            for one, path in zip(visitors, paths, strict=True)
        ]
        attack = asyncio.gather(*asked)
        await asyncio.sleep(1)
        preview, shown = await _timed(Visitor(other, target.page), target.event("portrait", "change"), {}, soon)
        answers = await attack
    longest = max(seconds for seconds, _ in answers)
    unanswered = sum(answer is None for _, answer in answers)
    words = f"answered after {longest:.0f} s" if not unanswered else f"no answer within {longest:.0f} s"
    late = shown is None or refused(shown)
    seen = f"{words}; another's preview {'did not come' if late else 'came'} after {preview:.1f} s"
    return AttackResult(longest > most or late, seen)


def _clips(target: Target, event: Event, file: dict[str, Any]) -> dict[int, Any]:
    """The clip for every input that takes one; a picture stays the page's example."""
    values = files_as(target, event, file)
    return {one: file for one, file in values.items() if target.page.kind(one) in ("video", "file")}


async def slow_verify(target: Target) -> AttackResult:
    """Verify, which needs no tick."""
    return await _clip_at(target, "verify-file", "change", most=SHARED_SECONDS, agree=False)


async def slow_preview(target: Target) -> AttackResult:
    """The crop's preview."""
    return await _clip_at(target, "driver", "change", most=SHARED_SECONDS)


async def slow_inside(target: Target) -> AttackResult:
    """Look inside the network at a moment near the end."""
    return await _clip_at(target, "inside", "expand", most=JOB_SECONDS + 10)


def one_colour(number: int) -> bytes:
    """A picture of 64 million pixels in some kilobytes."""
    written = io.BytesIO()
    Image.new("RGB", (PICTURE_SIDE, PICTURE_SIDE), (number, 90, 90)).save(written, "PNG", compress_level=6)
    return written.getvalue()


async def large_pictures(target: Target) -> AttackResult:
    """Translate several at once, each to be pasted back into its picture."""
    event = target.run_of("translation-all")
    labels = {one: target.page.components[one]["props"].get("label") for one in event.inputs}
    async with target.client() as client:
        visitor = Visitor(client, target.page)
        await visitor.consent()
        sent = [await visitor.upload(f"{n}.png", await asyncio.to_thread(one_colour, n)) for n in range(PICTURES)]
        taken = [{"path": one.json()[0], "meta": META} for one in sent if one.status_code == 200]
        values: dict[int, Any] = {one: taken for one in event.inputs if target.page.kind(one) == "file"}
        values |= {one: True for one, label in labels.items() if label == "Paste back"}
        values |= {one: "auto" for one, label in labels.items() if label == "Crop"}
        seconds, answer = await _timed(visitor, event, values, 45)
    words = "refused" if answer is not None and refused(answer) else "answered" if answer else "stopped"
    return AttackResult(False, f"{len(taken)} pictures of 50 MP: {words} after {seconds:.0f} s")


SHORT = {"DEEPFAKE_JOB_SECONDS": str(JOB_SECONDS)}
ATTACKS = (
    Attack(name="slow clip, Verify", item="7", harm="hold shared places for minutes", run=slow_verify, settings=SHORT),
    Attack(
        name="slow clip, preview", item="7", harm="hold shared places for minutes", run=slow_preview, settings=SHORT
    ),
    Attack(
        name="slow clip, inside", item="7", harm="hold the network beyond its limit", run=slow_inside, settings=SHORT
    ),
    Attack(name="large pictures", item="8", harm="gigabytes by pictures of one colour", run=large_pictures),
)
