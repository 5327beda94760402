"""Charts of the looks inside: pictures in captioned panels, difference maps, bars, and maps of points.

Every function is pure and draws a uint8 RGB picture on white. Captions are in English letters and the papers' symbols.
"""

from collections.abc import Sequence

import numpy as np
import PIL.Image
from jaxtyping import Float, UInt8
from PIL import ImageDraw, ImageFont
from torch import Tensor

from deepfake_core.media.images import Image
from deepfake_core.pixels import from_batch, from_signed

Panel = tuple[str, Image]
"""A caption and the picture below it."""
Colour = tuple[int, int, int]

SIDE = 192
"""Width of a panel in pixels."""
TYPE = 20
"""Font size in pixels: legible on a phone, where a figure of three panels is shrunk to a half."""
GAP = 8
INK, PALE = (31, 41, 55), (209, 213, 219)
HEAT = ((0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
"""Colours of a difference map from 0 to `MOST`: the brighter, the larger."""
MOST = 0.5
"""The difference with the brightest colour; a quarter of the range of pixels in [-1, 1]."""
UP, DOWN = (29, 78, 216), (194, 65, 12)
"""Colours of positive and negative bars."""
COLOURS: tuple[Colour, ...] = ((29, 78, 216), (194, 65, 12), (4, 120, 87))
"""Colours of the domains, dark enough for white numbers."""


def in_panels(panels: Sequence[Panel | None], columns: int, side: int = SIDE) -> Image:
    """Pictures of one shape in rows, each `side` pixels wide below its caption; None leaves a place empty."""
    resized = [panel and (panel[0], to_width(panel[1], side)) for panel in panels]
    height = max(len(panel[1]) for panel in resized if panel)
    cell = (side + GAP, TYPE + 10 + height + GAP)
    rows = -(-len(resized) // columns)
    canvas = PIL.Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1]), "white")
    brush = ImageDraw.Draw(canvas)
    for place, panel in enumerate(resized):
        if panel is None:
            continue
        left, top = place % columns * cell[0] + GAP, place // columns * cell[1]
        middle = (left + side / 2, top + TYPE / 2 + 5)
        brush.text(middle, panel[0], fill=INK, font=fitting(panel[0], side), anchor="mm")
        canvas.paste(PIL.Image.fromarray(panel[1]), (left, top + TYPE + 10))
        edges = (left - 1, top + TYPE + 9, left + side, top + TYPE + 10 + len(panel[1]))
        brush.rectangle(edges, outline=PALE)  # so that a white plane is seen
    return np.array(canvas)


def shown(image: Float[Tensor, "3 h w"]) -> Image:
    """An image in [-1, 1] as uint8."""
    return from_batch(from_signed(image[None]))[0]


def to_width(picture: Image, width: int) -> Image:
    """The picture with this width."""
    if picture.shape[1] == width:
        return picture
    height = max(1, round(len(picture) * width / picture.shape[1]))
    return np.array(PIL.Image.fromarray(picture).resize((width, height), PIL.Image.Resampling.BILINEAR))


