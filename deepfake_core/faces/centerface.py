"""The face detector: CenterFace (Xu et al., 2019), whose weights come with the project.

`centerface.safetensors` beside this file holds the weights that the authors publish (github.com/Star-Clouds/CenterFace,
MIT) in half precision; `python -m benchmarks faces FOLDER` measures the detector.
"""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from safetensors.torch import load_file

from deepfake_core.faces.box import Box
from deepfake_core.faces.detector import FoundFace
from deepfake_core.faces.resample import cut, fit
from deepfake_core.networks.centerface import LANDMARKS, MULTIPLE, STRIDE, CenterFace, Maps

WEIGHTS = Path(__file__).with_name("centerface.safetensors")

DOUBTFUL = 0.35
"""Score from which a point of the map may be a face; it is one from `detector.SURE`."""
TURNED = 0.6
"""Score from which it is one in a copy of the picture that is turned by a right angle."""
LONGEST = 320
"""Pixels of the longer side of the picture in which faces are searched first."""
FINE, ENLARGED = 640, 416
"""The same for faces that are too small there, and the least for pictures smaller than that."""
COARSE = 224
"""The same for faces that fill the picture."""
NEARBY = 160
"""Pixels of the side of the square in which a face is searched near its last place."""
REACH = 1.5
"""Side of that square as a share of the side of the face's frame at its last place."""
OVERLAP = 0.3
"""Two finds are one face when their intersection over union is above this."""
FLAT = 2.0
"""Standard deviation, of 255, of the brightness of a picture without content, such as a black frame."""

HULL_SIDE = 1.03
"""Side of the square around brows, jaw and chin, as a share of the geometric mean of the network's width and height."""
HULL_DROP = 0.145
"""Distance of that square's centre from the network's, as a share of the latter, in the direction of the chin."""

Pixels = UInt8[np.ndarray, "h w 3"]
Finds = Float[np.ndarray, "n 15"]
"""Rows of finds: centre x, y, width, height, score, and x, y of each landmark."""


def find_faces(image: Pixels, *, thorough: bool = True) -> list[FoundFace]:
    """Return the faces of a picture, the largest first.

    A picture in which no face is found is searched again, unless `thorough` is off: coarser, for a face that fills the
    picture; turned by right angles; and finer, for small faces. If there is none either, doubtful finds are returned.
    """
    small, ratio = fit(image, LONGEST)
    if small.std() < FLAT:
        return []
    doubtful: list[FoundFace] = []
    for found in _searches(image, small, ratio, thorough):
        faces = sorted((_face(row) for row in found), key=lambda face: -face.box.side)
        if sure := [face for face in faces if not face.doubtful]:
            return sure
        doubtful = doubtful or faces
    return doubtful


def find_near(image: Pixels, frame: Box) -> FoundFace | None:
    """Return the face closest to the centre of `frame`, its square in an earlier frame; a doubtful one counts.

    A third of the time of a search of the whole picture.
    """
    (x, y), side = frame.centre, max(frame.side * REACH, 2.0)
    left, top = x - side / 2, y - side / 2
    found = _search(cut(image, Box(left=left, top=top, side=side), NEARBY), DOUBTFUL) * _scale(side / NEARBY)
    if not len(found):
        return None
    closest = found[np.hypot(found[:, 0] - side / 2, found[:, 1] - side / 2).argmin()]
    return _face(_moved(closest[None], left, top)[0])


def _searches(
    image: Pixels, small: UInt8[np.ndarray, "rows columns 3"], ratio: float, thorough: bool
) -> Iterator[Finds]:
    """Search copies of a picture, one after the other; `small` is its copy of `LONGEST` pixels."""
    yield _search(small, DOUBTFUL) * _scale(ratio)
    coarse, step = fit(image, COARSE)
    yield _search(coarse, DOUBTFUL) * _scale(step)
    if not thorough:
        return
    for turns in (1, 3):
        yield _turned_back(_search(np.rot90(small, turns), TURNED), turns, *small.shape[:2]) * _scale(ratio)
    fine, step = fit(image, min(FINE, max(ENLARGED, 2 * max(image.shape[:2]))))
    yield _search(fine, DOUBTFUL) * _scale(step)


