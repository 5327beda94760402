"""Clips with frames above 4K: one at a time is decoded, since a frame of 8K takes 50 MB and a decoder holds several."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deepfake_core.deadline import Deadline
from deepfake_core.errors import TooManyRuns
from deepfake_core.media.ffmpeg import CONTAINERS, escaped
from deepfake_core.media.memory import release_memory
from deepfake_core.settings import settings
from deepfake_core.turns import NETWORKS

PIXELS = 9_000_000
"""Pixels per frame above which a clip is large."""

SIDE = 1080
"""Maximum pixels a side of the frames that a large clip delivers."""

WAIT_SECONDS = 15.0
"""To wait for another large clip."""

PLANAR = "yuv420p|yuv422p|yuv444p|yuv420p10|yuv422p10|yuv444p10|gbrp"
"""Formats in which a large clip is scaled: ffmpeg chooses the one nearest to the clip's own."""

PADDING = 128
"""Pixels by which ffmpeg may pad a frame's width or height."""

SHORT_QUEUE = ("-thread_queue_size", "1")
"""Of an input or an output: eight frames otherwise."""

JUMP = "86400"
"""Seconds by which timestamps may jump: back they never do, as in a recording that was joined from several."""

MIN_ALLOCATION = 16_000_000
"""Bytes that a decoder may need in one piece, whatever the size of its frames."""

_turn = threading.BoundedSemaphore(1)


def acquire(deadline: Deadline) -> None:
    """Wait for the other large clip, if one is being decoded. Raises `TooManyRuns` when that takes too long."""
    with NETWORKS.released():
        acquired = _turn.acquire(timeout=min(WAIT_SECONDS, deadline.remaining()))
    if not acquired:
        raise TooManyRuns("another large clip is being decoded; try again in a few seconds")
    release_memory()  # of earlier runs, for the decoder


def release() -> None:
    """Let the next one begin."""
    _turn.release()


@contextmanager
def turn(deadline: Deadline) -> Iterator[None]:
    """`acquire`, and `release` at the end of the block."""
    acquire(deadline)
    try:
        yield
    finally:
        release()


def source(path: Path, *, stream: int, start: float, side: int, pixel_bytes: int) -> list[str]:
    """Arguments that open a large clip as an input whose frames are scaled to `side` while they are read.

    As an ordinary input, ffmpeg's decoder runs ahead of the filters by three frames. Here both are one thread. They
    scale by the fastest algorithm, without converting colours: the better ones keep two more frames in memory.
    `start` is the file's first timestamp in seconds, and `pixel_bytes` what its decoder may allocate per pixel at once:
    ffmpeg itself subtracts the first timestamp from those of ordinary inputs only, and `-max_pixels` does not reach
    this decoder: instead the size of one allocation is limited, for clips whose frames grow.
    """
    opened = rf"format_opts='protocol_whitelist=file,pipe\:format_whitelist={CONTAINERS}'"
    movie = (
        f"movie=filename={escaped(path.absolute())}:stream_index={stream}:dec_threads=1:{opened}:discontinuity={JUMP}"
    )
    scaling = f"scale={side}:{side}:force_original_aspect_ratio=decrease:flags=fast_bilinear,format={PLANAR}"
    bound = (settings().clip_pixels + PADDING * settings().longest_side) * pixel_bytes
    limits = ("-max_alloc", str(max(MIN_ALLOCATION, bound)), "-copyts", *SHORT_QUEUE, "-threads", "1")
    return [*limits, "-f", "lavfi", "-i", f"{movie},{scaling},setpts=PTS-({start:.6f}/TB)"]
