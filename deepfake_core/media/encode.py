"""Encode frames to files. Only `provenance` may import this, so that no generated file is written without a label."""

import errno
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType

import numpy as np
from jaxtyping import UInt8
from PIL import Image, PngImagePlugin

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, NotEnoughSpace, UnreadableMedia
from deepfake_core.media.ffmpeg import TRUE_COLOUR, Ffmpeg, source
from deepfake_core.media.images import WRITABLE
from deepfake_core.media.probe import sounds_of
from deepfake_core.settings import settings

NO_METADATA: Mapping[str, str] = MappingProxyType({})

MOST_SOUNDS = 4
"""Audio streams of a file that are tried."""
AMBISONIC_STEREO = "pan=stereo|c0=0.5*c0+0.5*c1|c1=0.5*c0-0.5*c1"
"""Two opposite microphones: the sum and difference of the omnidirectional channel and the one from left to right."""
ON_THE_CLOCK = "aresample=async=1:first_pts=0:min_hard_comp=0.03"
"""ffmpeg's filter that puts sound at its timestamps, with silence in gaps of 30 ms and more. By default it fills those
of 100 ms: in a fragmented MP4 without an edit list the first packet is early and a gap of up to 62 ms follows."""
BT709 = "color_primaries=bt709:color_trc=bt709:colorspace=bt709"
FULL_DISK = "the disk is full, so {} was not written; free some space, or choose another folder"
OUT_OF_SPACE = {getattr(errno, name, errno.ENOSPC) for name in ("ENOSPC", "EDQUOT", "EFBIG")}

EXIF_TITLE, EXIF_SOFTWARE, EXIF_FOLDER, EXIF_COMMENT = 0x010E, 0x0131, 0x8769, 0x9286


@contextmanager
def reporting_full_disk(name: str) -> Iterator[None]:
    """Convert the operating system's errors for a full disk, quota or file size limit to `NotEnoughSpace`."""
    try:
        yield
    except OSError as error:
        if error.errno in OUT_OF_SPACE:
            raise NotEnoughSpace(FULL_DISK.format(name)) from error
        raise


