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
from deepfake_core.media.timing import measured
from deepfake_core.media.tone_map import Colours
from deepfake_core.settings import settings

MAX_RATE = Fraction(60)
FALLBACK_RATE = Fraction(30)
"""For a file without a plausible frame rate, such as many webcam recordings of browsers."""

PRINTED_RATES = {
    printed: Fraction(thousands * 1000, 1001)
    for printed, thousands in (("23.98", 24), ("29.97", 30), ("47.95", 48), ("59.94", 60), ("14.99", 15))
}
"""ffmpeg prints two decimals; these are the exact broadcast rates."""

STREAM = re.compile(r"^  Stream #0:(?P<index>\d+)\S*: (?P<kind>Video|Audio): (?P<details>.*)$", re.MULTILINE)
SIZE = re.compile(r", (\d{1,6})x(\d{1,6})(?=[ ,]|$)")
PIXEL_ASPECT = re.compile(r"\bSAR (\d+):(\d+)")
PICTURES = re.compile(r"^ +major_brand +: (avi[fs]|hei[cxms]|hev[cx]|mif1|msf1)", re.MULTILINE)
"""Files of pictures: AVIF and HEIC, which may hold a still picture before an animation, and many parts of a picture."""
STILL = re.compile(r", 1 tbn\b")
"""ffmpeg's mark of a still picture in such a file."""
PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")
DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", re.MULTILINE)
START = re.compile(r"^  Duration: [^,]+, start: (-?\d+\.\d+)", re.MULTILINE)
ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")
SMALL_ONLY = ("-max_pixels", str(large.PIXELS))
"""ffmpeg's option by which it decodes no frame of a large clip."""
EXCEEDED = "exceeds specified max pixel count"
"""ffmpeg's message for a frame above `-max_pixels`."""
PIXEL_FORMAT = re.compile(r", ([a-z]+[a-z0-9]*)(?:\(([^)]*)\))?(?=, )")
NOT_COLOURS = {"tv", "pc", "progressive", "top first", "bottom first", "top coded first (swapped", "gray"}
SD_HEIGHT = 576
UNKNOWN = Colours()
PLANES_ONLY = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video")
"""Codecs whose largest allocation is the luminance of a frame."""
DEEP = re.compile(r"yuv\w+p1\d")
"""Pixel formats with two bytes a sample."""
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
    stream: int = 0
    """Index of the video in the file."""
    colours: Colours = UNKNOWN
    """As stored."""
    start: float = 0.0
    """The file's first timestamp in seconds."""
    pixel_bytes: int = 8
    """The largest number of bytes that its decoder may allocate per pixel at once."""

    @property
    def frames(self) -> int | None:
        """Estimated number of frames; headers are not exact."""
        return None if self.seconds is None else max(1, round(self.seconds * self.rate))


def probe(path: str | Path, *, deadline: Deadline = NEVER) -> VideoInfo:
    """Read the header of the video at `path`.

    Raises `MissingFile`, `UnreadableMedia` (no video, sound only, a still picture), `MediaTooLarge`, `MediaTooSmall` or
    `TookTooLong`.
    """
    path = existing_file(path)
    header = _header(path, deadline)
    pictures = PICTURES.search(header) is not None
    video = next((s for s in STREAM.finditer(header) if _is_moving_picture(s, pictures)), None)
    size = SIZE.search(video["details"]) if video else None
    if video is None or size is None:
        raise UnreadableMedia(_why_no_video(path, header, pictures))
    width, height = _shown_size(video["details"], _side_data(header, video), *map(int, size.groups()))
    check_clip(path.name, width, height)
    rate, seconds, index = _rate(video["details"]), _seconds(header), int(video["index"])
    found = measured(path, index, deadline) if rate is None else None
    if found is not None:
        rate, seconds = _bounded(found[0]), found[1]
    return VideoInfo(
        width=width,
        height=height,
        rate=rate or FALLBACK_RATE,
        seconds=seconds,
        has_sound=_has_sound(header),
        stream=index,
        colours=_colours(video["details"], height),
        start=float(start[1]) if (start := START.search(header)) else 0.0,
        pixel_bytes=_pixel_bytes(video["details"]),
    )


