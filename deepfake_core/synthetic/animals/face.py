"""Eyes, nose, mouth and whiskers of an animal, painted on both halves at once, with |u| pointing outwards."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.animals.anatomy import EYE_Y, MOUTH_Y, NOSE_Y, Proportions, nose_depth
from deepfake_core.synthetic.animals.identity import AnimalIdentity
from deepfake_core.synthetic.animals.state import AnimalState
from deepfake_core.synthetic.render.brushes import Colour, Field, bump, edge, over, tint

_RIM = (0.07, 0.05, 0.05)
_TONGUE, _THROAT = (0.90, 0.46, 0.47), (0.27, 0.08, 0.09)


class Face(NamedTuple):
    """Points of the head."""

    u: Float[Tensor, "b n"]
    v: Float[Tensor, "b n"]
    z: Float[Tensor, "b n"]
    facing: Float[Tensor, "b n"]  # 1 where the skin looks ahead, 0 at its sides
    soft: Float[Tensor, "b n"]  # width of an edge that looks sharp: about a pixel, more where seen aslant


def paint_eyes(
    colour: Colour, identity: AnimalIdentity, state: AnimalState, sizes: Proportions, face: Face
) -> tuple[Colour, Field, Field]:
    """Returns colour, the share of the eyeballs, and highlights to add after shading."""
    side, soft = face.u.sign(), face.soft
    turn = identity.eye_tilt[:, None]
    across, up = face.u.abs() - sizes.eye_x, face.v - EYE_Y
    x, y = across * turn.cos() + up * turn.sin(), up * turn.cos() - across * turn.sin()
    front = edge(face.z - 0.15, 0.1)
    out = x / sizes.eye_width
    arch = (1 - out * out).clamp_min(0) ** 0.75
    wide = sizes.eye_height * arch
    upper, lower = wide * (1 - 1.80 * state.lids[:, None]), -0.88 * wide
    opening = torch.minimum(upper - y, y - lower)
    ball = edge(opening - 0.004, soft) * front
    # a dark rim around the opening, pointed at the inner corner
    ring = (0.026 + 0.030 * (-out - 0.6).clamp(0, 0.4)) * ((1.20 - out.abs()) * 4).clamp(0, 1)
    rim = edge(opening + ring * (1 + 0.3 * (y > 0)), 1.3 * soft) * (ring > 0) * front
    socket = bump(out, y, 1.6, 0.26) * front
    colour = tint(colour, (0.80, 0.76, 0.74), 0.40 * socket)
    lid = edge(torch.minimum(wide - y, y - upper), soft) * front * edge(1 - out.abs(), soft * 6)
    colour = over(colour, colour.new_tensor((_RIM,)), 0.92 * (rim - 0.82 * lid).clamp_min(0))
    iris, glint = _eyeball(identity, state, sizes, x, y, side, soft)
    shadow = 1 - 0.40 * edge(0.035 - (upper - y), 0.05 + soft)
    return over(colour, iris * shadow[:, None], ball), ball, glint * ball


def _eyeball(
    identity: AnimalIdentity, state: AnimalState, sizes: Proportions, x: Field, y: Field, side: Field, soft: Field
) -> tuple[Colour, Field]:
    """A large iris with its pupil; and two glints on the side of the light."""
    radius = 0.98 * sizes.eye_height
    gx, gy = (0.045 * state.gaze_x)[:, None] * side, (0.030 * state.gaze_y)[:, None]
    px, py = x - gx + 0.006, y - gy - 0.006
    distance = (px * px + py * py + 1e-8).sqrt()
    white = identity.eye_colour.new_tensor((0.90, 0.87, 0.83))[None, :, None]
    light = (0.80 - 0.55 * py / radius + 0.25 * (distance / radius)).clamp(0.5, 1.5)
    iris = (identity.eye_colour[..., None] * light[:, None]).clamp(0, 1)
    iris = iris * (1 - 0.55 * edge(distance - 0.84 * radius, 2.0 * soft))[:, None]
    colour = white + (iris - white) * edge(radius - distance, soft)[:, None]
    narrow = (1 - 0.58 * identity.slit)[:, None]
    tall = 0.56 + 0.16 * identity.slit[:, None]
    pupil = ((px / narrow) ** 2 + (py * 0.56 / tall) ** 2 + 1e-8).sqrt()
    colour = colour * (1 - 0.96 * edge(0.56 * radius - pupil, soft * 1.2))[:, None]
    towards = torch.where(state.light[:, 0] > 0, 1.0, -1.0)[:, None] * side
    ax, ay = x - 0.34 * radius * towards, y - 0.36 * radius
    glint = edge(0.28 * radius - (ax * ax + ay * ay + 1e-8).sqrt(), soft)
    bx, by = x + 0.32 * radius * towards, y + 0.42 * radius
    return colour, glint + 0.40 * edge(0.17 * radius - (bx * bx + by * by + 1e-8).sqrt(), soft)


def paint_muzzle(colour: Colour, identity: AnimalIdentity, sizes: Proportions, face: Face) -> Colour:
    """Shade on the flanks of a muzzle, in the crease around it and under the upper lip; a longer one casts more.

    Light from a wide sky leaves a muzzle flat, since the solids know nothing of what they hide from each other.
    """
    long = 0.25 + 0.75 * identity.muzzle_length[:, None]
    across, up = face.u / (1.22 * sizes.mouth_width), (face.v + 0.26) * (1 / 0.29)
    reach = (across * across + up * up + 1e-6).sqrt()
    flank = edge(face.z - 0.35, 0.3) * (1 - face.facing)
    crease = bump(reach - 1.1, 0.5 * up, 0.24, 1.2) * edge(face.z - 0.1, 0.2)
    lip = edge(MOUTH_Y - 0.02 - face.v, 0.05) * edge(1.05 - reach, 0.3)
    return tint(colour, (0.58, 0.53, 0.53), ((0.60 * flank + 0.52 * crease + 0.26 * lip) * long).clamp_max(1))


def paint_mouth(colour: Colour, identity: AnimalIdentity, sizes: Proportions, face: Face) -> tuple[Colour, Field]:
    """The line under the whisker pads, and tongue and throat where it opens; also the share of the opening."""
    u, v, soft = face.u, face.v, face.soft
    across = (u / sizes.mouth_width).abs()
    front = edge(face.z - 0.30 - 0.48 * identity.muzzle_length[:, None], 0.1)  # on the muzzle, not on the cheeks
    pads = (6.28 * across.clamp_max(0.5)).sin().clamp_min(0)  # each pad sags between the middle and its corner
    line = MOUTH_Y - 0.045 * pads + 0.048 * across * across
    gap = sizes.gap * (1.05 - across.clamp_max(1.0) ** 2).clamp_min(0)
    low = line - gap
    within = edge(1.02 - across, soft * 5) * front
    hole = edge(torch.minimum(line - v, v - low), soft) * edge(gap - 0.012, 0.02) * within
    hole = hole * edge(face.facing - 0.32, 0.25)  # on flanks it would tear open along z
    depth = ((line - v) / (gap + 0.02)).clamp(0, 1)
    inner = colour.new_tensor(_THROAT)[None, :, None] * (0.8 + 0.5 * depth)[:, None]
    fangs = edge(0.028 - (across - 0.50).abs() * 0.25 - 0.5 * (line - v), soft) * edge(sizes.gap - 0.05, 0.03)
    inner = over(inner, colour.new_tensor(((0.97, 0.95, 0.90),)), fangs)
    tongue = edge(
        1 - (u / (0.58 * sizes.mouth_width)) ** 2 - ((v - low - 0.1 * sizes.gap) / (0.62 * sizes.gap + 0.01)) ** 2, 0.3
    )
    groove = 1 - 0.25 * edge(0.010 - u.abs(), 2 * soft)
    inner = over(inner, colour.new_tensor(_TONGUE)[None, :, None] * groove[:, None], tongue)
    thin = 0.013 - 0.008 * across * across  # towards the corners
    lips = edge(thin - torch.minimum((v - line).abs(), (v - low).abs()), 1.4 * soft) * within
    lips = lips * edge(face.facing - 0.30, 0.3)  # nor does the line run off along a flank
    colour = over(colour, colour.new_tensor((_RIM,)), 0.75 * lips)
    philtrum = edge(0.009 - u.abs(), 1.4 * soft) * edge(NOSE_Y - v, soft) * edge(v - line, soft) * front
    colour = over(colour, colour.new_tensor((_RIM,)), 0.65 * philtrum)
    return over(colour, inner, hole), hole


def paint_nose(colour: Colour, identity: AnimalIdentity, sizes: Proportions, face: Face) -> tuple[Colour, Field]:
    """A rounded triangle with nostrils; also its share."""
    width = sizes.nose
    up = (face.v - NOSE_Y) / (0.62 * width)
    half = width * (0.42 + 0.58 * ((up + 1.0) * 0.5).clamp(0, 1) ** 0.7)
    top = 1 - 0.25 * (face.u / width) ** 2
    inside = torch.minimum(half - face.u.abs(), (torch.minimum(top - up, up + 1.0)) * 0.62 * width)
    near = edge(face.z - nose_depth(identity)[:, None] + 0.13, 0.08)
    share = edge(inside + 0.006, 1.2 * face.soft) * near
    leather = identity.nose_colour[..., None] * (1.0 + 0.35 * up.clamp(-1, 1))[:, None]
    colour = over(colour, colour.new_tensor((_RIM,)), 0.35 * edge(inside + 0.022, 1.5 * face.soft) * near)
    colour = over(colour, leather.clamp(0, 1), share)
    x, y = (face.u.abs() - 0.50 * width) / (0.26 * width), (up + 0.18) / 0.30
    nostril = edge(1 - (x * x + y * y + 1e-8).sqrt(), 0.5) * share
    return tint(colour, (0.25, 0.22, 0.22), nostril), share


def paint_whisker_pads(colour: Colour, identity: AnimalIdentity, sizes: Proportions, face: Face) -> Colour:
    """Rows of dots from which the whiskers grow, and a soft shade below the nose."""
    across, y = face.u.abs() / sizes.mouth_width, face.v
    dots = torch.zeros_like(y)
    for row, (start, height) in enumerate(((0.42, -0.255), (0.36, -0.305), (0.44, -0.350))):
        step = (across - start - 0.05 * row) / 0.16
        cell = step - step.round().clamp(0, 2)
        spot = (cell * 0.16 * sizes.mouth_width) ** 2 + (y - height) ** 2
        dots = torch.maximum(dots, edge(0.0135 - (spot + 1e-8).sqrt(), 1.5 * face.soft))
    dots = dots * edge(face.z - 0.3, 0.1) * edge(face.facing - 0.45, 0.3)  # on flanks they would smear along z
    return tint(colour, (0.42, 0.36, 0.34), 0.7 * dots * identity.whiskers[:, None])
