"""Still pictures, from whatever a person has, to RGB arrays."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageOps

from deepfake_core.errors import BadRequest, MediaTooLarge, UnreadableMedia
from deepfake_core.media.checks import MAX_PIXELS, MIN_SIDE, check_size, existing_file

__all__ = ["MAX_PIXELS", "MIN_SIDE", "read_image"]

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""No format outside this list is even tried: Pillow also knows some that start other programs."""


def read_image(source: str | Path | Image.Image | np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    """Return `source` as it is meant to be seen: turned upright, opaque over white, 8-bit RGB.

    A path and a PIL image may hold grey, palette, CMYK or 16-bit pixels; of an animation the first frame counts.
    An array must be uint8 RGB already and is returned as it is. Size limits apply before anything is decoded.
    Raises `MissingFile`, `UnreadableMedia`, `MediaTooLarge`, `MediaTooSmall`, and `BadRequest` for other arrays.
    """
    if isinstance(source, np.ndarray):
        return _checked_array(source)
    if isinstance(source, Image.Image):
        return _to_rgb(source, "the picture")
    path = existing_file(source)
    with _open(path) as image:
        return _to_rgb(image, path.name)


def _checked_array(array: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise BadRequest(
            f"an image array must be uint8 of shape (height, width, 3), not {array.dtype} of shape {array.shape}; "
            "convert it, or pass a path or a PIL image"
        )
    check_size("the picture", width=array.shape[1], height=array.shape[0])
    return array


def _open(path: Path) -> Image.Image:
    """Read the header only; Pillow decodes later, in `_to_rgb`, once the size has passed."""
    try:
        return Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = f"{MAX_PIXELS // 1_000_000} million pixels"
        raise MediaTooLarge(f"{path.name} has more pixels than the limit of {limit}; scale it down first") from error
    except Exception as error:  # a decoder may raise anything on hostile bytes
        raise UnreadableMedia(
            f"{path.name} is not a picture that can be read; save it as PNG, JPEG or WebP and try again"
        ) from error


def _to_rgb(image: Image.Image, name: str) -> UInt8[np.ndarray, "h w 3"]:
    check_size(name, *image.size)
    try:
        image.load()
        return np.array(_over_white(_eight_bit(_upright(image))))
    except Exception as error:  # a decoder may raise anything on hostile bytes
        raise UnreadableMedia(f"{name} is damaged or cut short; open it elsewhere and save it again") from error


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; a picture with broken EXIF is shown as stored, as browsers do."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF says nothing about the pixels
        return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale greys of more than 8 bits over the whole range; Pillow's own conversion would clip them to white."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, dtype=np.float64)
    return Image.fromarray(_unit_range(values, floating=image.mode == "F"))


def _unit_range(values: Float[np.ndarray, "h w"], *, floating: bool) -> UInt8[np.ndarray, "h w"]:
    """Integers span 0 to 65535; floats span 0 to 1 or, when any is above 1, 0 to 255."""
    values = np.nan_to_num(values)
    white = 65535.0 if not floating else 1.0 if values.max() <= 1.0 else 255.0
    return np.rint(np.clip(values / white, 0.0, 1.0) * 255.0).astype(np.uint8)


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")
