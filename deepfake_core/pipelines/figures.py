"""Figures: keypoints, masks, the deformation, the occlusion map, a crop, two pictures side by side.

Every function is pure and draws a uint8 RGB picture. A keypoint has the same colour in all of them.
"""

import colorsys
import math
from collections.abc import Sequence

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import ImageDraw, ImageFont
from torch import Tensor

from deepfake_core.faces import Box, cut
from deepfake_core.media.images import Image
from deepfake_core.motion import Keypoints
from deepfake_core.pixels import from_batch, from_unit

Picture = UInt8[np.ndarray, "size size 3"]

BACKGROUND = (0.16, 0.17, 0.19)
"""Colour of the mask's first channel, the static background."""
CELLS = 16
"""Grid cells per side of the deformation figure."""
INK = (0.05, 0.36, 0.62)
"""Colour of the grid's lines."""
THUMBNAIL, MOST_THUMBNAILS, GAP = 96, 6, 8
"""Side in pixels of a face in a row of faces, their maximum number, and white pixels between them."""
NUMBER = 22
"""Side in pixels of its number in the lower left corner."""
CIRCLE = 0.12
"""Radius of the circle that a Jacobian turns into an ellipse, in units of half the picture."""
DIMMED = 0.35
"""Brightness outside a crop."""


def keypoints_picture(image: Picture, keypoints: Keypoints) -> Picture:
    """Draw a coloured disc at each keypoint of the first frame, and its Jacobian as an ellipse around it."""
    size = len(image)
    canvas = PIL.Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    radius = max(2.0, size / 64)
    places = (keypoints.position[0] + 1) / 2 * (size - 1)  # -1 and 1 are the centres of the outer pixels
    colours = [tuple(round(255 * channel) for channel in colour) for colour in _colours(len(places))]
    for outline, colour in zip(ellipses(keypoints, size), colours, strict=False):
        pen.line([tuple(point) for point in outline.tolist()], fill=colour, width=max(1, size // 128))
    for (x, y), colour in zip(places.tolist(), colours, strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=(255, 255, 255), width=1)
    return np.array(canvas)


def ellipses(keypoints: Keypoints, size: int) -> Float[Tensor, "k n 2"]:
    """In pixels, the image of a small circle around each keypoint of the first frame under its Jacobian.

    No rows without Jacobians.
    """
    angles = torch.linspace(0, 2 * math.pi, 49)
    circle = CIRCLE * torch.stack((angles.cos(), angles.sin()))  # 2 n
    if keypoints.jacobian is None:
        return torch.zeros(0, 49, 2)
    around = (keypoints.jacobian[0].float().cpu() @ circle).mT + keypoints.position[0, :, None].float().cpu()
    return (around + 1) / 2 * (size - 1)


def mask_picture(mask: Float[Tensor, "1 k1 h w"], size: int) -> Picture:
    """Mix the keypoints' colours by the weights of their motions at each pixel; channel 0 is the background."""
    palette = torch.tensor([BACKGROUND, *_colours(mask.shape[1] - 1)])  # k1 3
    return to_pixels(enlarged(torch.einsum("bkhw,kc->bchw", mask.float(), palette), size)[0])


def grid_picture(deformation: Float[Tensor, "1 h w 2"], warped: Float[Tensor, "1 3 size size"]) -> Picture:
    """Draw a square grid over the source, warped like the source.

    The deformation maps each pixel of the result to a position in the source; the pixel belongs to a line if that
    position does.
    """
    size = warped.shape[-1]
    places = (enlarged(deformation.permute(0, 3, 1, 2), size)[0] + 1) / 2 * CELLS  # 2 size size, in cells
    distance = (places - places.round()).abs() * size / CELLS  # in pixels of the source
    line = (1.6 - distance.amin(dim=0)).clamp(0, 1)
    pale = 0.45 * warped[0].clamp(0, 1) + 0.55
    return to_pixels(torch.lerp(pale, torch.tensor(INK)[:, None, None].expand_as(pale), 0.85 * line))


def occlusion_picture(occlusion: Float[Tensor, "1 1 h w"], size: int) -> Picture:
    """White where pixels are warped from the source, black where the generator inpaints."""
    return to_pixels(enlarged(occlusion, size)[0].expand(3, size, size))


def faces_picture(image: Image, frames: Sequence[Box]) -> Image:
    """The first faces of a picture in a row, numbered from 1."""
    faces = [cut(image, frame, THUMBNAIL) for frame in frames[:MOST_THUMBNAILS]]
    row = np.full((THUMBNAIL, len(faces) * (THUMBNAIL + GAP) - GAP, 3), 255, np.uint8)
    for place, face in enumerate(faces):
        left = place * (THUMBNAIL + GAP)
        row[:, left : left + THUMBNAIL] = face
    canvas = PIL.Image.fromarray(row)
    brush, font = ImageDraw.Draw(canvas), ImageFont.load_default(0.8 * NUMBER)
    for place in range(len(faces)):
        left, top = place * (THUMBNAIL + GAP), THUMBNAIL - NUMBER
        brush.rectangle((left, top, left + NUMBER - 1, THUMBNAIL - 1), fill=(0, 0, 0))
        middle = (left + NUMBER / 2, top + NUMBER / 2)
        brush.text(middle, str(place + 1), fill=(255, 255, 255), font=font, anchor="mm")
    return np.array(canvas)


def crop_picture(image: Image, box: Box) -> Image:
    """Dim the picture outside the crop, and outline the crop."""
    height, width = image.shape[:2]
    left, top = (round(max(0.0, edge)) for edge in (box.left, box.top))
    right, bottom = round(min(width, box.left + box.side)), round(min(height, box.top + box.side))
    dimmer = (np.arange(256) * DIMMED).astype(np.uint8)
    framed = dimmer[image]  # a float product would take eight times the memory
    framed[top:bottom, left:right] = image[top:bottom, left:right]
    canvas = PIL.Image.fromarray(framed)
    edge = max(2, min(height, width) // 60)
    if right - left > 2 * edge and bottom - top > 2 * edge:
        ImageDraw.Draw(canvas).rectangle((left, top, right - 1, bottom - 1), outline=(255, 255, 255), width=edge)
    return np.array(canvas)


def side_by_side(left: Image, right: Image) -> Image:
    """Two pictures side by side, the left one scaled to the height of the right one."""
    height = len(right)
    if len(left) != height:
        width = max(1, round(left.shape[1] * height / len(left)))
        left = np.array(PIL.Image.fromarray(left).resize((width, height), PIL.Image.Resampling.BILINEAR))
    return np.hstack((left, right))


def _colours(count: int) -> list[tuple[float, float, float]]:
    """Hues that differ by the golden angle, so that neighbours are distinct."""
    return [colorsys.hsv_to_rgb((0.02 + 0.618034 * index) % 1.0, 0.75, 1.0) for index in range(count)]


def enlarged(maps: Float[Tensor, "b c h w"], size: int) -> Float[Tensor, "b c {size} {size}"]:
    """Maps or pictures of the network, resized."""
    return F.interpolate(maps.float(), size=(size, size), mode="bilinear", align_corners=True)  # spans pixel centres


def to_pixels(picture: Float[Tensor, "3 h w"]) -> Picture:
    """A picture in [0, 1] as uint8."""
    return from_batch(from_unit(picture[None]))[0]
