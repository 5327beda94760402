"""What the animation network thinks, as pictures: keypoints, masks, the deformation, the occlusion map.

Every function is pure: it takes what `ImageAnimator.inspect` returned and draws a uint8 RGB picture (size, size, 3).
A keypoint has one colour in all of them.
"""

import colorsys
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Box, cut
from deepfake_core.motion import Keypoints
from deepfake_core.pipelines.animation import AnimationRequest, Sitter, open_driving
from deepfake_core.pipelines.animator import Frame, ImageAnimator

Picture = UInt8[np.ndarray, "size size 3"]

SIDE = 256
"""Pixels of the pictures' side, at least: small networks' discs and lines would be coarse otherwise."""
BACKGROUND = (0.16, 0.17, 0.19)
"""Colour of the mask's first channel: what stays where it is."""
CELLS = 16
"""Grid cells along a side of the deformation's picture."""
INK = (0.05, 0.36, 0.62)
"""Colour of the grid's lines."""
DIMMED = 0.35
"""Brightness of what lies outside a crop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Insight:
    """The pictures for one portrait and one driving frame."""

    source: Picture
    """The portrait with its keypoints."""
    driving: Picture
    """The driving frame with its keypoints."""
    mask: Picture
    deformation: Picture
    occlusion: Picture
    prediction: Picture
    """What the network paints, with nothing drawn on it."""


def look_inside(
    animator: ImageAnimator, request: AnimationRequest, moment: float = 0.0, deadline: Deadline = NEVER
) -> Insight:
    """Show the network's insides for the driving frame at `moment`, from 0 (the first) to 1 (the last).

    Portrait and clip are cropped as `animate` crops them. Raises what reading and cropping raise, `TookTooLong` (the
    clip is read up to that moment), and `BadRequest` for another moment.
    """
    if not 0.0 <= moment <= 1.0:
        raise BadRequest(f"a moment of {moment} makes no sense; choose one from 0 (the start) to 1 (the end)")
    source = Sitter.of(request, animator.size, deadline).square
    with open_driving(animator, request, deadline) as clip:
        wanted = round(moment * ((clip.total or 1) - 1))
        driving = next(clip.squares)
        for driving in islice(clip.squares, wanted):  # noqa: B007 (the last one counts; a header may promise too many)
            pass
    seen, side = animator.inspect(source, driving), max(animator.size, SIDE)
    whole = Box(left=0, top=0, side=animator.size)
    return Insight(
        source=keypoints_picture(cut(source, whole, side), seen.source_keypoints),
        driving=keypoints_picture(cut(driving, whole, side), seen.driving_keypoints),
        mask=mask_picture(seen.mask, side),
        deformation=grid_picture(seen.deformation, _enlarged(seen.warped, side)),
        occlusion=occlusion_picture(seen.occlusion, side),
        prediction=_to_pixels(_enlarged(seen.prediction, side)[0]),
    )


def keypoints_picture(image: Picture, keypoints: Keypoints) -> Picture:
    """Draw a disc of its colour at each keypoint of the first frame."""
    size = len(image)
    canvas = Image.fromarray(image)
    pen = ImageDraw.Draw(canvas)
    radius = max(2.0, size / 64)
    places = (keypoints.position[0] + 1) / 2 * (size - 1)  # -1 and 1 are the centres of the outer pixels
    for (x, y), colour in zip(places.tolist(), _colours(len(places)), strict=True):
        fill = tuple(round(255 * channel) for channel in colour)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill, outline=(255, 255, 255), width=1)
    return np.array(canvas)


def mask_picture(mask: Float[Tensor, "1 k1 h w"], size: int) -> Picture:
    """Mix the keypoints' colours by how much each one's motion counts at a pixel; the background comes first."""
    palette = torch.tensor([BACKGROUND, *_colours(mask.shape[1] - 1)])  # k1 3
    return _to_pixels(_enlarged(torch.einsum("bkhw,kc->bchw", mask.float(), palette), size)[0])


def grid_picture(deformation: Float[Tensor, "1 h w 2"], warped: Float[Tensor, "1 3 size size"]) -> Picture:
    """Draw a square grid over the source and carry it along, on top of the warped source.

    The deformation says for each pixel of the result where in the source it comes from, so a line stands wherever that
    place lies on a line.
    """
    size = warped.shape[-1]
    places = (_enlarged(deformation.permute(0, 3, 1, 2), size)[0] + 1) / 2 * CELLS  # 2 size size, in cells
    distance = (places - places.round()).abs() * size / CELLS  # in pixels of the source
    line = (1.6 - distance.amin(dim=0)).clamp(0, 1)
    pale = 0.45 * warped[0].clamp(0, 1) + 0.55
    return _to_pixels(torch.lerp(pale, torch.tensor(INK)[:, None, None].expand_as(pale), 0.85 * line))


def occlusion_picture(occlusion: Float[Tensor, "1 1 h w"], size: int) -> Picture:
    """White where the source's pixels are carried over, black where the network paints anew."""
    return _to_pixels(_enlarged(occlusion, size)[0].expand(3, size, size))


def crop_picture(image: Frame, box: Box) -> Frame:
    """Dim what the network will not see, and draw the square around what it will."""
    height, width = image.shape[:2]
    left, top = (round(max(0.0, edge)) for edge in (box.left, box.top))
    right, bottom = round(min(width, box.left + box.side)), round(min(height, box.top + box.side))
    dimmer = (np.arange(256) * DIMMED).astype(np.uint8)
    framed = dimmer[image]  # a product would need eight times the picture's memory
    framed[top:bottom, left:right] = image[top:bottom, left:right]
    canvas = Image.fromarray(framed)
    edge = max(2, min(height, width) // 60)
    if right - left > 2 * edge and bottom - top > 2 * edge:
        ImageDraw.Draw(canvas).rectangle((left, top, right - 1, bottom - 1), outline=(255, 255, 255), width=edge)
    return np.array(canvas)


def beside(
    left: UInt8[np.ndarray, "other_h other_w 3"], right: UInt8[np.ndarray, "h w 3"]
) -> UInt8[np.ndarray, "h both 3"]:
    """Put two pictures next to each other, the left one scaled to the height of the right one."""
    height = len(right)
    if len(left) != height:
        width = max(1, round(left.shape[1] * height / len(left)))
        left = np.array(Image.fromarray(left).resize((width, height), Image.Resampling.BILINEAR))
    return np.hstack((left, right))


def _colours(count: int) -> list[tuple[float, float, float]]:
    """Hues around the circle, neighbours far apart: each is a golden angle from the last."""
    return [colorsys.hsv_to_rgb((0.02 + 0.618034 * index) % 1.0, 0.75, 1.0) for index in range(count)]


def _enlarged(maps: Float[Tensor, "b c h w"], size: int) -> Float[Tensor, "b c {size} {size}"]:
    return F.interpolate(maps.float(), size=(size, size), mode="bilinear", align_corners=True)  # spans pixel centres


def _to_pixels(picture: Float[Tensor, "3 h w"]) -> Picture:
    return (picture.float().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