def encode_image(
    array: UInt8[np.ndarray, "h w 3"], path: Path, *, metadata: Mapping[str, str] = NO_METADATA, xmp: bytes = b""
) -> None:
    """Write `array` in the format given by the suffix of `path`, with `title`, `comment` and `software` as metadata.

    PNG stores them as text, JPEG and WebP as EXIF (JPEG also stores the comment in its own segment).
    `xmp` is a complete packet.
    Raises `BadRequest` for another suffix and `NotEnoughSpace` for a full disk, after removing `path`.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITABLE:
        raise BadRequest(f"a picture cannot be saved as {path.name}; use a name ending in {', '.join(WRITABLE)}")
    image = Image.fromarray(array)
    try:
        with reporting_full_disk("the picture"):
            if suffix == ".png":
                image.save(path, format="PNG", pnginfo=_png_text(metadata, xmp))
            elif suffix == ".webp":
                image.save(path, format="WEBP", quality=95, exif=_exif(metadata), xmp=xmp)
            else:
                comment = metadata.get("comment", "").encode()
                image.save(
                    path,
                    format="JPEG",
                    quality=95,
                    subsampling=0,
                    exif=_exif(metadata),
                    comment=comment,
                    **({"xmp": xmp} if xmp else {}),
                )
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _png_text(metadata: Mapping[str, str], xmp: bytes) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    for key, value in metadata.items():
        text.add_itxt(key.capitalize(), value)  # the PNG standard's keywords: Title, Comment, Software
    if xmp:
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return text


def _exif(metadata: Mapping[str, str]) -> Image.Exif:
    exif = Image.Exif()
    for tag, key in ((EXIF_TITLE, "title"), (EXIF_SOFTWARE, "software")):
        if key in metadata:
            exif[tag] = metadata[key]
    if "comment" in metadata:
        exif.get_ifd(EXIF_FOLDER)[EXIF_COMMENT] = b"UNICODE\0" + metadata["comment"].encode("utf-16-be")
    return exif


class VideoEncoder:
    """Writes frames as H.264, which every browser and phone plays, with the audio of another file.

    The audio is added once the number of frames is known: cut at the end of the last frame, or left shorter.
    (ffmpeg's `-shortest` with piped frames was wrong in either of two ways: it dropped frames after the end of
    shorter audio or, with padded audio, sometimes ran up to 0.6 s past the last frame.)
    """

    warning: str | None
    """Set by `close` when the audio could not be added."""

    def __init__(
        self,
        path: Path,
        *,
        rate: Fraction,
        sound_from: Path | None = None,
        crf: int = 18,
        metadata: Mapping[str, str] = NO_METADATA,
        deadline: Deadline = NEVER,
    ) -> None:
        """`rate`: frames per second. `crf`: quality, 0 (lossless) to 51. `metadata`: `title`, `comment`, `software`.

        Writing after the deadline raises `TookTooLong`.
        Raises `MissingFile` or `UnreadableMedia` when `sound_from` cannot be opened; a file without audio is ignored.
        """
        self.path = path
        self.warning = None
        self.written = 0
        self._rate = rate
        self._crf = crf
        self._metadata = metadata
        self._stall = settings().stall_seconds
        self._deadline = deadline
        self._sounds = [] if sound_from is None else sounds_of(sound_from, deadline=deadline)
        self._sound = sound_from if self._sounds else None
        self._silent = path.with_name(f"{path.stem}.silent{path.suffix}") if self._sound else path
        self._shape: tuple[int, ...] = ()
        self._ffmpeg: Ffmpeg | None = None

    def __enter__(self) -> "VideoEncoder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def write(self, frame: UInt8[np.ndarray, "h w 3"]) -> None:
        """Append `frame`; all must have the size of the first.

        Raises `NotEnoughSpace` when the disk is full, and `TookTooLong`.
        """
        if self._ffmpeg is None:
            self._shape = frame.shape
            self._ffmpeg = Ffmpeg(
                self._picture_arguments(), writes=self._silent, pipe_input=True, deadline=self._deadline
            )
        if frame.shape != self._shape:
            raise ValueError(f"frame {self.written} has shape {frame.shape}, the first one {self._shape}")
        try:
            with self._ffmpeg.time_limit(self._stall):
                self._ffmpeg.input.write(_even(frame).data)
        except OSError:
            self._fail(self._ffmpeg, self._ffmpeg.wait(self._stall))
        self.written += 1

    def close(self) -> None:
        """Finish the file.

        Raises `UnreadableMedia` when no frame was written, and what `write` raises, after removing the file.
        """
        try:
            if self._ffmpeg is None:
                raise UnreadableMedia("there are no frames to write; choose another clip")
            with suppress(OSError):  # it exited before it received the last frames: its status tells why
                self._ffmpeg.input.close()
            self._finish(self._ffmpeg)
            if self._sound is not None:
                self._add_sound(self._sound)
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Kill the process and remove its output. May be called repeatedly."""
        if self._ffmpeg is not None:
            self._ffmpeg.kill()
        for path in (self.path, self._silent):
            path.unlink(missing_ok=True)

    def _add_sound(self, sound: Path) -> None:
        """Add audio of the length of the frames: the first stream that can be decoded, else the video stays silent."""
        for number, about in enumerate(self._sounds[:MOST_SOUNDS]):
            if self._added(sound, number, about):
                self._silent.unlink()
                return
        self.warning = f"the sound of {sound.name} could not be read, so the video is silent"
        os.replace(self._silent, self.path)

    def _added(self, sound: Path, number: int, about: str) -> bool:
        """Whether an audio stream could be added."""
        arguments, both = self._sound_arguments(sound, number, about), (self._silent, sound)
        ffmpeg = Ffmpeg(arguments, reads=both, writes=self.path, deadline=self._deadline)
        try:
            status = ffmpeg.wait(self._stall + self.written / float(self._rate))
        finally:
            ffmpeg.kill()
        ffmpeg.check_deadline()
        if ffmpeg.ran_out_of_space(status):
            self._fail(ffmpeg, status)
        return status == 0

    def _finish(self, ffmpeg: Ffmpeg) -> None:
        status = ffmpeg.wait()
        if status != 0:
            self._fail(ffmpeg, status)

    def _fail(self, ffmpeg: Ffmpeg, status: int) -> None:
        self.abort()
        ffmpeg.check_deadline()
        if ffmpeg.ran_out_of_space(status):
            raise NotEnoughSpace(FULL_DISK.format("the video"))
        raise RuntimeError(f"ffmpeg exited with status {status}: {' | '.join(list(ffmpeg.messages)[-5:])}")

    def _picture_arguments(self) -> list[str]:
        height, width = (math.ceil(side / 2) * 2 for side in self._shape[:2])
        return [
            *("-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"),
            *("-framerate", f"{self._rate.numerator}/{self._rate.denominator}", "-i", "pipe:0"),
            *(
                "-vf",
                f"scale=out_color_matrix=bt709:out_range=tv:flags={TRUE_COLOUR},format=yuv420p,setparams={BT709}",
            ),
            *("-c:v", "libx264", "-preset", "fast", "-crf", str(self._crf), "-fps_mode", "passthrough"),
            *self._container_arguments(self._silent),
        ]

    def _sound_arguments(self, sound: Path, number: int, about: str) -> list[str]:
        """Audio with its own timestamps (a late start becomes silence), up to the end of the last frame.

        `about` is ffmpeg's description of the stream: it cannot convert surround sound of spherical harmonics itself.
        """
        seconds = float(self.written / self._rate)
        mixed = f"{AMBISONIC_STEREO}," if "ambisonic" in about else ""
        return [
            *("-y", "-loglevel", "error", *source(self._silent), *source(sound)),
            *("-map", "0:v:0", "-map", f"1:a:{number}"),
            *("-c:v", "copy", "-c:a", "aac", "-b:a", "160k", "-max_error_rate", "1"),
            *("-af", f"{mixed}{ON_THE_CLOCK},atrim=end={seconds:.6f}"),
            *self._container_arguments(self.path),
        ]

    def _container_arguments(self, path: Path) -> list[str]:
        """Drop the metadata of the audio file, which may hold a person's name or location.

        `software` is stored as the artist, because ffmpeg writes its own name in MP4's field for the software.
        """
        named = {("artist" if key == "software" else key): value for key, value in self._metadata.items()}
        tags = [argument for key, value in named.items() for argument in ("-metadata", f"{key}={value}")]
        return [
            *("-map_metadata", "-1", "-map_chapters", "-1", *tags),
            *("-movflags", "+faststart", "-f", "mp4", f"file:{os.path.abspath(path)}"),
        ]


def _even(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "even_h even_w 3"]:
    """Repeat the last row or column: H.264 with subsampled chroma needs even sides."""
    height, width, _ = frame.shape
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)