def fitting(text: str, width: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    """The font of a caption, smaller if the text would be wider than `width` pixels."""
    font = ImageFont.load_default(TYPE)
    wide = font.getlength(text)
    return font if wide <= width else ImageFont.load_default(TYPE * width / wide)


def difference(one: Float[Tensor, "3 h w"], other: Float[Tensor, "3 h w"]) -> Float[np.ndarray, "h w"]:
    """|one - other| at each pixel, averaged over the colours; 0 to 2 for pixels in [-1, 1].

    Its mean is the L1 distance of the papers' losses.
    """
    distance: np.ndarray = (one.float() - other.float()).abs().mean(dim=0).cpu().numpy()
    return distance


def heat_picture(values: Float[np.ndarray, "h w"], most: float = MOST) -> UInt8[np.ndarray, "h w 3"]:
    """The values as colours: black for 0, pale yellow for `most` and above."""
    places = np.linspace(0, most, len(HEAT))
    channels = [np.interp(values, places, channel) for channel in zip(*HEAT, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def difference_panel(name: str, one: Float[Tensor, "3 h w"], other: Float[Tensor, "3 h w"]) -> Panel:
    """A difference map, with its mean in the caption."""
    values = difference(one, other)
    return f"{name}: {values.mean():.3f}", heat_picture(values)


def heat_legend(height: int, width: int, title: str = "difference", most: float = MOST, *, open_: bool = True) -> Panel:
    """The colours of a map with their values, as a panel of the shape of the others; `open_`: larger ones exist."""
    shape = max(1, round(height * SIDE / width))
    canvas = PIL.Image.new("RGB", (SIDE, shape), "white")
    brush, font = ImageDraw.Draw(canvas), ImageFont.load_default(TYPE)
    scale = np.linspace(most, 0, shape - 2 * TYPE).repeat(SIDE // 5).reshape(-1, SIDE // 5)
    canvas.paste(PIL.Image.fromarray(heat_picture(scale, most)), (SIDE // 5, TYPE))
    for value in (0.0, most / 2, most):
        y, beyond = TYPE + (1 - value / most) * (shape - 2 * TYPE), "+" if open_ and value == most else ""
        brush.text((SIDE // 2, y), f"{value:g}{beyond}", fill=INK, font=font, anchor="lm")
    return title, np.array(canvas)


def framed(picture: Image, middle: tuple[float, float], side: int) -> Image:
    """A square of `side` pixels drawn around a place, given as shares (down, across) of the picture."""
    canvas = PIL.Image.fromarray(picture)
    y, x = (share * length for share, length in zip(middle, picture.shape, strict=False))
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    ImageDraw.Draw(canvas).rectangle(box, outline=DOWN, width=max(1, len(picture) // 64))
    return np.array(canvas)


def plane(value: float, height: int, width: int) -> Image:
    """A constant plane as pixels in [-1, 1] are shown: black for -1, grey for 0, white for 1."""
    return np.full((height, width, 3), round(127.5 * (min(max(value, -1.0), 1.0) + 1)), np.uint8)


def bars(
    values: Float[np.ndarray, "n"], most: float, width: int, height: int, colours: tuple[Colour, Colour] = (UP, DOWN)
) -> Image:
    """A bar for each value, up from the middle or down; `most` has half of the height."""
    canvas = PIL.Image.new("RGB", (width, height), "white")
    brush = ImageDraw.Draw(canvas)
    middle, step = height / 2, width / len(values)
    for place, value in enumerate(values):
        tip = middle - float(np.clip(value / most, -1, 1)) * (middle - 1)
        left, right = place * step, (place + 1) * step - max(1.0, 0.15 * step)
        brush.rectangle((left, min(tip, middle), right, max(tip, middle)), fill=colours[int(value < 0)])
    brush.line((0, middle, width, middle), fill=PALE)
    return np.array(canvas)


def shares(rows: Sequence[tuple[str, Sequence[float]]], legend: Sequence[str], most: float = 1.0) -> Image:
    """For each named row a bar from 0 to `most` in each of the colours of `legend`, with its value."""
    left, width, bar, font = 170, 560, 26, ImageFont.load_default(TYPE)
    block = len(legend) * bar + 16
    canvas = PIL.Image.new("RGB", (width, (len(rows)) * block + 44), "white")
    brush, x = ImageDraw.Draw(canvas), left
    for name, colour in zip(legend, COLOURS, strict=False):
        brush.rectangle((x, 12, x + 18, 30), fill=colour)
        brush.text((x + 26, 21), name, fill=INK, font=font, anchor="lm")
        x += 60 + round(font.getlength(name))
    full = width - left - 80
    for number, (name, values) in enumerate(rows):
        top = 44 + number * block
        brush.text((left - 12, top + len(values) * bar / 2), name, fill=INK, font=fitting(name, left - 16), anchor="rm")
        for place, (value, colour) in enumerate(zip(values, COLOURS, strict=False)):
            tip, y = left + full * min(max(value / most, 0.0), 1.0), top + place * bar
            brush.rectangle((left, y + 2, left + full, y + bar - 4), fill=(243, 244, 246))
            brush.rectangle((left, y + 2, tip, y + bar - 4), fill=colour)
            brush.text((left + full + 10, y + bar / 2 - 1), f"{value:.2f}", fill=INK, font=font, anchor="lm")
    return np.array(canvas)