def sounds_of(path: str | Path, *, deadline: Deadline = NEVER) -> list[str]:
    """ffmpeg's descriptions of the audio streams of the video or recording at `path`.

    Raises `MissingFile`, or `UnreadableMedia`, `MediaTooLarge` or `TookTooLong` when its header cannot be read within
    the limits.
    """
    header = _printed(existing_file(path), deadline, SMALL_ONLY)  # a large clip may be open in this very run
    return [stream["details"] for stream in STREAM.finditer(header) if stream["kind"] == "Audio"]


def _header(path: Path, deadline: Deadline) -> str:
    """What ffmpeg prints about its input. It decodes a frame for that, so a large clip takes its turn.

    Raises `UnreadableMedia`, `MediaTooLarge` or `TookTooLong` for a file that takes too much time or memory,
    `TooManyRuns`, and `RuntimeError` when ffmpeg cannot be executed.
    """
    header = _printed(path, deadline, SMALL_ONLY)
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


def _is_moving_picture(stream: re.Match[str], in_pictures: bool) -> bool:
    """Whether it is a video: neither the cover of a song nor, in a file of pictures, a still one."""
    details = stream["details"]
    still = "(attached pic)" in details or (in_pictures and STILL.search(details) is not None)
    return stream["kind"] == "Video" and not still


def _has_sound(header: str) -> bool:
    return any(stream["kind"] == "Audio" for stream in STREAM.finditer(header))


def _why_no_video(path: Path, header: str, pictures: bool) -> str:
    with path.open("rb") as file:
        start = file.read(12)
    if pictures or start.startswith(PICTURE_STARTS) or (start[:4], start[8:]) == (b"RIFF", b"WEBP"):
        return f"{path.name} is a picture, and a driving clip has to move; choose an MP4, MOV, WebM or GIF"
    if _has_sound(header):
        return f"{path.name} has sound but no video; choose a clip with a picture"
    return f"{path.name} is not a readable video; choose an MP4, MOV, WebM or GIF, or download it again"


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


def _colours(details: str, height: int) -> Colours:
    """The colours in ffmpeg's parentheses after the pixel format: `yuv420p(tv, bt709)`, or matrix/primaries/transfer.

    A file that does not name its matrix has BT.709's above the height of DVDs, as in players.
    """
    described = PIXEL_FORMAT.search(details)
    words = described[2].split(", ") if described and described[2] else []
    named = next((word.split("/") for word in words if word not in NOT_COLOURS), ["unknown"])
    matrix, primaries, transfer = named if len(named) == 3 else named * 3
    if matrix == "unknown" and described and described[1].startswith("yuv") and height > SD_HEIGHT:
        matrix = "bt709"
    return Colours(matrix, primaries, transfer)


def _pixel_bytes(details: str) -> int:
    described = PIXEL_FORMAT.search(details)
    if described is None or details.split(" ")[0] not in PLANES_ONLY or not described[1].startswith("yuv"):
        return 8  # four samples of two bytes
    return 2 if DEEP.match(described[1]) else 1


def _seconds(header: str) -> float | None:
    duration = DURATION.search(header)
    if duration is None:
        return None
    hours, minutes, seconds = duration.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _rate(details: str) -> Fraction | None:
    """The constant rate that delivers every frame of the clip with few duplicates; None if the header does not tell.

    ffmpeg prints the mean rate (`fps`) and the timebase rate (`tbr`), which are equal for a constant frame rate. For
    a phone that slowed down in the dark the mean is slightly below `tbr`: use `tbr`. A `tbr` far from the mean
    (interlacing, GIFs, screen recordings, browsers) says nothing.
    """
    mean, timebase = _printed_rate(details, "fps"), _printed_rate(details, "tbr")
    if mean is not None and timebase is not None:
        return _bounded(timebase) if mean <= timebase < mean * Fraction(19, 10) else None
    if mean is not None:
        return _bounded(mean)
    return FALLBACK_RATE if timebase is None or timebase > MAX_RATE else _bounded(timebase)


def _bounded(rate: Fraction) -> Fraction:
    return min(max(rate, Fraction(1)), MAX_RATE)


def _printed_rate(details: str, unit: str) -> Fraction | None:
    printed = re.search(RATE.format(unit), details)
    if printed is None:
        return None
    value, kilo = printed.groups()
    rate = PRINTED_RATES.get(value, Fraction(value))
    return rate * 1000 if kilo else rate or None
