"""Properties of a video, read from the header by ffmpeg (the bundled binary comes without ffprobe)."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import UnreadableMedia
from deepfake_core.media import large
from deepfake_core.media.checks import check_clip, existing_file
from deepfake_core.media.ffmpeg import Ffmpeg, source
from deepfake_core.media.sandbox import NOT_STARTED
from deepfake_core.settings import settings

MAX_RATE = Fraction(60)
FALLBACK_RATE = Fraction(30)
"""For a file without a plausible frame rate, such as many webcam recordings of browsers."""

PRINTED_RATES = {
    printed: Fraction(thousands * 1000, 1001)
    for printed, thousands in (("23.98", 24), ("29.97", 30), ("47.95", 48), ("59.94", 60), ("14.99", 15))
}
"""ffmpeg prints two decimals; these are the exact broadcast rates."""

STREAM = re.compile(r"^  Stream #0:\d+\S*: (?P<kind>Video|Audio): (?P<details>.*)$", re.MULTILINE)
SIZE = re.compile(r", (\d{1,6})x(\d{1,6})(?=[ ,]|$)")
PIXEL_ASPECT = re.compile(r"\bSAR (\d+):(\d+)")
DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")
EXCEEDED = "exceeds specified max pixel count"
"""ffmpeg's message for a frame above `-max_pixels`."""
RATE = r", (\d+(?:\.\d+)?)(k?) {}\b"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """Properties of a video as displayed and delivered."""

    width: int
    """In square pixels, after rotation."""
    height: int
    rate: Fraction
    """Frames per second, constant."""
    seconds: float | None
    """Duration from the header; None when it has none, as in a live recording."""
    has_sound: bool

    @property
    def frames(self) -> int | None:
        """Estimated number of frames; headers are not exact."""
        return None if self.seconds is None else max(1, round(self.seconds * self.rate))


def probe(path: str | Path, *, deadline: Deadline = NEVER) -> VideoInfo:
    """Read the header of the video at `path`.

    Raises `MissingFile`, `UnreadableMedia` (no video, sound only), `MediaTooLarge`, `MediaTooSmall` or `TookTooLong`.
    """
    path = existing_file(path)
    header = _header(path, deadline)
    video = next((s for s in STREAM.finditer(header) if _is_moving_picture(s)), None)
    size = SIZE.search(video["details"]) if video else None
    if video is None or size is None:
        raise UnreadableMedia(_why_no_video(path.name, header))
    width, height = _shown_size(video["details"], _side_data(header, video), *map(int, size.groups()))
    check_clip(path.name, width, height)
    return VideoInfo(
        width=width,
        height=height,
        rate=_rate(video["details"]),
        seconds=_seconds(header),
        has_sound=_has_sound(header),
    )


def has_sound(path: str | Path, *, deadline: Deadline = NEVER) -> bool:
    """Whether the video or recording at `path` has an audio stream.

    Raises `MissingFile`, or `UnreadableMedia`, `MediaTooLarge` or `TookTooLong` when its header cannot be read within
    the limits.
    """
    return _has_sound(_header(existing_file(path), deadline))


def _header(path: Path, deadline: Deadline) -> str:
    """What ffmpeg prints about its input. It decodes a frame for that, so a large clip takes its turn.

    Raises `UnreadableMedia`, `MediaTooLarge` or `TookTooLong` for a file that takes too much time or memory,
    `TooManyRuns`, and `RuntimeError` when ffmpeg cannot be executed.
    """
    header = _printed(path, deadline, ("-max_pixels", str(large.PIXELS)))
    if EXCEEDED not in header:
        return header
    with large.turn(deadline):
        return _printed(path, deadline)


def _printed(path: Path, deadline: Deadline, options: tuple[str, ...] = ()) -> str:
    """ffmpeg's messages; without an output file it exits with an error after the header, which is ignored."""
    seconds = settings().decode_seconds
    ffmpeg = Ffmpeg([*options, *source(path)], reads=(path,), seconds=seconds, deadline=deadline)
    try:
        status = ffmpeg.wait(seconds)
    finally:
        ffmpeg.kill()
    header = "\n".join(ffmpeg.messages)
    if status == NOT_STARTED:
        raise RuntimeError(header)
    refusal = ffmpeg.exceeded(path.name)
    if refusal is not None and STREAM.search(header) is None:
        raise refusal
    return header


def _is_moving_picture(stream: re.Match[str]) -> bool:
    return stream["kind"] == "Video" and "(attached pic)" not in stream["details"]  # cover art of an audio file


def _has_sound(header: str) -> bool:
    return any(stream["kind"] == "Audio" for stream in STREAM.finditer(header))


def _why_no_video(name: str, header: str) -> str:
    if _has_sound(header):
        return f"{name} has sound but no video; choose a clip with a picture"
    return f"{name} is not a readable video; choose an MP4, MOV, WebM or GIF, or download it again"


def _side_data(header: str, stream: re.Match[str]) -> str:
    """The indented lines below `stream` in the header."""
    rest = header[stream.end() :]
    following = re.search(r"^ {0,2}\S", rest, re.MULTILINE)
    return rest[: following.start()] if following else rest


def _shown_size(details: str, side_data: str, width: int, height: int) -> tuple[int, int]:
    aspect = PIXEL_ASPECT.search(details)
    if aspect and int(aspect[1]) and int(aspect[2]):
        width = max(1, round(Fraction(width * int(aspect[1]), int(aspect[2]))))
    rotation = ROTATION.search(side_data)
    sideways = rotation is not None and round(float(rotation[1]) / 90) % 2 == 1
    return (height, width) if sideways else (width, height)


def _seconds(header: str) -> float | None:
    duration = DURATION.search(header)
    if duration is None:
        return None
    hours, minutes, seconds = duration.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _rate(details: str) -> Fraction:
    """The constant rate that delivers every frame of the clip with few duplicates.

    ffmpeg prints the mean rate (`fps`) and the timebase rate (`tbr`), which are equal for a constant frame rate. For
    a phone that slowed down in the dark the mean is slightly below `tbr`: use `tbr`. A `tbr` far above the mean
    (interlacing, GIFs, screen recordings) would only duplicate frames: use the mean.
    """
    mean, timebase = _printed_rate(details, "fps"), _printed_rate(details, "tbr")
    rate = timebase if mean is None or (timebase is not None and mean <= timebase < mean * Fraction(19, 10)) else mean
    if rate is None or (mean is None and rate > MAX_RATE):
        return FALLBACK_RATE
    return min(max(rate, Fraction(1)), MAX_RATE)


def _printed_rate(details: str, unit: str) -> Fraction | None:
    printed = re.search(RATE.format(unit), details)
    if printed is None:
        return None
    value, kilo = printed.groups()
    rate = PRINTED_RATES.get(value, Fraction(value))
    return rate * 1000 if kilo else rate or None
