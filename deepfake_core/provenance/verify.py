"""Look at any file: its Content Credentials, its XMP, the invisible mark in its pixels. Nothing in it is trusted."""

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
from deepfake_core.provenance.verification import SPOILED, UNTRUSTED, Credential, Mark, Verification
from deepfake_core.provenance.watermark import names_model
from deepfake_core.provenance.watermark import read as read_mark
from deepfake_core.settings import settings

__all__ = ["Credential", "Mark", "Verification", "verify"]

LARGEST = 4_000_000_000
"""Bytes: hashing more takes longer than anybody waits."""
FRAMES, READ = 16, 240
"""Of a video, in how many frames the mark is looked for, spread over so many from its start."""
ENOUGH = 8
"""Frames in which most marks are found: a clip that decodes slowly is judged by so many when the time is over."""
SIDE = 640
"""Pixels of the longer side of what the mark is looked for in, which is never finer than 256."""
MARKER = b"jumdc2pa"
"""Where a manifest stands, even one that nobody can read any more."""
PIECE = 1 << 20
LONGEST_ANSWER = 1 << 20

READER = (
    "import sys; sys.path += sys.argv[1:3]; from deepfake_core.provenance.reading import main; "
    "main(*map(int, sys.argv[3:6]), *sys.argv[6:])"
)


def verify(path: str | Path, models: Iterable[str] = (), *, deadline: Deadline = NEVER) -> Verification:
    """Find out what a picture or video says of its origin. `models`: names that an invisible mark may stand for.

    Raises `MissingFile`, `MediaTooLarge`, `TookTooLong`, and `UnreadableMedia` for a file that is neither picture nor
    video, or so damaged that nothing at all can be read from it.
    """
    path = existing_file(path)
    if path.stat().st_size > LARGEST:
        raise MediaTooLarge(f"{path.name} has more than {LARGEST // 10**9} GB; cut a piece out of it first")
    kind = kind_of(path)
    if kind is None:
        raise UnreadableMedia(f"{path.name} is no picture or video that is known here; choose PNG, JPEG, WebP or MP4")
    notes = list[str]()
    credential, statement = _credential(path, kind, notes, deadline), xmp.read(path, deadline=deadline)
    try:
        mark = _mark(path, kind, models, notes, deadline)
    except LabError as error:
        if credential is None and statement is None:
            raise
        notes.append(f"Its pixels could not be looked at: {error}.")
        mark = None
    return Verification(
        name=path.name, kind=kind.name, credential=credential, xmp=statement, mark=mark, notes=tuple(notes)
    )


def _credential(path: Path, kind: Kind, notes: list[str], deadline: Deadline) -> Credential | None:
    if kind.media_type is None:
        notes.append(f"A {kind.name} cannot hold Content Credentials, so none can be missing.")
        return None
    ours = list(known_signers())
    anchors = b"".join(one.anchor for one, _ in ours).decode()
    answer = _read_apart(path, kind.media_type, anchors, deadline)
    if answer is None or "damaged" in answer:  # of a file that c2pa cannot take apart it says the same
        if not _holds(path, MARKER, deadline):
            return None
        return Credential(state="invalid", problems=("the signed statement is damaged",))
    if "none" in answer:
        return None
    whose = next(((one, what) for one, what in ours if one.serial == answer["serial"]), None)
    trusted = answer["state"] == "Trusted"
    failures = [code for code in answer["failures"] if code != UNTRUSTED]
    told = {name: answer[name] for name in ("signer", "serial", "tool", "action", "source_type", "model")}
    return Credential(
        state="valid" if trusted or answer["state"] == "Valid" else "invalid",
        problems=tuple(SPOILED.get(code, f"a check failed ({code})") for code in failures),
        trusted=trusted,
        whose=whose[1] if whose and trusted else None,
        fingerprint=whose[0].fingerprint if whose and trusted else "",
        weights_sha256=answer["weights_sha256"],
        inputs=tuple(answer["inputs"]),
        outside=outside_signature(path, answer["excluded"] or EXCLUDED) if kind.media_type in BOX_FILES else (),
        **told,
    )


def _read_apart(path: Path, media_type: str, anchors: str, deadline: Deadline) -> dict[str, Any] | None:
    """What `reading` finds; None when it gave up, or had to be ended. Raises `TookTooLong` at the deadline."""
    limits = settings()
    homes = [str(Path(package.__path__[0]).parent) for package in (deepfake_core, c2pa)]
    seconds = math.ceil(min(limits.stall_seconds, deadline.remaining())) + 1
    numbers = map(str, (limits.decode_megabytes << 20, seconds, os.getpid()))
    command = [sys.executable, "-I", "-S", "-c", READER, *homes, *numbers, media_type, anchors]
    with path.open("rb") as file:
        child = ChildProcess(command, source=file, yields=True, deadline=deadline)
    try:
        with child.guarded(limits.stall_seconds):
            said = child.output.read(LONGEST_ANSWER)
        child.check_deadline()
        answer = json.loads(said)
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


def _mark(path: Path, kind: Kind, models: Iterable[str], notes: list[str], deadline: Deadline) -> Mark | None:
    if kind.moving:
        reading = read_mark(_some_frames(path, notes, deadline))
    else:
        reading = read_mark([read_image(path, longest=settings().working_side, deadline=deadline)])
    if reading is None:
        return None
    named = next((name for name in models if names_model(reading.payload, name)), None)
    return Mark(payload=reading.payload, certainty=reading.certainty, model=named)


def _some_frames(path: Path, notes: list[str], deadline: Deadline) -> list[UInt8[np.ndarray, "h w 3"]]:
    """`FRAMES` of the first `READ`, or those that could be read in time; `TookTooLong` when these are too few."""
    frames = []
    with read_frames(path, max_side=SIDE, deadline=deadline) as stream:
        step = max(1, min(stream.info.frames or READ, READ) // FRAMES)
        try:
            for frame in islice(stream, 0, FRAMES * step, step):
                frames.append(frame)
        except TookTooLong:
            if len(frames) < ENOUGH:
                raise
            notes.append(f"The clip decodes slowly: the invisible mark was looked for in {len(frames)} frames only.")
    return frames
