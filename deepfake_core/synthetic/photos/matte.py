"""Who is in front: the person of a portrait cut out, and the background painted in behind.

The cut is GrabCut's (Rother et al., SIGGRAPH 2004), told by the five landmarks of a face where head, neck and
shoulders are likely. It runs once a portrait, on the CPU.
"""

import cv2
import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

ROUNDS = 4
WORK = 160  # side at which the cut is made


def person_matte(
    image: UInt8[np.ndarray, "h h 3"], up: Float[np.ndarray, "h h"], right: Float[np.ndarray, "h h"]
) -> UInt8[np.ndarray, "h h"]:
    """255 where the person is, else 0; `right` and `up` are every pixel's place in head units, see `fit`."""
    size = len(image)
    small = cv2.resize(image, (WORK, WORK), interpolation=cv2.INTER_AREA)
    u, v = (cv2.resize(x.astype(np.float32), (WORK, WORK), interpolation=cv2.INTER_AREA) for x in (right, up))
    mask = likely(u, v)
    models = [np.zeros((1, 65)) for _ in range(2)]
    everywhere = (0, 0, WORK, WORK)  # not read where a mask is given
    cv2.setRNGSeed(0)  # its clusters begin at random
    cv2.grabCut(small, mask, everywhere, models[0], models[1], ROUNDS, cv2.GC_INIT_WITH_MASK)
    person = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    person = largest(cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)))
    person = 1 - largest(1 - person, least=60)  # holes inside are filled
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.2)
    large = cv2.resize(soft, (size, size), interpolation=cv2.INTER_LINEAR)
    return ((large > 0.5) * 255).astype(np.uint8)


def likely(u: Float[np.ndarray, "h w"], v: Float[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """GrabCut's start: sure and likely person, likely and sure background."""

    def oval(x: float, y: float, wide: float, high: float) -> np.ndarray:
        return (u / wide) ** 2 + ((v - y) / high) ** 2 < 1

    shoulders = (v < -1.15) & (np.abs(u) < 0.55 + 1.1 * np.clip(-1.15 - v, 0, 1.0))
    mask = np.full(u.shape, cv2.GC_BGD, np.uint8)
    mask[oval(0.0, -0.05, 1.25, 1.55) | (v < -0.75)] = cv2.GC_PR_BGD
    mask[oval(0.0, 0.08, 0.78, 1.12) | shoulders | ((np.abs(u) < 0.45) & (v < -0.8))] = cv2.GC_PR_FGD
    mask[oval(0.0, 0.04, 0.54, 0.90) | ((np.abs(u) < 0.25) & (v < -0.7))] = cv2.GC_FGD
    mask[(np.abs(u) < 0.45) & (v < -1.9)] = cv2.GC_FGD
    return mask


def largest(mask: UInt8[np.ndarray, "h w"], least: int | None = None) -> UInt8[np.ndarray, "h w"]:
    """The largest connected part of a mask, or all parts of at least so many pixels."""
    count, label, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count < 2:
        return mask
    kept = [1 + int(areas.argmax())] if least is None else [1 + i for i, area in enumerate(areas) if area >= least]
    return np.isin(label, kept).astype(np.uint8)


def filled(image: Float[Tensor, "b 3 h w"], known: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 3 h w"]:
    """The picture with all that is not known painted in smoothly from around: pulled down, pushed up."""
    colour, weight = image * known, known
    levels = [(colour, weight)]
    while min(colour.shape[-2:]) > 2:
        weight = F.avg_pool2d(weight, 2, ceil_mode=True, count_include_pad=False)
        colour = F.avg_pool2d(colour, 2, ceil_mode=True, count_include_pad=False)
        levels.append((colour, weight))
    colour, weight = levels.pop()
    below = colour.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp_min(1e-6)
    below = below.expand_as(colour)
    while True:
        share = (weight * 4).clamp(0, 1)
        below = share * colour / weight.clamp_min(1e-6) + (1 - share) * below
        if not levels:
            return known * image + (1 - known) * below
        colour, weight = levels.pop()
        below = F.interpolate(below, size=colour.shape[-2:], mode="bilinear", align_corners=False)
