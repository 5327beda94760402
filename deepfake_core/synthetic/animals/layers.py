"""Painting and shading of every layer of an animal."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.animals.anatomy import FLOPPY, POINTED, AnimalScene
from deepfake_core.synthetic.animals.breeds import PATTERNS
from deepfake_core.synthetic.animals.coat import chest_share, coat, hairs, hanging_hairs, second_colour, tufts
from deepfake_core.synthetic.animals.face import (
    Face,
    paint_eyes,
    paint_mouth,
    paint_muzzle,
    paint_nose,
    paint_whisker_pads,
)
from deepfake_core.synthetic.animals.identity import AnimalIdentity
from deepfake_core.synthetic.animals.state import AnimalState
from deepfake_core.synthetic.render.brushes import Colour, Field, bump, edge, light_up, over
from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL, project
from deepfake_core.synthetic.render.layers import Painted, nearness
from deepfake_core.synthetic.render.solids import Layer, Solid, see

ALL, SKULL = slice(None), 4  # every animal; the head's first ellipsoids, enough for its shadow
_SHADOW = (1.05, 0.92, 0.92)  # fur glows a little warm in the shade
_WHISKER = 0.007  # half width, head units
_BARE = (0.86, 0.60, 0.56)  # skin inside an ear


def _furry(layer: Layer, length: Float[Tensor, "b #n"], pixel: Float[Tensor, "b 1"]) -> Field:
    """Coverage of a layer whose hairs stand out from its outline by a length in head units."""
    reach = length * tufts(layer.hit.point)
    return (1 - (layer.hit.gap - reach) / pixel).clamp(0, 1)


def _light(
    colour: Colour, solid: Solid, layer: Layer, state: AnimalState, open_sky: Field, gloss: Field | float
) -> Colour:
    normal = solid.frame.rotation @ layer.hit.normal
    return light_up(colour, normal, state.light, state.light_colour, open_sky, gloss, _SHADOW)


def paint_head(
    identity: AnimalIdentity, state: AnimalState, scene: AnimalScene, points: Float[Tensor, "#b n 2"]
) -> Painted:
    """Fur, face and the highlights of the eyes; hairs stand out most from the cheeks."""
    solid, sizes = scene.solids[3], scene.sizes
    layer = see(solid, points, scene.pixel)
    u, v, z = layer.hit.point.unbind(1)
    facing = layer.hit.normal[:, 2]
    face = Face(u, v, z, facing, 1.15 * scene.pixel / facing.clamp_min(0.35))
    colour = coat(identity, sizes, layer.hit.point)
    colour = paint_muzzle(colour, identity, sizes, face)
    colour = paint_whisker_pads(colour, identity, sizes, face)
    colour, hole = paint_mouth(colour, identity, sizes, face)
    colour, nose = paint_nose(colour, identity, sizes, face)
    colour, ball, glint = paint_eyes(colour, identity, state, sizes, face)
    normal = solid.frame.rotation @ layer.hit.normal
    flat = (ball + hole).clamp_max(1)
    normal = normal + (normal.new_tensor((0.0, 0.25, 0.95))[:, None] - normal) * (0.75 * flat)[:, None]
    gloss = (0.05 + 0.30 * nose) * (1 - flat)
    open_sky = 1 - 0.35 * bump(u, v + 0.62, 0.5, 0.25)
    lit = light_up(colour, normal, state.light, state.light_colour, open_sky, gloss, _SHADOW)
    cheeks = edge(-0.05 - v, 0.4) * edge(0.55 - z, 0.2)
    alpha = _furry(layer, (0.02 + 0.09 * cheeks) * identity.fluff[:, None], scene.pixel)
    return Painted(layer.hit.tau, alpha, lit + 0.95 * glint[:, None], layer.hit.point)


def paint_ears(
    identity: AnimalIdentity, state: AnimalState, scene: AnimalScene, points: Float[Tensor, "#b n 2"]
) -> Painted:
    """Fur outside; bare skin with wisps of hair inside ears that stand up."""
    solid, skull = scene.solids[2], scene.solids[3].pick(ALL, SKULL)
    layer = see(solid, points, scene.pixel)
    ear = _ear_points(identity, scene, layer)
    whole = (identity.ear >= FLOPPY)[:, None]  # hanging ears have their colour all over, others from the tip down
    coloured = torch.where(whole, edge(ear.along + 0.3, 0.4), edge(ear.along - 0.25, 0.6))
    fur = over(identity.base[..., None].expand_as(layer.hit.point), identity.ear_colour, coloured)
    patched = (identity.pattern == PATTERNS.index("calico")).float()[:, None].expand_as(coloured)
    fur = over(fur, second_colour(identity, layer.hit.point), patched)
    fur = fur * (1 + 0.10 * hairs(layer.hit.point))[:, None]
    lightness = 0.45 + 0.55 * identity.base.amax(1, keepdim=True)
    bare = torch.lerp(identity.base, identity.base.new_tensor(_BARE) * lightness, 0.65)
    skin = bare[..., None] * (1.0 - 0.30 * edge(0.35 - ear.along, 0.5))[:, None]
    colour = over(fur, skin, ear.inner)
    wisps = edge((70 * ear.beside + 9 * ear.along).sin() - 0.2, 0.8) * edge(0.62 - ear.along, 0.3) * ear.inner
    colour = over(colour, torch.lerp(identity.base, identity.pale, 0.6), 0.6 * identity.fluff[:, None] * wisps)
    open_sky = 1 - 0.55 * nearness(skull, layer, points, 0.22) ** 2
    lit = _light(colour, solid, layer, state, open_sky, 0.03)
    alpha = _furry(layer, 0.03 * identity.fluff[:, None], scene.pixel)
    return Painted(layer.hit.tau, alpha, lit, layer.hit.point)


class _EarPoints(NamedTuple):
    along: Field  # 0 root .. 1 tip
    beside: Field  # sideways from the line between them, in head units of an ear of ratio 1
    inner: Field  # 1 inside the shell


def _ear_points(identity: AnimalIdentity, scene: AnimalScene, layer: Layer) -> _EarPoints:
    root, axis = scene.sizes.ear_root, scene.sizes.ear_axis[:, :2]
    across, up = layer.hit.point[:, 0].abs() - root[:, :1], layer.hit.point[:, 1] - root[:, 1:2]
    square = (axis * axis).sum(1, keepdim=True)
    along = (across * axis[:, :1] + up * axis[:, 1:]) / square
    beside = (across * axis[:, 1:] - up * axis[:, :1]) / square.sqrt() / identity.ear_size[:, None]
    triangle = 0.17 * (1.0 - along.clamp(0, 1)) ** 0.8
    disc = 0.135 * (1 - (2 * along - 0.95) ** 2).clamp_min(0).sqrt()
    half = torch.where((identity.ear == POINTED)[:, None], triangle, disc)
    stands = (identity.ear < FLOPPY).float()[:, None]
    return _EarPoints(along, beside, edge(half - beside.abs(), 0.05) * edge(layer.hit.normal[:, 2] - 0.1, 0.3) * stands)


def paint_chest(
    identity: AnimalIdentity, state: AnimalState, scene: AnimalScene, points: Float[Tensor, "#b n 2"]
) -> Painted:
    """Fur with a pale bib."""
    solid, skull = scene.solids[0], scene.solids[3].pick(ALL, SKULL)
    layer = see(solid, points, scene.pixel)
    point = layer.hit.point
    colour = over(identity.base[..., None].expand_as(point), identity.second, chest_share(identity, point))
    bib = bump(point[:, 0], point[:, 1] + 0.05, 0.34, 0.75) * edge(point[:, 2], 0.1)
    colour = over(colour, identity.pale, edge(bib - 0.45, 0.35) * identity.pale_chest[:, None])
    colour = colour * (0.93 + 0.11 * hanging_hairs(point))[:, None]
    open_sky = 1 - 0.7 * nearness(skull, layer, points, 0.6)
    lit = _light(colour, solid, layer, state, open_sky, 0.02)
    return Painted(layer.hit.tau, _furry(layer, 0.07 * identity.fluff[:, None], scene.pixel), lit, point)


def paint_mane(
    identity: AnimalIdentity, state: AnimalState, scene: AnimalScene, points: Float[Tensor, "#b n 2"]
) -> Painted:
    """Long locks around the face, darker outwards."""
    solid, skull = scene.solids[1], scene.solids[3].pick(ALL, SKULL)
    layer = see(solid, points, scene.pixel)
    x, y, _ = layer.hit.point.unbind(1)
    angle, reach = torch.atan2(x, y), (x * x + y * y + 1e-6).sqrt()
    lock = 0.6 * (21 * angle + 1.6 * (6 * reach).sin()).sin() + 0.4 * (43 * angle + 2 * (9 * reach).sin()).sin()
    inner = torch.lerp(identity.mane_colour, identity.base, 0.5)[..., None]
    colour = inner + (identity.mane_colour[..., None] - inner) * edge(reach - 0.85, 0.4)[:, None]
    colour = colour * (1 + 0.22 * lock)[:, None]
    open_sky = 1 - 0.6 * nearness(skull, layer, points, 0.35)
    lit = _light(colour, solid, layer, state, open_sky, 0.04)
    worn = (identity.mane > 0).float()[:, None]
    alpha = _furry(layer, 0.16 * worn, scene.pixel) * worn
    return Painted(layer.hit.tau, alpha, lit, layer.hit.point)


def paint_whiskers(identity: AnimalIdentity, scene: AnimalScene, side: int, points: Float[Tensor, "#b n 2"]) -> Painted:
    """Fine bent lines in the picture, each a parabola over its chord, at the depth at which they stand."""
    curves = scene.whiskers[:, side]
    picture, depth = project(scene.frames.head.to_world(curves.flatten(2)))
    count = curves.shape[2]
    root, middle, tip = picture.unflatten(1, (count, 3)).unbind(2)  # (b, whisker, 2)
    near, _, far = depth.unflatten(1, (count, 3)).unbind(2)
    chord = tip - root
    length = (chord * chord).sum(-1, keepdim=True).sqrt().clamp_min(1e-3)
    chord = chord / length
    lateral = torch.stack((-chord[..., 1], chord[..., 0]), -1)
    bow = ((middle - root) * lateral).sum(-1, keepdim=True)
    from_root = points.mT[:, None] - root[..., None]  # (b, whisker, 2, n)
    along = (from_root * chord[..., None]).sum(2) / length
    off = (from_root * lateral[..., None]).sum(2) - bow * 4 * along * (1 - along)
    unit = scene.frames.head.scale[:, None] * (FOCAL / DISTANCE)  # grid units per head unit
    pixel = (scene.pixel * unit)[..., None]
    half = _WHISKER * unit[..., None] * (1 - 0.7 * along)
    lines = ((half - off.abs()) / pixel + 0.5).clamp(0, 1) * (along > 0) * ((1 - along) * 6).clamp(0, 1)
    cover, which = lines.max(1)
    tau = (near[..., None] + (far - near)[..., None] * along).gather(1, which[:, None])[:, 0]
    point = cover.new_zeros(3, 1).expand(len(cover), -1, cover.shape[1])
    colour = cover.new_full((3, 1), 0.95).expand_as(point)
    return Painted(tau, cover * identity.whiskers[:, None], colour, point)
