"""The small visible label in a corner; its text and position are set by the operator."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from deepfake_core.settings import settings

TEXT, SHORT = "AI-generated", "AI"
"""The default text, and the short text for small pictures."""

WIDEST = 0.4
"""Maximum width as a share of the picture's: a picture of 128 pixels has room for "AI" only."""

SMALLEST_TYPE, LARGEST_TYPE = 9, 96
"""Font size in pixels: below 9 the letters run together, above 96 the label would cover too much."""

TYPE_PER_SIDE = 1 / 24
PLATE_OPACITY = 0.62
"""White text on this plate has a contrast of more than 4.5 : 1 over a white picture."""

SAMPLES = 4
"""Supersampling factor in each direction for the star and the plate (anti-aliasing)."""


class Patch(NamedTuple):
    """The label's two layers composed for blending: `corner * keep + add`."""

    keep: Float[np.ndarray, "patch_h patch_w 1"]
    add: Float[np.ndarray, "patch_h patch_w 1"]
    margin: int


def label(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return a copy of `frame` with the label; pixels outside the label's plate are unchanged.

    Text, position and whether there is a label at all are defined in `settings()`.
    """
    current, labelled = settings(), frame.copy()
    if not current.label:
        return labelled
    height, width, _ = frame.shape
    patch = patch_for(height, width, current.label_text)
    corner = position_of(patch, height, width, current.label_place)
    labelled[corner] = np.rint(frame[corner] * patch.keep + patch.add).astype(np.uint8)
    return labelled


def with_strip(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "strip_and_h w 3"]:
    """The picture with a white strip along the edge of the label, which then covers no face of a grid."""
    current = settings()
    if not current.label:
        return picture
    (height, width, _), strip = picture.shape, 0
    for _ in range(3):  # the label grows a little with the picture
        patch = patch_for(height + strip, width, current.label_text)
        strip = patch.keep.shape[0] + 2 * patch.margin
    white = np.full((strip, width, 3), 255, np.uint8)
    parts = (white, picture) if current.label_place.startswith("top") else (picture, white)
    return np.concatenate(parts)


def position_of(patch: Patch, height: int, width: int, place: str = "bottom-right") -> tuple[slice, slice]:
    """Rows and columns of the plate in a frame; `place` is one of `settings.PLACES`."""
    rows, columns, _ = patch.keep.shape
    vertical, horizontal = place.split("-")
    top = patch.margin if vertical == "top" else height - patch.margin - rows
    left = patch.margin if horizontal == "left" else width - patch.margin - columns
    return slice(top, top + rows), slice(left, left + columns)


@lru_cache(maxsize=32)
def patch_for(height: int, width: int, text: str = TEXT) -> Patch:
    """The label for frames of this size, cached.

    The first of these that fits within `WIDEST`, else the last: the text with a star, the text, "AI" with a star, "AI".
    """
    wanted = round(min(height, width) * TYPE_PER_SIDE)
    type_size = min(max(wanted, SMALLEST_TYPE), LARGEST_TYPE)
    margin = min(type_size // 2, min(height, width) // 32)
    layers = [_draw(words, type_size, starred=starred) for words in (text, SHORT) for starred in (True, False)]
    fitting = (ink for ink in layers if ink.shape[0] + margin <= height and ink.shape[1] <= WIDEST * width)
    ink = next(fitting, layers[-1][: height - margin, : width - margin])
    plate = _plate(*ink.shape) * PLATE_OPACITY
    keep = (1.0 - plate) * (1.0 - ink)  # dark plate over the picture, then white text over the plate
    for layer in (keep, ink):
        layer.setflags(write=False)  # cached for all callers
    return Patch(keep=keep[..., None], add=(255.0 * ink)[..., None], margin=margin)


def _draw(text: str, type_size: int, *, starred: bool) -> Float[np.ndarray, "patch_h patch_w"]:
    """Coverage, 0 to 1, of `text`, behind a four-pointed star when `starred`, padded for its plate."""
    font = ImageFont.load_default(type_size)  # bundled with Pillow
    left, top, right, bottom = font.getbbox(text)
    padding, star, gap = max(2, type_size // 3), round(type_size * 0.8), max(1, type_size // 6)
    text_at = padding + (star + gap if starred else 0)
    width = text_at + round(right - left) + padding
    height = round(bottom - top) + 2 * padding
    canvas = Image.new("L", (width, height))
    if starred:
        canvas.paste(_star(star), (padding, (height - star) // 2))
    ImageDraw.Draw(canvas).text((text_at - left, padding - top), text, 255, font)
    return np.asarray(canvas, np.float32) / np.float32(255)


def _star(size: int) -> Image.Image:
    """A four-pointed star, the symbol that many programs use for generated media."""
    side = size * SAMPLES
    middle, inner = side / 2, side / 8
    points = [(middle, 0), (middle + inner, middle - inner), (side, middle), (middle + inner, middle + inner)]
    points += [(middle, side), (middle - inner, middle + inner), (0, middle), (middle - inner, middle - inner)]
    star = Image.new("L", (side, side))
    ImageDraw.Draw(star).polygon(points, fill=255)
    return star.resize((size, size), Image.Resampling.BOX)


def _plate(height: int, width: int) -> Float[np.ndarray, "patch_h patch_w"]:
    large = Image.new("L", (width * SAMPLES, height * SAMPLES))
    corners = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(corners, radius=large.height // 4, fill=255)
    return np.asarray(large.resize((width, height), Image.Resampling.BOX), np.float32) / np.float32(255)
