"""Eyes, lids, lashes and brows, painted on both halves of the face at once, with |u| pointing outwards."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.heads.anatomy import BROW_Y, EYE_Y, Proportions
from deepfake_core.synthetic.heads.identity import HeadIdentity
from deepfake_core.synthetic.render.brushes import Colour, Field, bump, edge, over, tint
from deepfake_core.synthetic.render.pose import HeadState


class Skin(NamedTuple):
    """Points of the face."""

    u: Float[Tensor, "b n"]
    v: Float[Tensor, "b n"]  # height on the calm face
    shown: Float[Tensor, "b n"]  # height as it stands
    front: Float[Tensor, "b n"]  # 1 on the face, 0 on the sides and the back of the head
    soft: Float[Tensor, "b n"]  # width of an edge that looks sharp: about a pixel, more where the skin is seen aslant


class Lids(NamedTuple):
    """The opening of the eye in each point's column; heights relative to the eye's centre."""

    out: Float[Tensor, "b n"]  # outwards from the eye's centre, in half widths
    height: Float[Tensor, "b n"]
    upper: Float[Tensor, "b n"]  # upper lid as it stands
    crease: Float[Tensor, "b n"]  # upper lid wide open
    lower: Float[Tensor, "b n"]


def lids(identity: HeadIdentity, state: HeadState, sizes: Proportions, skin: Skin) -> Lids:
    """Almond-shaped lids; blinking brings the upper one down to the lower one."""
    out = (skin.u.abs() - sizes.eye_x) / sizes.eye_width
    arch = 1 - out * out
    lift = (0.012 + 0.014 * identity.eye_tilt)[:, None] * out
    closed = (state.lids + 0.10 * state.smile.clamp_min(0)).clamp(0, 1)[:, None]
    rest = (0.08 + 0.08 * (1 - identity.young))[:, None]
    crease = sizes.eye_height * arch * (1 - 0.12 * out)
    lower = -0.72 * sizes.eye_height * arch * (1 - 0.18 * state.smile.clamp_min(0)[:, None])
    upper = crease + (lower - crease) * (closed + rest * (1 - closed)) * 0.97
    return Lids(out, skin.v - EYE_Y - lift, upper, crease, lower)


def paint_eyes(
    colour: Colour, identity: HeadIdentity, state: HeadState, sizes: Proportions, skin: Skin
) -> tuple[Colour, Field, Field]:
    """Returns colour, the share of the eyeball, and highlights to add after shading."""
    lid = lids(identity, state, sizes, skin)
    soft = skin.soft
    near = edge(1.6 - lid.out.abs(), soft * 4) * skin.front
    slant = 1 + 0.7 * lid.out * lid.out
    # lids: warm shade in the socket, a crease, a shadow under the eye with age
    socket = bump(lid.out, lid.height - 0.05, 1.25, 0.13) * near
    colour = tint(colour, (0.86, 0.76, 0.74), 0.55 * socket)
    fold = edge(0.006 - (lid.height - lid.crease * 1.25 - 0.020).abs(), soft * 1.3)
    fold = fold * edge(1.0 - lid.out.abs(), soft * 8)
    colour = tint(colour, (0.60, 0.46, 0.42), 0.65 * fold * near)
    bag = edge(0.010 - (lid.height - lid.lower * 1.35 + 0.035).abs(), soft * 2) * edge(0.8 - lid.out.abs(), soft * 8)
    colour = tint(colour, (0.72, 0.60, 0.58), (0.25 + 0.5 * (1 - identity.young))[:, None] * bag * near)
    # the ball
    opening = torch.minimum(lid.upper - lid.height, lid.height - lid.lower) / slant
    ball = edge(opening, soft) * edge(1.0 - lid.out.abs(), soft * 6) * near
    side = skin.u.sign()
    x = lid.out * sizes.eye_width - (0.055 * state.gaze_x)[:, None] * side + 0.008
    y = lid.height - (0.032 * state.gaze_y)[:, None] - 0.012
    white, glint = _ball(identity, sizes, x, y, side, lid, soft)
    colour = over(colour, white, ball)
    # lashes along the upper lid, a fine line along the lower one
    female = (1 - identity.male)[:, None]
    thick = (0.012 + 0.010 * female) * (1 + 0.5 * lid.out.clamp(-1, 1) * female)
    lash = edge(thick - (lid.height - lid.upper - 0.4 * thick).abs() / slant, soft)
    lash = lash * edge(1.08 - lid.out.abs(), soft * 5)
    wing = edge(0.012 - (lid.height - 0.055 * (lid.out - 0.95) - 0.012).abs(), soft)
    wing = wing * edge(0.2 - (lid.out - 1.12).abs(), soft * 6)
    ink = torch.maximum(lash, wing * female) * near
    under = edge(0.005 - (lid.height - lid.lower).abs() / slant, soft * 1.4) * edge(1 - lid.out.abs(), soft * 6) * near
    dark = torch.lerp(identity.hair_colour * 0.25, colour.new_tensor((0.09, 0.06, 0.06)).expand_as(identity.skin), 0.7)
    colour = over(tint(colour, (0.55, 0.40, 0.38), 0.55 * under), dark, 0.95 * ink)
    return colour, ball * (1 - ink), glint * ball * (1 - ink)


def _ball(
    identity: HeadIdentity, sizes: Proportions, x: Field, y: Field, side: Field, lid: Lids, soft: Field
) -> tuple[Colour, Field]:
    """White, iris and pupil, with the lid's shadow; and two glints on the side of the light."""
    radius, distance = 0.80 * sizes.eye_height, (x * x + y * y + 1e-8).sqrt()
    white = identity.skin.new_tensor((0.97, 0.955, 0.945))[None, :, None] * (1 - 0.10 * (lid.out * lid.out))[:, None]
    iris = identity.eye_colour[..., None] * (0.85 + 0.75 * (-y / radius).clamp(-0.6, 1))[:, None]
    iris = iris * (1 - 0.65 * edge(distance - 0.86 * radius, soft * 1.5))[:, None]
    collar = 1 - ((distance - 0.56 * radius) / (0.16 * radius)) ** 2  # a paler, warmer ring around the pupil
    iris = tint(iris, (1.45, 1.30, 1.10), 0.8 * collar.clamp_min(0))
    colour = white + (iris.clamp(0, 1) - white) * edge(radius - distance, soft)[:, None]
    colour = colour * (1 - 0.93 * edge(0.46 * radius - distance, soft))[:, None]
    colour = colour * (1 - 0.46 * edge(0.026 - (lid.upper - lid.height), 0.06 + soft))[:, None]
    towards = torch.where(identity.light[:, 0] > 0, 1.0, -1.0)[:, None] * side  # light's side, in outward coordinates
    gx, gy = x - 0.36 * radius * towards, y - 0.36 * radius
    glint = edge(0.27 * radius - (gx * gx + gy * gy + 1e-8).sqrt(), soft)
    hx, hy = x + 0.36 * radius * towards, y + 0.40 * radius
    return colour, glint + 0.35 * edge(0.16 * radius - (hx * hx + hy * hy + 1e-8).sqrt(), soft)


def paint_brows(colour: Colour, identity: HeadIdentity, sizes: Proportions, skin: Skin) -> Colour:
    """Tapering arcs of hair above the eyes."""
    out = (skin.u.abs() - sizes.eye_x) / 0.205
    arch = (0.040 + 0.016 * identity.brow_arch + 0.008 * (1 - identity.male))[:, None]
    middle = BROW_Y - 0.020 + arch * (1 - (out - 0.10) ** 2)
    thick = sizes.brow * (1.05 - 0.35 * out - 0.55 * (-0.55 - out).clamp_min(0))
    hairs = 0.93 + 0.07 * (95 * skin.u.abs() - 60 * skin.v).sin()
    ends = edge(1.0 - out, skin.soft * 6 + 0.12) * edge(out + 0.90, skin.soft * 6 + 0.30)
    share = edge(thick - (skin.v - middle).abs(), skin.soft * 1.3 + 0.012) * ends
    dark = identity.hair_colour * 0.58 + 0.02
    return over(colour, dark, 0.92 * share * hairs * skin.front)
