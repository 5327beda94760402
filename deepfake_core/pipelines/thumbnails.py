"""Frames as small grey pictures, to tell at almost no cost whether two of them show the same thing."""

from itertools import product

import numpy as np
import PIL.Image
from jaxtyping import Float

from deepfake_core.faces import Box
from deepfake_core.media.images import Image

SIDE = 24
"""Pixels a side."""
SAMPLED = 96
"""Pixels of the shorter side from which they are averaged; reading every pixel of a large frame would take longer."""
SHIFT = 4
"""Pixels of a thumbnail that a picture may move from one frame to the next."""
BLANK = 3.0
"""Contrast (standard deviation, of 255) below which a picture counts as one colour."""

Thumbnail = Float[np.ndarray, "rows columns"]
"""`SIDE` x `SIDE`, or a part of that."""


def thumbnail(frame: Image, box: Box | None = None) -> Thumbnail:
    """The picture, or the part of it in `box`."""
    if box is not None:
        left, top = max(0, round(box.left)), max(0, round(box.top))
        right, bottom = (max(start + 1, round(start + box.side)) for start in (left, top))
        frame = frame[top:bottom, left:right]
    step = max(1, min(frame.shape[:2]) // SAMPLED)
    grey = PIL.Image.fromarray(np.ascontiguousarray(frame[::step, ::step])).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), PIL.Image.Resampling.BOX), np.float32)


def contrast(picture: Thumbnail) -> float:
    """The standard deviation of its grey levels, of 255."""
    return float(picture.std())


def correlation(one: Thumbnail, other: Thumbnail) -> float:
    """Pearson's correlation, from -1 to 1, whatever brightness and contrast are; 0 if one of them is blank."""
    if min(contrast(one), contrast(other)) < BLANK:
        return 0.0
    return float(((one - one.mean()) * (other - other.mean())).mean() / (one.std() * other.std()))


def shifted_correlation(one: Thumbnail, other: Thumbnail) -> float:
    """The highest correlation of the common part when one picture is shifted by up to `SHIFT` pixels: a pan or a quick
    movement changes little in it."""
    best = -1.0
    for down, right in product(range(-SHIFT, SHIFT + 1), repeat=2):
        rows, columns = slice(max(0, down), SIDE + min(0, down)), slice(max(0, right), SIDE + min(0, right))
        back = slice(max(0, -down), SIDE + min(0, -down)), slice(max(0, -right), SIDE + min(0, -right))
        best = max(best, correlation(one[rows, columns], other[back]))
    return best


def difference(one: Thumbnail, other: Thumbnail) -> float:
    """The mean absolute difference, of 255."""
    return float(np.abs(one - other).mean())
