"""Drawn animals: the image and its ground truth.

Grids and points: x right, y down, -1 and 1 at the centres of the outer pixels. 'Left' is the left of the picture when
the animal looks straight ahead. The same identity and state give the same picture in whatever batch they come.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.animals.anatomy import AnimalScene, build_scene
from deepfake_core.synthetic.animals.identity import AnimalIdentity
from deepfake_core.synthetic.animals.layers import paint_chest, paint_ears, paint_head, paint_mane, paint_whiskers
from deepfake_core.synthetic.animals.state import AnimalState
from deepfake_core.synthetic.animals.truth import truth
from deepfake_core.synthetic.render.backgrounds import paint_background
from deepfake_core.synthetic.render.camera import project
from deepfake_core.synthetic.render.layers import Painted, Window, finish, lay_over, window_of
from deepfake_core.synthetic.render.solids import bounds

_ROOM = (0.12, 0.06)  # grid units for tufts around chest and mane, and around ears and head


class AnimalDrawing(NamedTuple):
    """Images of b animals and their ground truth."""

    image: Float[Tensor, "b 3 h w"]  # [0, 1]
    mask: Float[Tensor, "b 1 h w"]  # everything of the animal, soft; 0 where only background shows
    landmarks: Float[Tensor, "b n 2"]  # in the order of LANDMARKS
    visible: Bool[Tensor, "b n"]


@torch.no_grad()
def draw(identity: AnimalIdentity, state: AnimalState, size: int = 128) -> AnimalDrawing:
    """Draw every animal in its state at size x size pixels; on a CPU one after another, to use its cache."""
    scene = build_scene(identity, state, size)
    grid = coordinate_grid(size, size, device=state.yaw.device)
    if state.yaw.device.type == "cpu":
        windows, parts = windows_of(scene, size), []
        for i in range(len(state.yaw)):
            one = slice(i, i + 1)
            parts.append(compose(identity.pick(one), state.pick(one), scene.pick(one), grid, windows[i]))
        image, mask = (torch.cat(part) for part in zip(*parts, strict=True))
    else:
        whole = (slice(0, size), slice(0, size))
        image, mask = compose(identity, state, scene, grid, [whole] * 6)
    return AnimalDrawing(image, mask, *truth(identity, state, scene))


def compose(
    identity: AnimalIdentity,
    state: AnimalState,
    scene: AnimalScene,
    grid: Float[Tensor, "h w 2"],
    windows: list[Window],
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b 1 h w"]]:
    """Paint all layers in their windows and composite them over the background; also return the animal's share."""
    points = [grid[window].reshape(1, -1, 2) for window in windows]
    layers: list[tuple[Window, Painted]] = [
        (windows[0], paint_chest(identity, state, scene, points[0])),
        (windows[2], paint_ears(identity, state, scene, points[2])),
        (windows[3], paint_head(identity, state, scene, points[3])),
    ]
    if bool((identity.whiskers > 0).any()):
        layers += [(windows[4 + side], paint_whiskers(identity, scene, side, points[4 + side])) for side in (0, 1)]
    if bool((identity.mane > 0).any()):
        layers.append((windows[1], paint_mane(identity, state, scene, points[1])))
    background = paint_background(state.background, state.background_colour, state.background_phase, grid)
    picture, weight = lay_over(background, layers, scene.pixel)
    return finish(picture), weight.sum(1, keepdim=True).clamp(0, 1)


def windows_of(scene: AnimalScene, size: int) -> list[list[Window]]:
    """For every animal, the windows of chest, mane, ears, head and whiskers."""
    chest, mane, ears, head = (bounds(solid) for solid in scene.solids)
    outwards = chest.new_tensor((-1.0, 1.0, -1.0, 1.0)) * scene.frames.head.scale[:, None]
    far, close = (room * outwards for room in _ROOM)
    left, right = (_box(scene, side) for side in (0, 1))
    every = torch.stack((chest + far, mane + far, ears + close, head + close, left, right), 1)
    pixels = ((every + 1) * ((size - 1) / 2)).clamp(-2, size + 1)
    return [[window_of(box, size) for box in boxes] for boxes in pixels.tolist()]


def _box(scene: AnimalScene, side: int) -> Float[Tensor, "b 4"]:
    """Left, right, top and bottom of the whiskers of a side; their bows stay within their corners."""
    x, y = project(scene.frames.head.to_world(scene.whiskers[:, side].flatten(2)))[0].unbind(-1)
    return torch.stack((x.amin(1), x.amax(1), y.amin(1), y.amax(1)), 1)
