"""The GPU time to ask for on a ZeroGPU Space: what is asked for, not what is used, counts against a visitor's quota.

The figures are of a network on a data-centre GPU, which waits for decoding, labelling and encoding on the CPU.
"""

from collections.abc import Callable
from math import ceil
from typing import Any

from deepfake_core.errors import LabError
from deepfake_core.media.probe import probe
from deepfake_core.settings import settings

BEGIN = 10.0
"""Seconds to move a network to the GPU, to find the face, and to finish."""
FRAMES_PER_SECOND = 15.0
PICTURES_PER_SECOND = 1.0
CELLS_PER_SECOND = 4.0
"""Of a grid of sources and styles."""


def gpu_seconds(network: str, name: str | None, task: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    """Whole seconds for `Engine.work` with these arguments: at most the time limit of a run."""
    seconds = BEGIN + (work_seconds(arguments[0]) if arguments else 0.0)
    return min(ceil(seconds), settings().job_seconds)


def work_seconds(request: Any) -> float:
    """Seconds for a pipeline's request, without those to begin."""
    if hasattr(request, "driving"):
        return frames(request.driving) / FRAMES_PER_SECOND
    if hasattr(request, "steps"):
        return (2 if request.and_back else 1) * request.steps / FRAMES_PER_SECOND
    if hasattr(request, "styles"):
        return len(request.sources) * len(request.styles) / CELLS_PER_SECOND
    return len(getattr(request, "sources", (None,))) / PICTURES_PER_SECOND


def frames(clip: Any) -> float:
    """Number of frames of a driving clip; the limit if it is unknown."""
    limits = settings()
    try:
        found = probe(clip)
    except LabError:
        return 0.0  # the run will say why
    seconds = min(found.seconds or limits.clip_seconds, limits.clip_seconds)
    return min(seconds * float(found.rate), limits.clip_frames)
