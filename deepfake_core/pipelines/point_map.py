"""A map of points: their principal components, and a square chart with dots, thumbnails and numbered discs."""

from collections.abc import Sequence

import numpy as np
import PIL.Image
from jaxtyping import Float
from PIL import ImageDraw, ImageFont

from deepfake_core.media.images import Image
from deepfake_core.pipelines.charts import COLOURS, INK, TYPE, Colour, to_width

Places = Float[np.ndarray, "_ 2"]


def principal(points: Float[np.ndarray, "n d"], others: Float[np.ndarray, "m d"]) -> tuple[Places, Places, float]:
    """Both sets in the plane of the first two principal components of `points`, and its share of their variance.

    The components are orthonormal, so distances within the plane are kept.
    """
    middle = points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(points - middle, full_matrices=False)
    plane = directions[:2].T  # d 2
    total = float((sizes**2).sum())
    return (points - middle) @ plane, (others - middle) @ plane, float((sizes[:2] ** 2).sum()) / total if total else 1.0


class PointMap:
    """A map of points in a square; both axes have the same scale."""

    MARGIN = 56
    """White pixels around the points, in which a thumbnail at the edge ends."""

    def __init__(self, places: Places, side: int) -> None:
        low, high = places.min(axis=0), places.max(axis=0)
        self.side, self.middle = side, (low + high) / 2
        self.scale = (side - 2 * self.MARGIN) / max(float((high - low).max()), 1e-9)
        self.canvas = PIL.Image.new("RGB", (side, side), "white")
        self.brush = ImageDraw.Draw(self.canvas)

    def at(self, place: Float[np.ndarray, "2"]) -> tuple[float, float]:
        """The pixel of a place; the second axis points up."""
        x, y = (place - self.middle) * self.scale
        return self.side / 2 + float(x), self.side / 2 - float(y)

    def apart(self, places: Places, side: int, taken: Places, most: int) -> list[int]:
        """The first of `places`, at most `most`, whose thumbnails cover neither one another nor `taken`."""
        kept, chosen = [(*self.at(place), side / 2 + 18) for place in taken], list[int]()
        for number, place in enumerate(places):
            x, y = self.at(place)
            if len(chosen) < most and all(max(abs(x - u), abs(y - v)) >= gap for u, v, gap in kept):
                chosen.append(number)
                kept.append((x, y, side + 8))
        return chosen

    def dots(self, places: Places, colour: Colour) -> None:
        """A dot at each place."""
        for place in places:
            x, y = self.at(place)
            self.brush.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)

    def thumbnail(self, place: Float[np.ndarray, "2"], picture: Image, side: int, colour: Colour) -> None:
        """A picture with its centre at a place, framed."""
        x, y = (round(one) - side // 2 for one in self.at(place))
        self.canvas.paste(PIL.Image.fromarray(to_width(picture, side)), (x, y))
        self.brush.rectangle((x - 2, y - 2, x + side + 1, y + side + 1), outline=colour, width=3)

    def number(self, place: Float[np.ndarray, "2"], number: int) -> None:
        """A numbered disc."""
        x, y = self.at(place)
        self.brush.ellipse((x - 14, y - 14, x + 14, y + 14), fill=INK, outline="white", width=2)
        self.brush.text((x, y), str(number), fill="white", font=ImageFont.load_default(TYPE), anchor="mm")

    def legend(self, names: Sequence[str]) -> Image:
        """The chart, with the domains' colours below."""
        canvas = PIL.Image.new("RGB", (self.side, self.side + 36), "white")
        canvas.paste(self.canvas)
        brush, x, font = ImageDraw.Draw(canvas), self.MARGIN, ImageFont.load_default(TYPE)
        for name, colour in zip(names, COLOURS, strict=False):
            brush.ellipse((x, self.side + 10, x + 14, self.side + 24), fill=colour)
            brush.text((x + 22, self.side + 17), name, fill=INK, font=font, anchor="lm")
            x += 54 + round(font.getlength(name))
        return np.array(canvas)
