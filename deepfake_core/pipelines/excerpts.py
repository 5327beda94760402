"""Whether a clip is a part of another one, encoded again, such as an example that was trimmed in the browser."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.media.decode import read_frames

SIDE = 16
"""Cells of a fingerprint in each direction."""
MAX_MEAN, MAX_CELL = 4.0, 24.0
"""Of 255: how much a frame's mean and any of its cells may differ. Encoding once more changes them by less than 2 and
12; the example clips differ from each other by more than 8."""
Fingerprints = Float[np.ndarray, "_ cells"]


def is_excerpt(clip: Path, originals: Iterable[Fingerprints], deadline: Deadline = NEVER) -> bool:
    """Whether every frame of a clip is a frame of one of the originals. Raises what reading the clip raises."""
    candidates = list(originals)
    most = max((len(one) for one in candidates), default=0)
    if not candidates:
        return False
    found = fingerprints(clip, deadline, max_frames=most + 2)
    if not len(found) or len(found) > most + 1:
        return False
    return any(_all_found(found, original) for original in candidates)


def fingerprints(clip: Path, deadline: Deadline = NEVER, *, max_frames: int | None = None) -> Fingerprints:
    """Each frame as the mean colours of `SIDE` x `SIDE` cells, 0 to 255. Longer clips end after `max_frames`."""
    rows = list[np.ndarray]()
    with read_frames(clip, max_side=256, deadline=deadline) as frames:
        for frame in frames:
            rows.append(cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA).reshape(-1).astype(np.float32))
            if max_frames is not None and len(rows) >= max_frames:
                break
    return np.array(rows, np.float32).reshape(-1, SIDE * SIDE * 3)


def _all_found(found: Fingerprints, original: Fingerprints) -> bool:
    for one in found:
        differences = np.abs(original - one)
        nearest = int(differences.mean(axis=1).argmin())
        if differences[nearest].mean() > MAX_MEAN or differences[nearest].max() > MAX_CELL:
            return False
    return True