def _search(image: Pixels, least: float) -> Finds:
    """Return the faces of a picture at its own resolution, the surest first, each once."""
    height, width = image.shape[:2]
    rows, columns = (-(-side // MULTIPLE) * MULTIPLE for side in (height, width))
    padded = torch.zeros(1, rows, columns, 3)
    padded[0, :height, :width] = torch.from_numpy(np.ascontiguousarray(image))
    with torch.inference_mode():
        finds = decode(_network()(padded.permute(0, 3, 1, 2)), least)
    return _each_once(finds[finds[:, 4].argsort()[::-1]])


def decode(maps: Maps, least: float) -> Finds:
    """Return the points of the maps of one picture whose score is at least `least`, in pixels of the picture."""
    rows, columns = torch.nonzero(maps.score[0, 0] >= least, as_tuple=True)
    score, size, offset, shares = (part[0, :, rows, columns] for part in maps)  # each: channels n
    size = size.exp() * STRIDE  # height, width
    centre = (torch.stack((rows, columns)) + 0.5 + offset) * STRIDE  # y, x
    points = shares.view(LANDMARKS, 2, -1) * size + centre - size / 2  # y, x
    found = torch.cat((centre.flip(0), size.flip(0), score, points.flip(1).flatten(0, 1)))
    return found.T.double().numpy()


def _each_once(finds: Finds) -> Float[np.ndarray, "kept 15"]:
    """Drop finds that overlap a surer one; `finds` starts with the surest."""
    kept: list[int] = []
    for index, find in enumerate(finds):
        if all(_overlap(find, finds[other]) <= OVERLAP for other in kept):
            kept.append(index)
    return finds[kept]


def _overlap(one: Float[np.ndarray, " 15"], other: Float[np.ndarray, " 15"]) -> float:
    """Return the intersection over union of two finds."""
    reach = np.minimum(one[:2] + one[2:4] / 2, other[:2] + other[2:4] / 2)
    reach -= np.maximum(one[:2] - one[2:4] / 2, other[:2] - other[2:4] / 2)
    intersection = reach.clip(min=0).prod()
    return float(intersection / (one[2:4].prod() + other[2:4].prod() - intersection))


def _face(find: Float[np.ndarray, " 15"]) -> FoundFace:
    """The square around brows, jaw and chin of a find; the landmarks tell where the chin is."""
    points = find[5:].reshape(LANDMARKS, 2)
    down = points[3:].mean(axis=0) - points[:2].mean(axis=0)
    size = float(np.sqrt(find[2] * find[3]))
    x, y = (float(value) for value in find[:2] + HULL_DROP * size * down / max(float(np.hypot(*down)), 1e-6))
    side = max(HULL_SIDE * size, 1.0)
    return FoundFace(box=Box(left=x - side / 2, top=y - side / 2, side=side), points=points, score=float(find[4]))


def _turned_back(finds: Finds, turns: int, height: int, width: int) -> Finds:
    """Finds in a picture of height x width that was turned by `turns` (1 or 3) right angles with `numpy.rot90`."""
    columns = np.array((0, 1, *range(5, 15)))
    back, across, down = finds.copy(), finds[:, columns[::2]], finds[:, columns[1::2]]
    back[:, columns[::2]] = width - down if turns == 1 else down
    back[:, columns[1::2]] = across if turns == 1 else height - across
    back[:, 2:4] = finds[:, 3:1:-1]
    return back


def _scale(ratio: float) -> Float[np.ndarray, " 15"]:
    """Factors of a find's columns for a picture that is `ratio` times as large."""
    factors = np.full(15, ratio)
    factors[4] = 1
    return factors


def _moved(finds: Finds, x: float, y: float) -> Finds:
    """Finds moved by (x, y)."""
    moved = finds.copy()
    moved[:, [0, *range(5, 15, 2)]] += x
    moved[:, [1, *range(6, 15, 2)]] += y
    return moved


@cache
def _network() -> Callable[[torch.Tensor], Maps]:
    """The network, loaded on the first search; on the CPU, because a picture is small."""
    network = CenterFace().eval().requires_grad_(False)
    network.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    return network.to(memory_format=torch.channels_last)
