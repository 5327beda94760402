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
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from deepfake_core.media.sandbox import confine

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


ORIENTATION = 0x0112
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What EXIF calls the ways in which a camera was held, and how to turn the picture."""

LARGE = 4_000_000
"""Pixels from which on a picture is reduced by a whole number first, in strips, because memory counts."""
STRIP = 64
"""Rows of the result that are made at once."""

HEADER_ONLY = 0
"""As the longest side: the answer ends with the size in the header."""


def as_seen(image: Image.Image, longest: int | None = None) -> Image.Image:
    """Return `image` upright and opaque over white as RGB or, for greys of more than 8 bits, as I or F, unscaled.

    One with a side above `longest` is shrunk to it, averaged over the area that each new pixel covers, in strips:
    beside the decoded picture little more than the result is held, and `image` is closed. Raises whatever Pillow
    raises on broken bytes.
    """
    turns, size = _orientation(image), _fitted(image.size, longest)
    image.draft(None, size)  # JPEG: decoded at 1/2, 1/4 or 1/8 of its size, but never below this
    image.load()
    factor = max(1, min(image.width // size[0], image.height // size[1])) if image.width * image.height > LARGE else 1
    covered = (0, 0, image.width / factor, image.height / factor)
    seen = _reduced(image, factor) if factor > 1 else _flat(image)
    seen = seen if seen.size == size else seen.resize(size, Image.Resampling.HAMMING, box=covered)
    return seen if turns is None else seen.transpose(turns)


def _fitted(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """The size of a picture once it has no side above `longest`."""
    ratio = max(size) / longest if longest else 1
    return size if ratio <= 1 else (max(1, round(size[0] / ratio)), max(1, round(size[1] / ratio)))


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """How to turn the picture upright, by its EXIF data; one with broken data is shown as stored, as browsers do."""
    try:
        return ORIENTATIONS.get(image.getexif().get(ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # broken EXIF says nothing about the pixels
        return None


def _flat(image: Image.Image) -> Image.Image:
    """Opaque over white; no copy of what is RGB already."""
    if image.mode.startswith(("I", "F")):
        return image if image.mode in DEEP else image.convert("I")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """The picture flat, and smaller by a whole number; the last row and column may cover fewer pixels.

    `image` is closed.
    """
    rows = STRIP * factor
    strips = [
        _flat(image.crop((0, top, image.width, min(top + rows, image.height)))).reduce(factor)
        for top in range(0, image.height, rows)
    ]
    image.close()  # its memory is needed for the rest
    whole = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return whole


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
            seen = as_seen(image, longest)
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
