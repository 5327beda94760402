"""Crop a square from a picture, and paste it back with soft edges. Pictures are uint8 RGB arrays (H, W, 3)."""

import math

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.faces.box import Box

REACH = 2
"""Radius of the resampling filters beyond the square, in output pixels (bicubic: two)."""

FINE = 4
"""Input pixels per output pixel and axis left for the second step when a large rectangle is reduced in two steps."""
LARGE = 2**22
"""Extra input pixels, beyond picture and result, above which a rectangle is reduced in two steps: 12 MB."""


def cut(image: UInt8[np.ndarray, "h w 3"], box: Box, size: int) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Return the content of `box` as a picture of size x size; outside the picture its edge pixels are repeated.

    A square picture of that size, cut as a whole, is returned unchanged.
    """
    return _resample(image, (box.left, box.top, box.left + box.side, box.top + box.side), (size, size))


def fit(image: UInt8[np.ndarray, "h w 3"], longest: int) -> tuple[UInt8[np.ndarray, "height width 3"], float]:
    """Return the picture scaled to a longer side of `longest` pixels, and the number of old pixels per new pixel."""
    height, width = image.shape[:2]
    ratio = max(height, width) / longest
    new = max(1, round(width / ratio)), max(1, round(height / ratio))
    return _resample(image, (0, 0, width, height), new), ratio


def paste(
    image: UInt8[np.ndarray, "h w 3"], patch: UInt8[np.ndarray, "p p 3"], box: Box, feather: int | float = 0.1
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a copy of `image` with `patch`, which was cut from `box`, pasted at its position.

    `feather`, 0 to 0.5, is the width of the soft edge as a share of the box's side; a side on the picture's own edge
    stays hard. Parts of the box outside the picture are dropped. Raises `BadRequest` for another `feather`.
    """
    if not 0 <= feather <= 0.5:
        raise BadRequest(f"feather must be between 0 (hard edges) and 0.5, got {feather}")
    height, width = image.shape[:2]
    x0, x1 = max(0, math.floor(box.left)), min(width, math.ceil(box.left + box.side))
    y0, y1 = max(0, math.floor(box.top)), min(height, math.ceil(box.top + box.side))
    result = image.copy()
    if x0 >= x1 or y0 >= y1:
        return result
    zoom = len(patch) / box.side  # patch pixels per picture pixel
    corners = ((x0 - box.left) * zoom, (y0 - box.top) * zoom, (x1 - box.left) * zoom, (y1 - box.top) * zoom)
    new = _resample(patch, corners, (x1 - x0, y1 - y0))
    across = _fade(np.arange(x0, x1) + 0.5, box.left, box.side, feather, width)
    down = _fade(np.arange(y0, y1) + 0.5, box.top, box.side, feather, height)
    opacity = down[:, None, None] * across[None, :, None]
    old = result[y0:y1, x0:x1]
    result[y0:y1, x0:x1] = np.rint(old + opacity * (new.astype(np.float32) - old)).astype(np.uint8)
    return result


def _fade(
    at: Float[np.ndarray, " n"], start: int | float, side: int | float, feather: int | float, end: int
) -> Float[np.ndarray, " n"]:
    """Return the patch's opacity along one axis at the pixel centres `at` of a picture from 0 to `end`."""
    from_start = at - start if start > 0 else np.full_like(at, np.inf)
    from_end = start + side - at if start + side < end else np.full_like(at, np.inf)
    share = np.clip((np.minimum(from_start, from_end) + 0.5) / max(feather * side, 1.0), 0.0, 1.0)
    smooth: Float[np.ndarray, " n"] = (share * share * (3 - 2 * share)).astype(np.float32)
    return smooth


def _resample(
    image: UInt8[np.ndarray, "h w 3"],
    corners: tuple[int | float, int | float, int | float, int | float],
    size: tuple[int, int],
) -> UInt8[np.ndarray, "height width 3"]:
    """Return the rectangle (left, top, right, bottom) of `image` with `size` (width, height), edges repeated.

    Shrinking averages over the area that an output pixel covers (a Hamming window of twice its width, which is free of
    the steps of a plain box); enlarging is bicubic. On whole pixels at scale 1 both hand the bytes through.

    A rectangle far larger than picture and result is resampled from a coarser picture, so that the memory needed is of
    the order of both, whatever the rectangle.
    """
    left, top, right, bottom = corners
    shrink = (right - left) / size[0]
    margin = math.ceil(REACH * max(shrink, 1.0))
    height, width = image.shape[:2]
    room = (right - left + 2 * margin) * (bottom - top + 2 * margin)
    if shrink >= 2 * FINE and room > LARGE + width * height + (4 * FINE) ** 2 * size[0] * size[1]:
        return _resample(*_coarse(image, corners, int(shrink / FINE)), size)
    x0, y0 = math.floor(left) - margin, math.floor(top) - margin
    columns = np.arange(x0, math.ceil(right) + margin).clip(0, width - 1)
    rows = np.arange(y0, math.ceil(bottom) + margin).clip(0, height - 1)
    part = Image.fromarray(image[rows[:, None], columns])
    method = Image.Resampling.HAMMING if shrink > 1 else Image.Resampling.BICUBIC
    return np.array(part.resize(size, method, box=(left - x0, top - y0, right - x0, bottom - y0)))


def _coarse(
    image: UInt8[np.ndarray, "h w 3"], corners: tuple[int | float, ...], step: int
) -> tuple[UInt8[np.ndarray, "height width 3"], tuple[float, float, float, float]]:
    """Return the picture with blocks of step x step pixels averaged, and the same rectangle in it.

    It is padded by one pixel with the colours of the picture's edge, so that these are repeated. A picture narrower
    than a block becomes one pixel.
    """
    height, width = image.shape[:2]
    across, down = min(step, width), min(step, height)
    rows = (
        np.hstack((_mean(band[:, :1], 1, tall), _mean(band, across, tall), _mean(band[:, -1:], 1, tall)))
        for band, tall in ((image[:1], 1), (image, down), (image[-1:], 1))
    )
    left, top, right, bottom = (value / step + 1 for value in corners)
    return np.vstack(tuple(rows)), (left, top, right, bottom)


def _mean(image: UInt8[np.ndarray, "h w 3"], across: int, down: int) -> UInt8[np.ndarray, "height width 3"]:
    return np.array(Image.fromarray(image).reduce((across, down)))
