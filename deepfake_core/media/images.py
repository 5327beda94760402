"""Read pictures of any supported format as RGB arrays."""

import math
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from jaxtyping import Float, Int, UInt8

import deepfake_core
from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, MediaTooLarge, UnreadableMedia
from deepfake_core.media.checks import MIN_SIDE, check_picture, existing_file
from deepfake_core.media.child_process import ChildProcess
from deepfake_core.media.image_worker import (
    DAMAGED,
    DEEP,
    HEAD,
    HEADER_ONLY,
    LARGE,
    MEMORY,
    UNKNOWN,
    as_seen,
    formats_of,
    is_scaled,
)
from deepfake_core.media.memory import release_memory
from deepfake_core.settings import settings

__all__ = ["MIN_SIDE", "SUFFIXES", "WRITABLE", "Image", "ImageLike", "pixels_of", "read_image"]

Image = UInt8[np.ndarray, "_ _ 3"]
"""8-bit RGB, height x width."""
ImageLike = str | Path | PIL.Image.Image | np.ndarray
"""What `read_image` accepts."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif", ".heic", ".heif")
"""File name suffixes of pictures."""
WRITABLE = (".png", ".jpg", ".jpeg", ".webp")
"""Suffixes of pictures that can be written."""

SIGXCPU = 24

DECODER = """
import sys
sys.path += sys.argv[1:3]
from deepfake_core.media.image_worker import main
main(*map(int, sys.argv[3:]))
"""  # -I -S (no environment, no site-packages) starts faster; the folders of the two packages are passed as arguments

SIZE = re.compile(rb"(-?\d{1,20}) (-?\d{1,20}) (scalable|whole)\n")
PIXELS = re.compile(rb"(RGB|I|F) (\d{1,9}) (\d{1,9})\n")


def read_image(
    source: ImageLike,
    *,
    trusted: bool = False,
    longest: int | None = None,
    deadline: Deadline = NEVER,
) -> Image:
    """Return `source` as displayed: upright, opaque over white, 8-bit sRGB.

    A file or PIL image may be grey, palette, CMYK or 16-bit and may have an ICC profile; of an animation the first
    frame is used. An array must be uint8 RGB and is returned unchanged. Size limits are checked before decoding. A file
    is decoded in a sandboxed process with limits of memory and time (`settings`), unless it is `trusted`, such as a
    picture of one's own data set: that is 0.1 s faster. The process downscales a picture with a side above `longest`,
    so that the full size is never held in this process; arrays, PIL images and trusted files are not scaled.
    Raises `MissingFile`, `UnreadableMedia`, `MediaTooLarge`, `MediaTooSmall`, `TookTooLong`, and `BadRequest` for other
    arrays.
    """
    if isinstance(source, np.ndarray):
        return _checked_array(source)
    if isinstance(source, PIL.Image.Image):
        return _to_rgb(source, "the picture")
    path = existing_file(source)
    if not trusted:
        return _decode_sandboxed(path, longest or settings().longest_side, deadline)
    try:
        with path.open("rb") as file:
            formats = formats_of(file.read(HEAD))
        image = PIL.Image.open(path, formats=formats)
    except Exception as error:  # a decoder may raise anything on hostile bytes
        raise _unknown(path.name) from error
    with image:
        return _to_rgb(image, path.name)


def _checked_array(array: np.ndarray) -> Image:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise BadRequest(
            f"an image array must be uint8 of shape (height, width, 3), not {array.dtype} of shape {array.shape}; "
            "convert it, or pass a path or a PIL image"
        )
    check_picture("the picture", width=array.shape[1], height=array.shape[0])
    return array


def pixels_of(path: str | Path, *, deadline: Deadline = NEVER) -> int:
    """Number of pixels of the picture at `path`, read from its header.

    Raises `MissingFile`, `UnreadableMedia`, `MediaTooLarge`, `MediaTooSmall` or `TookTooLong`.
    """
    path = existing_file(path)
    with _decoder(path, HEADER_ONLY, deadline) as child:
        size = _size(child, path.name, HEADER_ONLY)
        if isinstance(size, str):
            raise _error(child, path.name, size) from RuntimeError("; ".join(child.messages))
        return size[0] * size[1]


def _decode_sandboxed(path: Path, longest: int, deadline: Deadline) -> Image:
    with _decoder(path, longest, deadline) as child:
        answer = _receive(child, path.name, longest)
        if isinstance(answer, str):
            raise _error(child, path.name, answer) from RuntimeError("; ".join(child.messages))
        return answer


@contextmanager
def _decoder(path: Path, longest: int, deadline: Deadline) -> Iterator[ChildProcess]:
    """The process that decodes `path`; it is killed at the end of the block or when the block takes too long."""
    limits = settings()
    homes = [str(Path(package.__path__[0]).parent) for package in (deepfake_core, PIL)]
    seconds = math.ceil(min(limits.decode_seconds, deadline.remaining())) + 1
    numbers = (limits.decode_megabytes << 20, seconds, limits.picture_pixels, limits.photo_pixels)
    sides = (limits.longest_side, longest)
    command = [sys.executable, "-I", "-S", "-c", DECODER, *homes, *map(str, (*numbers, *sides)), str(os.getpid())]
    with path.open("rb") as file:
        child = ChildProcess(command, source=file, pipe_output=True, deadline=deadline)
    try:
        with child.time_limit(limits.decode_seconds):
            yield child
    finally:
        child.kill()


def _receive(child: ChildProcess, name: str, longest: int) -> UInt8[np.ndarray, "h w 3"] | str:
    """The picture, or an error code ("" if the process died). The process is not trusted: its answer is validated.

    Raises `MediaTooLarge` or `MediaTooSmall` by the size in the header, before the pixels come.
    """
    size = _size(child, name, longest)
    if not isinstance(size, str) and size[0] * size[1] > LARGE:
        release_memory()  # the decoder needs as much
    if isinstance(size, str):
        return size
    header = child.output.readline(60)
    shown = PIXELS.fullmatch(header)
    if shown is None or max(int(shown[2]), int(shown[3])) > min(longest, max(size)):
        return header.decode(errors="replace").strip()
    mode, shape = shown[1].decode(), (int(shown[3]), int(shown[2]))
    pixels = np.empty(shape, DEEP[mode]) if mode in DEEP else np.empty((*shape, 3), np.uint8)
    count = child.output.readinto(pixels.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]
    if count != pixels.nbytes:
        return ""
    return _eight_bit(pixels) if mode in DEEP else pixels


def _size(child: ChildProcess, name: str, longest: int) -> tuple[int, int] | str:
    """Width and height from the header, or an error code. Raises `MediaTooLarge` or `MediaTooSmall`."""
    header = child.output.readline(60)
    size = SIZE.fullmatch(header)
    if size is None:
        return header.decode(errors="replace").strip()
    width, height = int(size[1]), int(size[2])
    scaled = size[3] == b"scalable" and is_scaled((width, height), longest)
    check_picture(name, width, height, settings().photo_pixels if scaled else None)
    return width, height


def _error(child: ChildProcess, name: str, code: str) -> Exception:
    limits, status = settings(), child.wait(1.0)
    child.check_deadline()
    if code == UNKNOWN:
        return _unknown(name)
    if code == MEMORY or any(line.startswith("MemoryError") for line in child.messages):
        limit = f"{limits.decode_megabytes} MB"
        return MediaTooLarge(f"{name} needs more memory to decode than the limit of {limit}; scale it down first")
    if child.timed_out or status == -SIGXCPU:
        limit = f"{limits.decode_seconds} seconds"
        return UnreadableMedia(f"{name} takes longer to decode than the limit of {limit}; save it again as PNG or JPEG")
    if code == DAMAGED or status < 0:
        return _damaged(name)
    return RuntimeError(f"the image worker exited with status {status}")


def _unknown(name: str) -> UnreadableMedia:
    return UnreadableMedia(f"{name} is not a readable picture; save it as PNG, JPEG or WebP and try again")


def _damaged(name: str) -> UnreadableMedia:
    return UnreadableMedia(f"{name} is damaged or truncated; open it in another program and save it again")


def _to_rgb(image: PIL.Image.Image, name: str) -> Image:
    """Convert a PIL image in this process."""
    check_picture(name, *image.size)
    try:
        seen = as_seen(image)
        return _eight_bit(np.asarray(seen)) if seen.mode in DEEP else np.array(seen)
    except Exception as error:  # a decoder may raise anything on hostile bytes
        raise _damaged(name) from error


def _eight_bit(grey: Float[np.ndarray, "h w"] | Int[np.ndarray, "h w"]) -> Image:
    """Scale the full range to 0..255; Pillow's own conversion clips greys of more than 8 bits to white.

    Integers range from 0 to 65535; floats from 0 to 1 or, when any is above 1, from 0 to 255.
    """
    values = np.nan_to_num(grey.astype(np.float64))
    white = 65535.0 if grey.dtype.kind == "i" else 1.0 if values.max() <= 1.0 else 255.0
    scaled = np.rint(np.clip(values / white, 0.0, 1.0) * 255.0).astype(np.uint8)
    return np.repeat(scaled[..., None], 3, axis=2)
