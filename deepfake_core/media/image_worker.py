"""Worker process that decodes one picture; `images` starts one per file.

It reads the file from standard input, so it has to open nothing. It writes the line `WIDTH HEIGHT scalable|whole` as
soon as the header is parsed, then `MODE WIDTH HEIGHT` and the pixels as displayed, or one of `ERROR_CODES`. It imports
neither numpy nor torch and starts in 60 ms instead of half a second.
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

from deepfake_core.media.colour import Conversion, to_srgb
from deepfake_core.media.sandbox import confine

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""No other format is tried: Pillow also supports some that start other programs."""
BOXED = {"AVIF": (b"avif", b"avis"), "HEIF": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")}
"""Formats of phones and browsers, and the kinds of file that begin with `ftyp` and hold them. Their decoders are loaded
only for such files, because that takes as long as the rest of the start."""
HEAD = 4096
"""Bytes at the beginning of a file in which its kinds are named."""
DECODER_THREADS = 4

PLUGINS = (
    *(PngImagePlugin, MpoImagePlugin, WebPImagePlugin, GifImagePlugin),  # MPO includes JPEG
    *(BmpImagePlugin, TiffImagePlugin, PpmImagePlugin),
)
"""Pillow imports plugins lazily; here they must be imported before the process is sandboxed."""

ERROR_CODES = UNKNOWN, DAMAGED, MEMORY = ("unknown", "damaged", "memory")
DEEP = {"I": "<i4", "F": "<f4"}
"""Greyscale modes of more than 8 bits, with their numpy data types."""

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
"""EXIF orientation values and the transposition that turns the picture upright."""

LARGE = 4_000_000
"""Pixels above which a picture is first reduced by an integer factor, in strips, to save memory."""
STRIP = 64
"""Rows of the result computed at a time."""

SCALABLE = ("JPEG", "MPO")
"""Formats that can be decoded at 1/2, 1/4 or 1/8 of their size."""
HEADER_ONLY = 0
"""Value of `longest` that requests only the size from the header."""


def is_scaled(size: tuple[int, int], longest: int) -> bool:
    """Whether a picture in one of the `SCALABLE` formats is decoded at half its size or less, or only its header."""
    return longest == HEADER_ONLY or max(size) >= 2 * longest


def formats_of(head: bytes) -> tuple[str, ...]:
    """The formats to try for a file that begins with `head`; loads their decoders."""
    if head[4:8] != b"ftyp":
        return FORMATS
    end = max(16, min(int.from_bytes(head[:4], "big"), HEAD))
    kinds = [head[8:12], *(head[start : start + 4] for start in range(16, end, 4))]
    name = next((name for name, known in BOXED.items() if any(kind in known for kind in kinds)), None)
    if name == "AVIF":
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = DECODER_THREADS
    elif name == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener(decode_threads=DECODER_THREADS, depth_images=False, aux_images=False)
    return FORMATS if name is None else (name,)


def as_seen(image: Image.Image, longest: int | None = None) -> Image.Image:
    """Return `image` in sRGB, upright and opaque over white: RGB, or mode I or F, unscaled, for greys of more than 8
    bits.

    A picture with a side above `longest` is downscaled to it by area averaging, in strips, so that little more than
    the decoded picture and the result is in memory; `image` is closed. Raises whatever Pillow raises on broken bytes.
    """
    turns, size = _orientation(image), _fitted(image.size, longest)
    image.draft(None, size)  # JPEG: decoded at 1/2, 1/4 or 1/8 of its size, but never below this
    image.load()
    colours = to_srgb(image)
    factor = max(1, min(image.width // size[0], image.height // size[1])) if image.width * image.height > LARGE else 1
    covered = (0, 0, image.width / factor, image.height / factor)
    seen = _reduced(image, factor, colours) if factor > 1 else _flat(image, colours)
    seen = seen if seen.size == size else seen.resize(size, Image.Resampling.HAMMING, box=covered)
    return seen if turns is None else seen.transpose(turns)


def _fitted(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """`size` scaled down so that no side exceeds `longest`."""
    ratio = max(size) / longest if longest else 1
    return size if ratio <= 1 else (max(1, round(size[0] / ratio)), max(1, round(size[1] / ratio)))


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """The transposition given by EXIF; a picture with broken EXIF is shown as stored, as in browsers."""
    try:
        return ORIENTATIONS.get(image.getexif().get(ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # broken EXIF does not make the pixels unreadable
        return None


def _flat(image: Image.Image, colours: Conversion | None) -> Image.Image:
    """Composite over white as sRGB, or as I or F; an sRGB picture is not copied."""
    if image.mode.startswith(("I", "F")):
        return image if image.mode in DEEP else image.convert("I")
    if not image.has_transparency_data:
        return _srgb(image, colours)
    image = image.convert("RGBA") if image.mode != "LA" else image
    clear = image.getchannel("A")
    opaque = _srgb(image.convert("L" if image.mode == "LA" else "RGB"), colours)
    opaque.putalpha(clear)
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, opaque).convert("RGB")


def _srgb(image: Image.Image, colours: Conversion | None) -> Image.Image:
    """The opaque picture in sRGB."""
    if colours is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    return colours(image if image.mode == colours.mode else image.convert(colours.mode))


def _reduced(image: Image.Image, factor: int, colours: Conversion | None) -> Image.Image:
    """`_flat` and reduced by an integer factor; the last row and column may cover fewer pixels. Closes `image`."""
    rows = STRIP * factor
    strips = [
        _flat(image.crop((0, top, image.width, min(top + rows, image.height))), colours).reduce(factor)
        for top in range(0, image.height, rows)
    ]
    image.close()  # its memory is needed for the rest
    whole = Image.new(strips[0].mode, (strips[0].width, sum(strip.height for strip in strips)))
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return whole


def main(memory: int, cpu: int, pixels: int, photo: int, side: int, longest: int, parent: int) -> None:
    """Decode the picture on standard input, unless it has more than `pixels` pixels or a side longer than `side`.

    `photo` replaces `pixels` for a picture that is decoded at a fraction of its size: see `is_scaled`.

    It is downscaled to `longest` pixels on its longer side. `memory` in bytes, `cpu` in seconds.
    """
    formats = formats_of(sys.stdin.buffer.read(HEAD))
    sys.stdin.buffer.seek(0)
    reads = [os.path.dirname(os.__file__), os.path.dirname(PIL.__file__)]  # lazy imports of Pillow
    confine(memory=memory, cpu=cpu, file=0, reads=reads, writes=[], parent=parent)
    Image.MAX_IMAGE_PIXELS = None  # the limits here are exact
    _answer(sys.stdin.buffer, formats, sys.stdout.buffer, pixels, photo, side, longest)


def _answer(
    source: IO[bytes], formats: tuple[str, ...], answer: IO[bytes], pixels: int, photo: int, side: int, longest: int
) -> None:
    code = UNKNOWN
    try:
        with Image.open(source, formats=formats) as image:
            scalable = image.format in SCALABLE
            _line(answer, f"{image.width} {image.height} {'scalable' if scalable else 'whole'}")
            most = photo if scalable and is_scaled(image.size, longest) else pixels
            if image.width * image.height > most or max(image.size) > side or longest == HEADER_ONLY:
                return
            code = DAMAGED
            seen = as_seen(image, longest)
        body = seen.tobytes()
    except MemoryError:
        _line(answer, MEMORY)
    except Exception as error:  # a decoder may raise anything on hostile bytes
        _line(answer, code)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    else:
        _line(answer, f"{seen.mode} {seen.width} {seen.height}")
        answer.write(body)


def _line(answer: IO[bytes], words: str) -> None:
    answer.write(words.encode() + b"\n")
    answer.flush()
