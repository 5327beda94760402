"""The fallback detector: the local binary pattern cascade of scikit-image (Liao et al., ICB 2007).

It needs no download and detects roughly frontal faces. The cascade alone has false positives on leaves and gravel, so a
face needs many agreeing windows of similar sizes, in an upright and two tilted copies of the picture. Measured: no
false positive in 90 pictures without faces (the photos of scikit-image and their quarters), 98 to 100 of 100
photographed faces, 96 of 96 synthetic frontal heads, and 82 of 96 in random poses; most of the others are turned far to
one side. It takes about a third of a second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from deepfake_core.faces.box import Box
from deepfake_core.faces.detector import DetectorUnavailable
from deepfake_core.faces.resample import fit

TRAINED_SIDE = 24
"""Side in pixels of the cascade's training faces, its smallest window."""

OVERLAP = 0.5
"""Two windows show the same face when their intersection over union is above this."""

HULL_SIDE = 0.92
"""Side of the square around brows, jaw and chin, as a share of the cascade's window, which starts at mid-forehead."""

HULL_DROP = 0.17
"""Vertical offset of that square's centre below the window's, as a share of the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Parameters of a search: scales, tilts, and how many windows must agree."""

    longest: int
    """Pixels of the longer side of the downscaled picture."""
    smallest: int
    """Side of the smallest window in that picture."""
    growth: float
    """Ratio of successive window sizes."""
    tilts: tuple[float, ...]
    """Rotations of the picture in degrees, because the cascade detects upright faces only."""
    confirmations: int
    """Windows that must agree on a face."""
    portrait_confirmations: int
    """The same for a face of the size and position of a portrait's."""


NEAR = Search(
    longest=200, smallest=24, growth=1.05, tilts=(0.0, 13.0, -13.0), confirmations=14, portrait_confirmations=4
)
"""Faces of at least an eighth of the picture's longer side."""

FAR = Search(longest=320, smallest=28, growth=1.1, tilts=(0.0,), confirmations=7, portrait_confirmations=7)
"""Faces of at least a twelfth of the picture's longer side, searched if there is no larger one."""

PORTRAIT_SIDE = (0.28, 0.65)
"""Minimum and maximum size of a portrait's face as a share of the picture's shorter side."""

PORTRAIT_SHIFT = 0.15
"""Maximum distance of a portrait's face from the picture's centre, as a share of that side."""


def find_faces(image: UInt8[np.ndarray, "h w 3"]) -> list[Box]:
    """Return the squares around the frontal faces of a picture: a `Detector`."""
    return _find(image, NEAR) or _find(image, FAR)


def _find(image: UInt8[np.ndarray, "h w 3"], search: Search) -> list[Box]:
    """Return the faces with enough agreeing windows, without faces inside a larger one."""
    small, ratio = fit(image, search.longest)
    grey = Image.fromarray(small).convert("L")
    found = np.concatenate([_tilted_windows(grey, tilt, search) for tilt in search.tilts]) * ratio
    faces: list[Box] = []
    for count, window in sorted(group_windows(found), key=lambda group: -group[1][2]):
        face = _hull(window)
        portrait = _is_portrait(face, *image.shape[:2])
        needed = search.portrait_confirmations if portrait else search.confirmations
        if count >= needed and not any(_contains(larger, *face.centre) for larger in faces):
            faces.append(face)
    return faces


def _tilted_windows(grey: Image.Image, tilt: float, search: Search) -> Float[np.ndarray, "n 3"]:
    """Return the windows (left, top, side) of faces detected after a rotation by `tilt`, rotated back."""
    side = min(grey.size)
    if side < search.smallest:
        return np.empty((0, 3))
    mean = round(float(np.asarray(grey).mean()))
    turned = np.asarray(grey.rotate(tilt, Image.Resampling.BILINEAR, fillcolor=mean))
    detections = _cascade().detect_multi_scale(
        img=turned,
        scale_factor=search.growth,
        step_ratio=1,
        min_size=(max(search.smallest, TRAINED_SIDE),) * 2,
        max_size=(side, side),
        min_neighbor_number=0,
        intersection_score_threshold=2.0,  # above the maximum, so that windows are not merged
    )
    windows = np.array([(found["c"], found["r"], found["width"]) for found in detections], dtype=float).reshape(-1, 3)
    half, middle = windows[:, 2:] / 2, np.array(grey.size) / 2
    cosine, sine = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    back = np.array([[cosine, sine], [-sine, cosine]])  # for rows (x, y) with y down
    centres = (windows[:, :2] + half - middle) @ back + middle
    return np.concatenate([centres - half, windows[:, 2:]], axis=1)


def group_windows(windows: Float[np.ndarray, "n 3"]) -> list[tuple[int, Float[np.ndarray, " 3"]]]:
    """Group the windows (left, top, side) of the same face; return the count and median of each group.

    The window with the most overlapping ones defines a group, which is removed before the next one is formed.
    """
    groups = []
    while len(windows):
        same = _overlap(windows) > OVERLAP
        members = same[same.sum(axis=1).argmax()]
        groups.append((int(members.sum()), np.median(windows[members], axis=0)))
        windows = windows[~members]
    return groups


def _overlap(windows: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n n"]:
    """Return intersection over union of every pair of windows."""
    start, end = windows[:, :2], windows[:, :2] + windows[:, 2:]
    reach = np.minimum(end[:, None], end[None]) - np.maximum(start[:, None], start[None])  # n n 2
    intersection = reach.clip(min=0).prod(axis=-1)
    area = windows[:, 2] ** 2
    share: Float[np.ndarray, "n n"] = intersection / (area[:, None] + area[None] - intersection)
    return share


def _hull(window: Float[np.ndarray, " 3"]) -> Box:
    """Estimate the square around brows, jaw and chin from the cascade's window."""
    left, top, window_side = (float(value) for value in window)
    side = HULL_SIDE * window_side
    rest = (window_side - side) / 2
    return Box(left=left + rest, top=top + rest + HULL_DROP * window_side, side=side)


def _is_portrait(face: Box, height: int, width: int) -> bool:
    """Whether a face is as large and as central as in a portrait."""
    shorter, (x, y) = min(height, width), face.centre
    central = max(abs(x - width / 2), abs(y - height / 2)) <= PORTRAIT_SHIFT * shorter
    return central and PORTRAIT_SIDE[0] <= face.side / shorter <= PORTRAIT_SIDE[1]


def _contains(box: Box, x: float, y: float) -> bool:
    """Whether a point lies in a square."""
    return 0 <= x - box.left <= box.side and 0 <= y - box.top <= box.side


@cache
def _cascade() -> Any:  # scikit-image has no types
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError as error:
        raise DetectorUnavailable(f"scikit-image cannot be imported ({error})") from error
    cascade_file: Callable[[], str] = lbp_frontal_face_cascade_filename
    return Cascade(cascade_file())
