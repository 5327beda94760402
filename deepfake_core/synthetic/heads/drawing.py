"""Drawn heads: the image and its ground truth.

Grids and points: x right, y down, -1 and 1 at the centres of the outer pixels. 'Left' is the left of the picture when
the head looks straight ahead. The same identity and state give the same picture in whatever batch they come.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads.hairstyles import hair_count
from deepfake_core.synthetic.heads.identity import HeadIdentity
from deepfake_core.synthetic.heads.layers import (
    paint_body,
    paint_glasses,
    paint_hair_layer,
    paint_hat_layer,
    paint_head,
    paint_neck,
    paint_scarf_layer,
)
from deepfake_core.synthetic.heads.scene import LAYERS, Scene, build_scene
from deepfake_core.synthetic.heads.truth import truth
from deepfake_core.synthetic.render.backgrounds import paint_background
from deepfake_core.synthetic.render.layers import Window, finish, lay_over, window_of
from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.solids import bounds

WINDOWS = len(LAYERS) + 1  # one a solid, one for the glasses


class Drawing(NamedTuple):
    """Images of b heads and their ground truth."""

    image: Float[Tensor, "b 3 h w"]  # [0, 1]
    mask: Float[Tensor, "b 1 h w"]  # head with hair, hat and glasses, soft
    landmarks: Float[Tensor, "b n 2"]  # in the order of LANDMARKS
    visible: Bool[Tensor, "b n"]
    landmark_jacobian: Float[Tensor, "b n 2 2"]  # d(picture x, y) / d(head x, y)
    attributes: Float[Tensor, "b 5"]


@torch.no_grad()
def draw(identity: HeadIdentity, state: HeadState, size: int = 128) -> Drawing:
    """Draw every head in its state at size x size pixels; on a CPU one after another, to use its cache."""
    scene = build_scene(identity, state, size)
    grid = coordinate_grid(size, size, device=state.yaw.device)
    if state.yaw.device.type == "cpu":
        windows = windows_of(scene, size)
        parts = [compose(*_one(identity, state, scene, i), grid, windows[i]) for i in range(len(state.yaw))]
        image, mask = (torch.cat(part) for part in zip(*parts, strict=True))
    else:
        whole = (slice(0, size), slice(0, size))
        image, mask = compose(identity, state, scene, grid, [whole] * WINDOWS)
    return Drawing(image, mask, *truth(identity, state, scene), identity.attributes)


def _one(identity: HeadIdentity, state: HeadState, scene: Scene, i: int) -> tuple[HeadIdentity, HeadState, Scene]:
    """One head of a batch."""
    one = slice(i, i + 1)
    return identity.pick(one), state.pick(one), scene.pick(one, hair_count(identity.hair_style[one], identity.hat[one]))


def compose(
    identity: HeadIdentity, state: HeadState, scene: Scene, grid: Float[Tensor, "h w 2"], windows: list[Window]
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    """Paint all layers in their windows and composite them over the background; also return the head's share."""
    points = [grid[window].reshape(1, -1, 2) for window in windows]
    layers = [
        (windows[0], paint_body(identity, scene, points[0])),
        (windows[1], paint_neck(identity, scene, points[1])),
    ]
    if bool((identity.scarf > 0).any()):
        layers.append((windows[2], paint_scarf_layer(identity, scene, points[2])))
    first = len(layers)  # of those that make up the head
    layers += [
        (windows[3], paint_head(identity, state, scene, points[3])),
        (windows[4], paint_hair_layer(identity, scene, points[4])),
    ]
    if bool((identity.hat > 0).any()):
        layers.append((windows[5], paint_hat_layer(identity, scene, points[5])))
    if bool((identity.glasses > 0).any()):
        layers += [(windows[6], card) for card in paint_glasses(identity, scene, points[6])]
    picture = paint_background(identity.background, identity.background_colour, identity.background_phase, grid)
    picture, weight = lay_over(picture, layers, scene.pixel)
    return finish(picture), weight[:, first:].sum(1, keepdim=True).clamp(0, 1)


def windows_of(scene: Scene, size: int) -> list[list[Window]]:
    """For every head, the windows of its solids, and last of its glasses."""
    boxes = [bounds(solid) for solid in scene.solids]
    beside = boxes[0].new_tensor((-0.25, 0.25, 0.0, 0.0)) * scene.frames.head.scale[:, None]
    every = torch.stack(
        (*boxes, boxes[LAYERS.index("head")] + beside), 1
    )  # (b, 7, 4): glasses extend beyond a face in profile
    pixels = ((every + 1) * ((size - 1) / 2)).clamp(-2, size + 1)
    return [[window_of(box, size) for box in boxes_of_one] for boxes_of_one in pixels.tolist()]
