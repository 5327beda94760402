"""A portrait made ready to be moved: fitted, cut out, the background behind it filled, its depth guessed."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.photos.expression import Face
from deepfake_core.synthetic.photos.fit import MOUTH, Fit, fit, from_face
from deepfake_core.synthetic.photos.matte import filled
from deepfake_core.synthetic.photos.relief import heights, swelling

CANVAS = 334  # pixels a side, around a frame of 256: what may come into the picture from outside
FRAME = 256
REACH = (CANVAS - 1) / (FRAME - 1)  # half the canvas, grid units of the frame
EDGE = 3  # pixels of the background beside a person that show some of it


class Portrait(NamedTuple):
    """b portraits; pictures are canvases, which span [-REACH, REACH] of the frame's grid."""

    image: Float[Tensor, "b 3 c c"]  # [0, 1]
    matte: Float[Tensor, "b 1 c c"]  # 1: person
    person: Float[Tensor, "b 3 c c"]  # the colours of the person go on beyond the outline
    background: Float[Tensor, "b 3 c c"]
    height: Float[Tensor, "b 1 c c"]  # of the front, head units
    fit: Fit
    face: Face
    points: Float[Tensor, "b 5 2"]
    skin: Float[Tensor, "b 3"]  # colour of the cheeks

    def pick(self, index: slice | Tensor) -> "Portrait":
        """The portraits at some places of the batch."""
        fitted, face = Fit(*(part[index] for part in self.fit)), Face(*(part[index] for part in self.face))
        others = {name: part[index] for name, part in self._asdict().items() if isinstance(part, Tensor)}
        return self._replace(fit=fitted, face=face, **others)


@torch.no_grad()
def prepare(
    image: Float[Tensor, "b 3 c c"], matte: Float[Tensor, "b 1 c c"], points: Float[Tensor, "b 5 2"]
) -> Portrait:
    """Fit canvases by eyes, nose tip and mouth corners, which are given in the frame's grid."""
    fitted = fit(points)
    around, inside = F.max_pool2d(matte, 2 * EDGE + 1, 1, EDGE), -F.max_pool2d(-matte, 3, 1, 1)
    grid = (coordinate_grid(CANVAS, CANVAS, device=image.device) * REACH).flatten(0, 1).expand(len(image), -1, -1)
    height = heights(fitted, points[:, 2], swelling(matte).flatten(1), grid)
    half = 0.5 * (points[:, 4] - points[:, 3]).norm(dim=1)
    width = (half / (points[:, 1] - points[:, 0]).norm(dim=1) * 0.55).clamp(0.16, 0.34)
    none = torch.zeros_like(width)
    face = mouth_line(image, fitted, Face(width, none, none))
    return Portrait(
        image, matte, filled(image, (inside > 0.5).float()),
        filled(image, (around < 0.5).float()), height.reshape_as(matte), fitted, face, points,
        cheeks(image, fitted),
    )  # fmt: skip


def sampled(
    canvas: Float[Tensor, "b k c c"], grid: Float[Tensor, "b n 2"], mode: str = "bilinear"
) -> Float[Tensor, "b k n"]:
    """What a canvas shows at points of the frame's grid; its edge is repeated outside."""
    return F.grid_sample(canvas, grid[:, None] / REACH, mode=mode, padding_mode="border", align_corners=True)[:, :, 0]


def cheeks(image: Float[Tensor, "b 3 c c"], fitted: Fit) -> Float[Tensor, "b 3"]:
    """Mean colour of a few places on both cheeks."""
    u = fitted.yaw.new_tensor((-0.36, -0.30, -0.33, 0.30, 0.36, 0.33)).expand(len(image), -1)
    v = fitted.yaw.new_tensor((-0.15, -0.20, -0.25) * 2).expand(len(image), -1)
    return sampled(image, from_face(fitted, u, v)).median(-1).values


def mouth_line(image: Float[Tensor, "b 3 c c"], fitted: Fit, face: Face, tries: int = 23) -> Face:
    """The curve between the lips: the darkest valley among parabolas through the corners; and whether teeth show."""
    across = torch.linspace(-0.75, 0.75, 31, device=image.device)
    u = across * face.mouth[:, None]
    light = image.mean(1, keepdim=True)

    def seen(picture: Tensor, curve: Tensor) -> Tensor:
        v = MOUTH - curve[:, None] * (1 - across**2)
        return sampled(picture, from_face(fitted, u, v))

    curves = torch.linspace(-0.05, 0.17, tries, device=image.device)
    strips = torch.stack([seen(light, c.expand(len(image)))[:, 0].mean(-1) for c in curves], 1)
    valley = strips[:, 3:-3] - 0.5 * (strips[:, :-6] + strips[:, 6:])
    best = curves[3:-3][(valley + 0.3 * strips[:, 3:-3]).argmin(1)]
    middle = slice(8, 23)
    above = torch.stack([seen(image, best - rise)[..., middle] for rise in (0.02, 0.035, 0.05)]).mean((0, 3))
    skin = cheeks(image, fitted)
    bright = above.mean(1) > 0.86 * skin.mean(1)
    pale = spread(above) < 0.75 * spread(skin) + 0.01
    return face._replace(curve=best, toothy=(bright & pale).float())


def spread(colour: Float[Tensor, "b 3"]) -> Float[Tensor, "b"]:
    """Saturation: the range of the channels by their mean."""
    return (colour.amax(1) - colour.amin(1)) / colour.mean(1).clamp_min(0.05)
