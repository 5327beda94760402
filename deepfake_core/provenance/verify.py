"""Verify any file: its Content Credentials, XMP data and invisible watermark. The file is not trusted."""

import json
import math
import os
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
from jaxtyping import UInt8

import deepfake_core
from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import LabError, MediaTooLarge, TookTooLong, UnreadableMedia
from deepfake_core.media.checks import existing_file
from deepfake_core.media.child_process import ChildProcess
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import read_image
from deepfake_core.provenance import xmp
from deepfake_core.provenance.coverage import BOX_FILES, EXCLUDED, outside_signature
from deepfake_core.provenance.formats import Kind, kind_of
from deepfake_core.provenance.keys import known_signers
from deepfake_core.provenance.verification import DAMAGED, FAILURES, UNTRUSTED, Credential, Verification, Watermark
from deepfake_core.provenance.watermark import extract, names_model
from deepfake_core.settings import settings

__all__ = ["Credential", "Verification", "Watermark", "verify"]

LARGEST = 4_000_000_000
"""Maximum file size in bytes: hashing more takes too long."""
FRAMES, READ = 16, 240
"""The watermark is read from `FRAMES` frames, spread evenly over the first `READ` frames of a video."""
ENOUGH = 8
"""Frames in which most watermarks are found; at the deadline a slow clip is judged by at least this many."""
SIDE = 640
"""Pixels: frames are scaled to this longer side; the watermark needs no more than 256."""
MARKER = b"jumdc2pa"
"""Bytes that every C2PA manifest contains, even a damaged one."""
PIECE = 1 << 20
LONGEST_ANSWER = 1 << 20

WORKER = (
    "import sys; sys.path += sys.argv[1:3]; from deepfake_core.provenance.reading import main; "
    "main(*map(int, sys.argv[3:6]), *sys.argv[6:])"
)


def verify(path: str | Path, models: Iterable[str] = (), *, deadline: Deadline = NEVER) -> Verification:
    """Collect what a picture or video states about its origin. `models`: names to look up in the watermark.

    Raises `MissingFile`, `MediaTooLarge`, `TookTooLong`, and `UnreadableMedia` for a file that is neither picture nor
    video, or so damaged that nothing can be read from it.
    """
    path = existing_file(path)
    if path.stat().st_size > LARGEST:
        raise MediaTooLarge(f"{path.name} is larger than {LARGEST // 10**9} GB; cut it shorter first")
    kind = kind_of(path)
    if kind is None:
        raise UnreadableMedia(
            f"{path.name} is not a picture or video of a supported format; choose PNG, JPEG, WebP or MP4"
        )
    notes = list[str]()
    credential, statement = _credential(path, kind, notes, deadline), xmp.read(path, deadline=deadline)
    try:
        watermark = _watermark(path, kind, models, notes, deadline)
    except LabError as error:
        if credential is None and statement is None:
            raise
        notes.append(f"Its pixels could not be read: {error}.")
        watermark = None
    return Verification(
        name=path.name, kind=kind.name, credential=credential, xmp=statement, watermark=watermark, notes=tuple(notes)
    )


def _credential(path: Path, kind: Kind, notes: list[str], deadline: Deadline) -> Credential | None:
    if kind.media_type is None:
        notes.append(f"A {kind.name} cannot hold Content Credentials, so their absence means nothing.")
        return None
    ours = list(known_signers())
    anchors = b"".join(one.anchor for one, _ in ours).decode()
    answer = _read_sandboxed(path, kind.media_type, anchors, deadline)
    if answer is None or "damaged" in answer:  # c2pa also reports a file that it cannot parse as damaged
        if not _holds(path, MARKER, deadline):
            return None
        return Credential(state="invalid", problems=(DAMAGED,))
    if "none" in answer:
        return None
    whose = next(((one, what) for one, what in ours if one.serial == answer["serial"]), None)
    trusted = answer["state"] == "Trusted"
    failures = [code for code in answer["failures"] if code != UNTRUSTED]
    texts = {name: answer[name] for name in ("signer", "serial", "tool", "action", "source_type", "model")}
    return Credential(
        state="valid" if trusted or answer["state"] == "Valid" else "invalid",
        problems=tuple(FAILURES.get(code, f"a check failed ({code})") for code in failures),
        trusted=trusted,
        whose=whose[1] if whose and trusted else None,
        fingerprint=whose[0].fingerprint if whose and trusted else "",
        weights_sha256=answer["weights_sha256"],
        inputs=tuple(answer["inputs"]),
        outside=outside_signature(path, answer["excluded"] or EXCLUDED) if kind.media_type in BOX_FILES else (),
        **texts,
    )


def _read_sandboxed(path: Path, media_type: str, anchors: str, deadline: Deadline) -> dict[str, Any] | None:
    """The answer of the worker `reading`; None when it failed or was killed. Raises `TookTooLong` at the deadline."""
    limits = settings()
    homes = [str(Path(package.__path__[0]).parent) for package in (deepfake_core, c2pa)]
    seconds = math.ceil(min(limits.stall_seconds, deadline.remaining())) + 1
    numbers = map(str, (limits.decode_megabytes << 20, seconds, os.getpid()))
    command = [sys.executable, "-I", "-S", "-c", WORKER, *homes, *numbers, media_type, anchors]
    with path.open("rb") as file:
        child = ChildProcess(command, source=file, pipe_output=True, deadline=deadline)
    try:
        with child.time_limit(limits.stall_seconds):
            text = child.output.read(LONGEST_ANSWER)
        child.check_deadline()
        answer = json.loads(text)
        return answer if isinstance(answer, dict) else None
    except (ValueError, RecursionError):
        return None
    finally:
        child.kill()


def _holds(path: Path, marker: bytes, deadline: Deadline) -> bool:
    held = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            deadline.check()
            held = held[-len(marker) :] + piece
            if marker in held:
                return True
    return False


def _watermark(path: Path, kind: Kind, models: Iterable[str], notes: list[str], deadline: Deadline) -> Watermark | None:
    if kind.moving:
        reading = extract(_some_frames(path, notes, deadline))
    else:
        reading = extract([read_image(path, longest=settings().working_side, deadline=deadline)])
    if reading is None:
        return None
    named = next((name for name in models if names_model(reading.payload, name)), None)
    return Watermark(payload=reading.payload, certainty=reading.certainty, model=named)


def _some_frames(path: Path, notes: list[str], deadline: Deadline) -> list[UInt8[np.ndarray, "h w 3"]]:
    """`FRAMES` of the first `READ`, or those decoded before the deadline; `TookTooLong` if these are too few."""
    frames = []
    with read_frames(path, max_side=SIDE, deadline=deadline) as stream:
        step = max(1, min(stream.info.frames or READ, READ) // FRAMES)
        try:
            for frame in islice(stream, 0, FRAMES * step, step):
                frames.append(frame)
        except TookTooLong:
            if len(frames) < ENOUGH:
                raise
            notes.append(f"The clip decodes slowly: only {len(frames)} frames were searched for the watermark.")
    return frames
