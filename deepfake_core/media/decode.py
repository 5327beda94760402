"""Decode a video as a stream of frames: one ffmpeg process, a pipe, and one frame in memory at a time."""

import math
import weakref
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, LabError, MediaTooLarge, UnreadableMedia
from deepfake_core.media import large
from deepfake_core.media.checks import MIN_SIDE
from deepfake_core.media.ffmpeg import SIGSEGV, TRUE_COLOUR, Ffmpeg, escaped, out_of_memory, source
from deepfake_core.media.probe import VideoInfo, probe
from deepfake_core.media.tone_map import Colours, table
from deepfake_core.settings import settings

__all__ = ["FrameStream", "VideoInfo", "probe", "read_frames"]

NO_END = "File ended prematurely"
"""ffmpeg's message for every recording of a browser: it was streamed, so its header has no duration."""

HEADER_SLACK = 0.5
"""Seconds by which a clip may exceed `max_seconds`: audio often lasts a little longer than the frames."""

MATRICES = ("bt709", "bt2020nc", "smpte170m", "bt470bg")
"""Matrices that ffmpeg's `scale` is told: some files name one that it ignores, or none."""


def read_frames(
    path: str | Path,
    *,
    rate: Fraction | None = None,
    max_side: int = 1920,
    max_seconds: float | int | None = None,
    max_frames: int | None = None,
    deadline: Deadline = NEVER,
) -> "FrameStream":
    """Open the video at `path` as a stream of upright frames at a constant rate, from timestamp zero.

    `rate` replaces the clip's own rate; frames with a side above `max_side` are scaled down. A clip longer than
    `max_seconds` or `max_frames` by its header is rejected; if the header has no or a wrong duration, the stream ends
    there with a warning. Requesting a frame after the deadline raises `TookTooLong`.
    Raises `MissingFile`, `UnreadableMedia`, `MediaTooLarge`, `MediaTooSmall`, `TookTooLong`, or `BadRequest` for
    invalid options.
    """
    limits = [one for one in (rate, max_seconds, max_frames) if one is not None]
    if any(one <= 0 for one in limits) or max_side < MIN_SIDE:
        raise BadRequest(
            f"rate, max_seconds and max_frames must be above 0 and max_side at least {MIN_SIDE}, "
            f"got {rate}, {max_seconds}, {max_frames} and {max_side}"
        )
    info = probe(path, deadline=deadline)
    is_large = info.width * info.height > large.PIXELS
    width, height = _fit(info.width, info.height, min(max_side, large.SIDE) if is_large else max_side)
    delivered = replace(info, width=width, height=height, rate=rate or info.rate)
    _check_length(Path(path).name, delivered, max_seconds, max_frames)
    most = [] if max_frames is None else [max_frames]
    if max_seconds is not None:
        most.append(math.ceil((max_seconds + HEADER_SLACK) * delivered.rate))
    return FrameStream(Path(path), delivered, min(most, default=None), deadline, is_large=is_large)


def _check_length(name: str, info: VideoInfo, max_seconds: float | int | None, max_frames: int | None) -> None:
    """Reject a clip that is too long by its header."""
    if info.seconds is None or info.frames is None:
        return
    if max_seconds is not None and info.seconds > max_seconds + HEADER_SLACK:
        raise MediaTooLarge(
            f"{name} lasts {info.seconds:.1f} seconds and the limit is {max_seconds:g}; cut it shorter first"
        )
    slack = math.ceil(HEADER_SLACK * info.rate) if info.has_sound else 0
    if max_frames is not None and info.frames > max_frames + slack:
        raise MediaTooLarge(f"{name} has {info.frames} frames and the limit is {max_frames}; cut it shorter first")


def _fit(width: int, height: int, max_side: int) -> tuple[int, int]:
    scale = min(1.0, max_side / max(width, height))
    return max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))


