"""One picture, decoded in a process of its own: what `images` starts for every file.

It gets the file as its standard input, so it needs to open nothing. Its answer is `WIDTH HEIGHT` on a line as soon as
the header is read, then `MODE WIDTH HEIGHT` and the pixels of the picture as it is meant to be seen, or one word of
`REFUSALS`. It imports neither numpy nor torch: 60 ms of start-up instead of half a second.
"""

import os
import sys
from typing import IO

import PIL
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from deepfake_core.media.jail import confine

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""No format outside this list is even tried: Pillow also knows some that start other programs."""

READERS = (
    *(PngImagePlugin, MpoImagePlugin, WebPImagePlugin, GifImagePlugin),  # MPO: and JPEG
    *(BmpImagePlugin, TiffImagePlugin, PpmImagePlugin),
)
"""Pillow imports these when a file first asks for one; here they must all be there before the jail closes."""

REFUSALS = UNKNOWN, DAMAGED, MEMORY = ("unknown", "damaged", "memory")
DEEP = {"I": "<i4", "F": "<f4"}
"""Modes of greys with more than 8 bits, and their pixels as numpy names them."""


HEADER_ONLY = 0
"""As the longest side: the answer ends with the size in the header."""


def as_seen(image: Image.Image) -> Image.Image:
    """Return `image` upright and opaque over white as RGB or, for greys of more than 8 bits, as I or F, unscaled.

    Raises whatever Pillow raises on broken bytes.
    """
    image.load()
    image = _upright(image)
    if image.mode.startswith(("I", "F")):
        return image if image.mode == "F" else image.convert("I")
    return _over_white(image)


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a picture with broken EXIF is shown as stored, as browsers do."""
    try:
        return ImageOps.exif_transpose(image)
    except MemoryError:
        raise
    except Exception:  # broken EXIF says nothing about the pixels
        return image


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def shrunk(image: Image.Image, longest: int) -> Image.Image:
    """Return `image` with no side above `longest`, averaged over the area that each new pixel covers."""
    ratio = max(image.size) / longest
    if ratio <= 1:
        return image
    size = max(1, round(image.width / ratio)), max(1, round(image.height / ratio))
    return image.resize(size, Image.Resampling.HAMMING)


def main(memory: int, cpu: int, pixels: int, side: int, longest: int, parent: int) -> None:
    """Answer for the picture on standard input. More than `pixels`, or a longer `side`, is not decoded.

    One with a side above `longest` is shrunk to it; `HEADER_ONLY`: nothing is decoded.
    """
    reads = [os.path.dirname(os.__file__), os.path.dirname(PIL.__file__)]  # what Pillow imports late
    confine(memory=memory, cpu=cpu, file=0, reads=reads, writes=[], parent=parent)
    Image.MAX_IMAGE_PIXELS = None  # the limits here are exact
    _answer(sys.stdin.buffer, sys.stdout.buffer, pixels, side, longest)


def _answer(source: IO[bytes], answer: IO[bytes], pixels: int, side: int, longest: int) -> None:
    refusal = UNKNOWN
    try:
        with Image.open(source, formats=FORMATS) as image:
            _line(answer, f"{image.width} {image.height}")
            if image.width * image.height > pixels or max(image.size) > side or longest == HEADER_ONLY:
                return
            refusal = DAMAGED
            seen = shrunk(as_seen(image), longest)
        body = seen.tobytes()
    except MemoryError:
        _line(answer, MEMORY)
    except Exception as error:  # a decoder may raise anything on hostile bytes
        _line(answer, refusal)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    else:
        _line(answer, f"{seen.mode} {seen.width} {seen.height}")
        answer.write(body)


def _line(answer: IO[bytes], words: str) -> None:
    answer.write(words.encode() + b"\n")
    answer.flush()
