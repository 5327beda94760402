"""Painting and shading of every layer of a scene: the solids, and the glasses in front of the face."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.heads.anatomy import EYE_Y, proportions
from deepfake_core.synthetic.heads.expression import calm, shifts
from deepfake_core.synthetic.heads.headwear import paint_hat, paint_scarf
from deepfake_core.synthetic.heads.identity import HeadIdentity
from deepfake_core.synthetic.heads.paint_eyes import Skin, paint_brows, paint_eyes
from deepfake_core.synthetic.heads.paint_face import paint_beard, paint_hairline, paint_mouth, paint_skin, skin_gloss
from deepfake_core.synthetic.heads.paint_outfit import GLASSES_Z, glasses_cover, paint_hair, paint_shirt
from deepfake_core.synthetic.heads.scene import Scene
from deepfake_core.synthetic.render.brushes import Colour, Field, edge, light_up, over
from deepfake_core.synthetic.render.layers import Painted, nearness
from deepfake_core.synthetic.render.pose import HeadState
from deepfake_core.synthetic.render.solids import Layer, Solid, see

ALL, SKULL = slice(None), 3  # everybody; the head's first ellipsoids, enough for its shadow
SKIN_SHADOW = (1.18, 0.80, 0.74)
HAIR_SHADOW = (0.95, 0.92, 1.02)
CLOTH_SHADOW = (0.92, 0.94, 1.10)


def face_points(identity: HeadIdentity, state: HeadState, layer: Layer, pixel: Tensor) -> Skin:
    """Face coordinates of the points of a head."""
    u, shown, z = layer.hit.point.unbind(1)
    moves = shifts(state, proportions(identity).mouth_width, u)
    front = edge(z - 0.12, 0.12)
    soft = 1.15 * pixel / layer.hit.normal[:, 2].clamp_min(0.35)
    return Skin(u, torch.where(z > 0.0, calm(shown, moves), shown), shown, front, soft)


def _under_hat(identity: HeadIdentity, scene: Scene, layer: Layer, points: Tensor) -> Field | float:
    """The share of the sky that is visible under a hat."""
    if not bool((identity.hat > 0).any()):
        return 1.0
    return 1 - 0.5 * nearness(scene.solids.hat, layer, points, 0.20) ** 2


def paint_head(identity: HeadIdentity, state: HeadState, scene: Scene, points: Float[Tensor, "#b n 2"]) -> Painted:
    solid, hair, sizes = scene.solids.head, scene.solids.hair, proportions(identity)
    layer = see(solid, points, scene.pixel)
    skin = face_points(identity, state, layer, scene.pixel)
    moves = shifts(state, sizes.mouth_width, skin.u)
    colour = paint_skin(identity, skin)
    colour, beard = paint_beard(colour, identity, skin)
    colour, lips, hole = paint_mouth(colour, identity, state, sizes, skin, moves)
    colour, ball, glint = paint_eyes(colour, identity, state, sizes, skin)
    colour = paint_brows(colour, identity, sizes, skin)
    normal = solid.frame.rotation @ layer.hit.normal
    flat = ball + hole
    normal = normal + (normal.new_tensor((0.0, 0.25, 0.95))[:, None] - normal) * (0.75 * flat)[:, None]
    close = nearness(hair, layer, points, 0.22)
    colour = paint_hairline(colour, identity, skin, close)
    open_sky = (1 - 0.50 * close * close) * _under_hat(identity, scene, layer, points)
    gloss = skin_gloss(skin, lips) * (1 - beard) * (1 - flat)
    colour = light_up(colour, normal, identity.light, identity.light_colour, open_sky, gloss, SKIN_SHADOW)
    return Painted(layer.hit.tau, layer.alpha, colour + 0.95 * glint[:, None], layer.hit.point)


def paint_neck(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> Painted:
    solid, head = scene.solids.neck, scene.solids.head.pick(ALL, SKULL)
    layer = see(solid, points, scene.pixel)
    colour = identity.skin[..., None].expand(-1, -1, points.shape[1])
    open_sky = 1 - 0.75 * nearness(head, layer, points, 0.55)
    normal = solid.frame.rotation @ layer.hit.normal
    lit = light_up(colour, normal, identity.light, identity.light_colour, open_sky, 0.05, SKIN_SHADOW)
    return Painted(layer.hit.tau, layer.alpha, lit, layer.hit.point)


def paint_body(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> Painted:
    solid, neck, head = scene.solids.body, scene.solids.neck, scene.solids.head.pick(ALL, SKULL)
    layer = see(solid, points, scene.pixel)
    colour = paint_shirt(identity, layer.hit.point, scene.pixel)
    close = torch.maximum(0.5 * nearness(neck, layer, points, 0.18), 0.6 * nearness(head, layer, points, 0.6))
    if bool((identity.scarf > 0).any()):
        close = torch.maximum(close, 0.6 * nearness(scene.solids.scarf, layer, points, 0.2))
    return _cloth(identity, solid, layer, colour, 1 - close)


def paint_hair_layer(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> Painted:
    solid = scene.solids.hair
    layer = see(solid, points, scene.pixel)
    colour, gloss = paint_hair(identity, layer.hit.point)
    normal = solid.frame.rotation @ layer.hit.normal
    open_sky = (1 - 0.45 * edge(-0.1 - layer.hit.point[:, 1], 1.2)) * _under_hat(identity, scene, layer, points)
    lit = light_up(colour, normal, identity.light, identity.light_colour, open_sky, gloss, HAIR_SHADOW, 12.0)
    return Painted(layer.hit.tau, layer.alpha, lit, layer.hit.point)


def paint_hat_layer(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> Painted:
    solid = scene.solids.hat
    layer = see(solid, points, scene.pixel)
    colour = paint_hat(identity.hat, identity.hat_colour, layer.hit.point, scene.pixel)
    return _cloth(identity, solid, layer, colour, torch.ones_like(layer.alpha))


def paint_scarf_layer(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> Painted:
    solid, head = scene.solids.scarf, scene.solids.head.pick(ALL, SKULL)
    layer = see(solid, points, scene.pixel)
    colour = paint_scarf(identity.scarf_colour, layer.hit.point, scene.pixel)
    return _cloth(identity, solid, layer, colour, 1 - 0.6 * nearness(head, layer, points, 0.5))


def _cloth(identity: HeadIdentity, solid: Solid, layer: Layer, colour: Colour, open_sky: Field) -> Painted:
    """Shade cloth: hardly any gloss, cool shadows."""
    normal = solid.frame.rotation @ layer.hit.normal
    lit = light_up(colour, normal, identity.light, identity.light_colour, open_sky, 0.03, CLOTH_SHADOW)
    return Painted(layer.hit.tau, layer.alpha, lit, layer.hit.point)


def paint_glasses(identity: HeadIdentity, scene: Scene, points: Float[Tensor, "#b n 2"]) -> tuple[Painted, Painted]:
    """The front with its lenses, and the visible arm, as planes in the head frame."""
    rays = scene.solids.head.pencil
    h = torch.cat((points.mT, torch.ones_like(points.mT[:, :1])), 1)
    origin, direction = rays.origin @ h, rays.direction @ h
    tau = (GLASSES_Z - origin[:, 2]) / direction[:, 2]
    point = origin + tau[:, None] * direction
    frame, lens = glasses_cover(identity, proportions(identity), point, scene.pixel)
    shine = 0.10 + 0.12 * edge(((point[:, 0] + point[:, 1]) * 9).sin() - 0.5, 0.5)
    tinted = identity.glasses_colour[..., None] * (0.75 + 0.5 * (point[:, 1:2] + 0.2))
    colour = over(torch.ones_like(point), tinted, (frame / (frame + 0.2 * lens + 1e-4)).clamp(0, 1))
    front = Painted(tau, torch.maximum(frame, shine * lens), colour, point)

    side = 0.60 * identity.face_width[:, None] * (-direction[:, 0]).sign()
    tau = ((side - origin[:, 0]) / (direction[:, 0] + 1e-4 * (direction[:, 0] == 0))).clamp(-3, 9)
    point = origin + tau[:, None] * direction
    width = scene.pixel / (direction[:, 0].abs() * 4).clamp(0.15, 1)
    along = edge(GLASSES_Z - point[:, 2], width) * edge(point[:, 2] + 0.1, width)
    bar = edge(0.022 - (point[:, 1] - EYE_Y - 0.06).abs(), 1.2 * scene.pixel) * along * (identity.glasses > 0)[:, None]
    return front, Painted(tau, bar, tinted.clamp(0, 1) * 0.8, point)