class FrameStream(Iterator[UInt8[np.ndarray, "h w 3"]]):
    """Iterates over the frames once. `close`, the end of a `with` block or garbage collection kills its process."""

    info: VideoInfo
    """Properties of the delivered frames: size after scaling, and rate."""
    delivered: int
    """Number of frames delivered so far."""
    warning: str | None
    """Damage or truncation to report to the user, set when the stream has ended."""

    def __init__(
        self, path: Path, info: VideoInfo, limit: int | None, deadline: Deadline, *, is_large: bool = False
    ) -> None:
        """Start decoding; at most `limit` frames are delivered. Raises `UnreadableMedia` when there is none.

        `is_large`: it takes its turn, and may raise what `large.acquire` raises.
        """
        self.info = info
        self.delivered = 0
        self.warning = None
        self._name, self._is_large = path.name, is_large
        self._limit = limit
        self._deadline = deadline
        self._stall = settings().stall_seconds
        held = ExitStack()
        if is_large:
            large.acquire(deadline)
            held.callback(large.release)
        try:
            tables = (_written(info.colours, held),) if info.colours.need_conversion else ()
            arguments = _arguments(path, info, is_large, tables)
            self._ffmpeg = Ffmpeg(arguments, reads=(path, *tables), pipe_output=True, deadline=deadline)
            if is_large:
                self._ffmpeg.lower_priority()
        except BaseException:
            held.close()
            raise
        held.callback(self._ffmpeg.kill)
        self._end = weakref.finalize(self, held.close)
        self._first = self._read()
        if self._first is None:
            empty = UnreadableMedia(f"{path.name} has no readable frame; choose another clip")
            raise self._exceeded() or empty

    def __next__(self) -> UInt8[np.ndarray, "h w 3"]:
        if self._deadline.passed:
            self.close()
            raise self._deadline.error()
        frame, self._first = self._first, None
        if frame is None:
            frame = self._read()
        if frame is not None and self.delivered == self._limit:
            self.warning = f"{self._name} is longer than the limit: only its first {self.delivered} frames were read"
            self.close()
            frame = None
        if frame is None:
            raise StopIteration
        self.delivered += 1
        return frame

    def __enter__(self) -> "FrameStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the process and end the stream. May be called repeatedly."""
        self._first = None
        self._end()

    def _read(self) -> UInt8[np.ndarray, "h w 3"] | None:
        """The next complete frame, or None at the end, when `warning` is set and the process has exited."""
        if not self._end.alive:
            return None
        frame = np.empty((self.info.height, self.info.width, 3), np.uint8)
        with self._ffmpeg.time_limit(self._stall):
            count = self._ffmpeg.output.readinto(frame.reshape(-1).data)  # type: ignore[attr-defined]
        if count == frame.nbytes:
            return frame
        status = self._ffmpeg.wait(self._stall)
        self._end()
        self.warning = self._damage(status)
        return None

    def _exceeded(self) -> LabError | None:
        """As `Ffmpeg.exceeded`; ffmpeg's filter that reads large clips crashes where it has no memory."""
        if self._is_large and self._ffmpeg.status == -SIGSEGV:
            return out_of_memory(self._name)
        return self._ffmpeg.exceeded(self._name)

    def _damage(self, status: int) -> str | None:
        endless = self.info.frames is None
        serious = [line for line in self._ffmpeg.messages if not (endless and line.endswith(NO_END))]
        if status == 0 and not serious:
            return None
        if (excess := self._exceeded()) is not None:
            return f"{str(excess).split(';')[0]}: only its first {self.delivered} frames were read"
        if self.info.frames is None or self.delivered < self.info.frames - 1:
            return f"{self._name} is damaged: only its first {self.delivered} frames could be read"
        return f"{self._name} is damaged: some of its {self.delivered} frames may look wrong"


def _written(colours: Colours, until: ExitStack) -> Path:
    """The file of the conversion of `colours`, which exists until `until` closes."""
    file = Path(until.enter_context(TemporaryDirectory(prefix="deepfake-lab-colours-"))) / "srgb.cube"
    file.write_text(table(colours))
    return file


def _arguments(path: Path, info: VideoInfo, is_large: bool, tables: Sequence[Path] = ()) -> list[str]:
    """ffmpeg's arguments. Resampling by timestamps keeps clips of variable rate or with a late start in sync.

    The frame size may change within a clip: frames are scaled to `info`, and `-max_pixels` limits the size before
    that. ffmpeg includes its padding in that count, so `probe` checks the exact limit. `tables` convert the colours.
    """
    slower = f"setpts={float(info.slower)}*PTS," if info.slower > 1 else ""
    timing = f"{slower}fps={info.rate.numerator}/{info.rate.denominator}:start_time=0"
    matrix = "" if info.colours.matrix not in MATRICES else f":in_color_matrix={info.colours.matrix}"
    scaling = f"scale={info.width}:{info.height}:flags={TRUE_COLOUR}{matrix}"
    for file in tables:
        scaling += f",format=gbrp10le,lut3d=file={escaped(file)}:interp=tetrahedral"
    queue: tuple[str, ...] = ()
    if is_large:
        side, queue = max(info.width, info.height), large.SHORT_QUEUE
        opened = large.source(path, stream=info.stream, start=info.start, side=side, pixel_bytes=info.pixel_bytes)
        stream, filters = 0, f"{scaling},{timing}"
    else:
        most = settings().clip_pixels + large.PADDING * settings().longest_side
        opened = ["-max_pixels", str(most), *source(path)]
        stream, filters = info.stream, f"{timing},{scaling}"
    return [
        *("-loglevel", "error", *opened),
        *("-map", f"0:{stream}", "-an", "-sn", "-dn"),
        *("-vf", filters, "-fps_mode", "passthrough", *queue),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"),
    ]
