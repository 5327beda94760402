"""The frame rate of clips whose header does not tell it: screen recordings, animations, recordings of browsers."""

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.media.ffmpeg import Ffmpeg, source
from deepfake_core.settings import settings

MOST_PACKETS = 20_000
"""Frames whose times are read: more than the limits of the page allow."""
LIVELY = 0.1
"""Share of the frames that must follow each other quickly for their rate to count."""
USUAL = (*map(Fraction, (10, 12, 15, 20, 24, 25, 30, 48, 50, 60)), Fraction(24000, 1001), Fraction(30000, 1001))
NEAR = Fraction(1, 50)
"""A measured rate this close to a usual one is that one: many files round their times to milliseconds."""
UNIT = re.compile(rb"#tb 0: (\d{1,10})/([1-9]\d{0,10})\s")
PACKET = re.compile(rb"0, *-?\d+, *(-?\d{1,18}), ")
"""Lines of ffmpeg's `framecrc`: the unit of time in seconds, and the display time of a frame in it."""


def measured(path: Path, stream: int, deadline: Deadline = NEVER) -> tuple[Fraction, float] | None:
    """Frames per second and the end in seconds of a stream, from the times of its frames; None for less than three.

    The rate is that of the quickest parts, so that pauses and lost frames do not cost others. Nothing is decoded.
    """
    frames = np.array(sorted(set(islice(_times(path, stream, deadline), MOST_PACKETS))))
    if len(frames) < 3:
        return None
    intervals = np.diff(frames)
    quick = intervals[intervals <= 1.5 * np.quantile(intervals, LIVELY)]
    interval = float(quick.mean())
    return _usual(Fraction(1 / interval).limit_denominator(1001)), float(frames[-1]) + interval


def _usual(rate: Fraction) -> Fraction:
    """The usual rate close to `rate`, or `rate`."""
    return next((one for one in USUAL if abs(rate / one - 1) < NEAR), rate)


def _times(path: Path, stream: int, deadline: Deadline) -> Iterator[float]:
    """The display time of each frame in seconds, in the order of the file, as far as it can be read in time."""
    seconds = settings().decode_seconds
    listing = ("-map", f"0:{stream}", "-c", "copy", "-f", "framecrc", "pipe:1")
    arguments = ["-loglevel", "error", *source(path), *listing]
    ffmpeg = Ffmpeg(arguments, reads=(path,), pipe_output=True, seconds=seconds, deadline=deadline)
    unit = Fraction(0)
    try:
        with ffmpeg.time_limit(seconds):
            for line in iter(lambda: ffmpeg.output.readline(500), b""):
                if base := UNIT.match(line):
                    unit = Fraction(int(base[1]), int(base[2]))
                elif shown := PACKET.match(line):
                    yield float(int(shown[1]) * unit)
    finally:
        ffmpeg.kill()
