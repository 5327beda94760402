"""The exact flow between two states of one head.

A pixel of picture a shows a point of some layer. Hair, hat, neck, scarf, shirt and glasses are rigid: the point keeps
its place in their frame. Skin is carried by the expression (see `expression`) and set back on the face. The background
stands still.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads.anatomy import HEAD_BLEND, proportions
from deepfake_core.synthetic.heads.expression import calm, displaced, inside_mouth, shifts
from deepfake_core.synthetic.heads.identity import HeadIdentity
from deepfake_core.synthetic.heads.layers import paint_glasses
from deepfake_core.synthetic.heads.paint_eyes import Skin, lids
from deepfake_core.synthetic.heads.scene import LAYERS, Scene, build_scene
from deepfake_core.synthetic.render.camera import Frame, project
from deepfake_core.synthetic.render.layers import show
from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.quadrics import settle
from deepfake_core.synthetic.render.solids import nothing, see

_EXPRESSION = ("mouth_open", "smile", "brow_raise", "lids", "gaze_x", "gaze_y")
_EYES = ("smile", "lids", "gaze_x", "gaze_y")
_MOUTH = ("mouth_open", "smile")
HEAD = LAYERS.index("head")
CLEAR = 0.75  # a layer must make up so much of a pixel for its flow to count


class View(NamedTuple):
    """Every layer at picture points: those of LAYERS, then glasses and their arm."""

    weight: Float[Tensor, "b l n"]
    point: Float[Tensor, "b l 3 n"]  # in each layer's frame


def flow(
    identity: HeadIdentity, state_a: HeadState, state_b: HeadState, size: int = 128
) -> tuple[Float[Tensor, "b h w 2"], Bool[Tensor, "b h w"]]:
    """For each pixel of the image in state a, its position in state b, and whether it is visible in both.

    The grid takes picture b back to picture a: grid_sample(b, grid, align_corners=True). Eyes and the inside of the
    mouth count as invalid when they look or open differently.
    """
    if state_a.yaw.device.type != "cpu":
        return _flow(identity, state_a, state_b, size)
    slices = [slice(i, i + 1) for i in range(len(state_a.yaw))]
    single = [_flow(identity.pick(i), state_a.pick(i), state_b.pick(i), size) for i in slices]
    grids, valid = zip(*single, strict=True)
    return torch.cat(grids), torch.cat(valid)


@torch.no_grad()
def _flow(
    identity: HeadIdentity, state_a: HeadState, state_b: HeadState, size: int
) -> tuple[Float[Tensor, "b h w 2"], Bool[Tensor, "b h w"]]:
    here = coordinate_grid(size, size, device=state_a.yaw.device).reshape(1, -1, 2)
    scene_a, scene_b = build_scene(identity, state_a, size), build_scene(identity, state_b, size)
    view = look(identity, scene_a, here)
    behind = (1 - view.weight.sum(1)).clamp_min(0)
    share, layer = torch.cat((view.weight, behind[:, None]), 1).max(1)
    skin, whole = carry_skin(identity, state_a, state_b, scene_a, scene_b, view.point[:, HEAD])
    carried = list(view.point.unbind(1))
    carried[HEAD] = skin
    places = [project(frame.to_world(p))[0] for frame, p in zip(_frames(scene_b), carried, strict=True)]
    places.append(here.expand_as(places[0]))
    chosen = layer[:, None, :, None].expand(-1, -1, -1, 2)
    there = torch.stack(places, 1).gather(1, chosen)[:, 0]
    seen = look(identity, scene_b, there)
    behind = (1 - seen.weight.sum(1)).clamp_min(0)
    same = torch.cat((seen.weight, behind[:, None]), 1).gather(1, layer[:, None])[:, 0]
    close = _stays(seen.point, carried, layer)
    valid = (share > CLEAR) & (same > CLEAR) & close & (there.abs() <= 1).all(-1) & (whole | (layer != HEAD))
    count = len(state_a.yaw)
    return there.reshape(count, size, size, 2), valid.reshape(count, size, size)


def look(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> View:
    """The visible layer at image points, and its surface point."""
    bare = {name for name in ("scarf", "hat") if not bool((getattr(identity, name) > 0).any())}
    layers = [
        nothing(points, scene.pixel) if name in bare else see(solid, points, scene.pixel, steps=4)
        for name, solid in zip(LAYERS, scene.solids, strict=True)
    ]
    cards = paint_glasses(identity, scene, points)
    tau = torch.stack([layer.hit.tau for layer in layers] + [card.tau for card in cards], 1)
    alpha = torch.stack([layer.alpha for layer in layers] + [card.alpha for card in cards], 1)
    point = torch.stack([layer.hit.point for layer in layers] + [card.point for card in cards], 1)
    return View(show(tau, alpha, scene.pixel), point)


def carry_skin(
    identity: HeadIdentity,
    state_a: HeadState,
    state_b: HeadState,
    scene_a: Scene,
    scene_b: Scene,
    point: Float[Tensor, "b 3 n"],
) -> tuple[Float[Tensor, "b 3 n"], Bool[Tensor, "b n"]]:
    """Map points of the head from state a to state b; also whether the point is skin that both can show."""
    u, shown, z = point.unbind(1)
    sizes, front = proportions(identity), z > 0
    moves_a, moves_b = shifts(state_a, sizes.mouth_width, u), shifts(state_b, sizes.mouth_width, u)
    v = calm(shown, moves_a)
    moved = front & _differ(state_a, state_b, _EXPRESSION)[:, None]
    carried = torch.stack((u, torch.where(moved, displaced(v, moves_b), shown), z), 1)
    carried = torch.where(moved[:, None], settle(scene_b.solids.head.shape, carried, HEAD_BLEND), carried)
    lid = lids(identity, state_a, sizes, Skin(u, v, shown, z, z))
    eye = (lid.out.abs() < 1.3) & (lid.height < 0.17) & (lid.height > -0.12)
    lost = eye & _differ(state_a, state_b, _EYES)[:, None]
    mouth = inside_mouth(shown, moves_a) & _differ(state_a, state_b, _MOUTH)[:, None]
    return carried, ~(front & (lost | mouth))


def _frames(scene: Scene) -> tuple[Frame, ...]:
    """The frame of each layer of a View."""
    head = scene.frames.head
    return *(solid.frame for solid in scene.solids), head, head


def _stays(seen: Float[Tensor, "b l 3 n"], carried: list[Tensor], layer: Tensor) -> Bool[Tensor, "b n"]:
    """Whether image b shows the mapped point itself, not another point of the same layer in front of it."""
    gap = (seen - torch.stack(carried, 1)).norm(dim=2)
    gap = torch.cat((gap, torch.zeros_like(gap[:, :1])), 1)
    return gap.gather(1, layer[:, None])[:, 0] < 0.08


def _differ(a: HeadState, b: HeadState, names: tuple[str, ...]) -> Bool[Tensor, "b"]:
    """Whether any of the named parts of two states differ."""
    return torch.stack([getattr(a, name) != getattr(b, name) for name in names]).any(0)
