"""Skin, nose, mouth, beard and age, in face coordinates."""

import torch

from deepfake_core.synthetic.heads.anatomy import NOSE_Y, Proportions
from deepfake_core.synthetic.heads.expression import MOUTH_Y, Shifts
from deepfake_core.synthetic.heads.identity import BEARDS, HeadIdentity
from deepfake_core.synthetic.heads.paint_eyes import Skin
from deepfake_core.synthetic.render.brushes import Colour, Field, bump, edge, over, tint
from deepfake_core.synthetic.render.pose import HeadState


def paint_skin(identity: HeadIdentity, skin: Skin) -> Colour:
    """Bare skin: blush on cheeks, nose and ears, freckles, a shade below the lip, nostrils, the folds of age."""
    u, v, lateral = skin.u, skin.v, skin.u.abs()
    colour = identity.skin[..., None].expand(-1, -1, u.shape[1])
    rosy = (0.30 + 0.45 * identity.blush)[:, None]
    warm = (
        rosy * (bump(lateral - 0.36, v + 0.22, 0.19, 0.15) + 0.8 * bump(u, v - NOSE_Y + 0.02, 0.14, 0.10)) * skin.front
    )
    warm = warm + 0.45 * edge(lateral - 0.66, 0.1)
    colour = tint(colour, (1.03, 0.80, 0.77), warm)
    if bool((identity.freckles > 0).any()):
        spots = (58 * u + 9 * (31 * v).sin()).sin() * (53 * v + 7 * (37 * u).sin()).sin()
        speckle = edge(spots - 0.72, 0.4) * bump(lateral - 0.24, v + 0.13, 0.24, 0.12)
        colour = tint(colour, (0.78, 0.62, 0.52), 0.8 * identity.freckles[:, None] * speckle * skin.front)
    length, nose = identity.nose_length[:, None], identity.nose_size[:, None]
    nx, ny = (lateral - 0.052 * nose) / (0.034 * nose), (v - NOSE_Y * length + 0.082 * nose) / (0.019 * nose)
    nostril = edge(1 - (nx * nx + ny * ny + 1e-8).sqrt(), skin.soft * 45)
    colour = tint(colour, (0.42, 0.28, 0.26), 0.85 * nostril * skin.front)
    under = bump(u, v - NOSE_Y * length + 0.13 * nose, 0.13, 0.035)
    colour = tint(colour, (0.84, 0.72, 0.70), 0.6 * under * skin.front)
    colour = tint(colour, (0.82, 0.72, 0.70), 0.55 * bump(u, v - MOUTH_Y + 0.145, 0.13, 0.030) * skin.front)
    return _wrinkles(colour, identity, skin)


def _wrinkles(colour: Colour, identity: HeadIdentity, skin: Skin) -> Colour:
    """Furrows across the brow, crow's feet, and folds from nose to mouth, for old faces."""
    if bool((identity.young > 0).all()):
        return colour
    u, v, lateral, old = skin.u, skin.v, skin.u.abs(), (1 - identity.young)[:, None] * skin.front
    line = torch.zeros_like(u)
    for height in (0.44, 0.52, 0.60):
        curve = v - height + 0.10 * u * u + 0.008 * (9 * u + 40 * height).sin()
        line = torch.maximum(line, edge(0.006 - curve.abs(), 1.6 * skin.soft) * edge(0.34 - lateral, skin.soft * 8))
    for slope in (-0.35, 0.0, 0.35):
        out = lateral - 0.50
        crow = edge(0.005 - (v - 0.05 - slope * (out + 0.04)).abs(), 1.6 * skin.soft)
        line = torch.maximum(line, 0.8 * crow * edge(0.045 - (out - 0.01).abs(), skin.soft * 2))
    fold = lateral - 0.165 - 0.33 * (-0.25 - v) + 0.25 * (v + 0.25) ** 2
    crease = edge(0.007 - fold.abs(), 2 * skin.soft) * edge(0.13 - (v + 0.37).abs(), skin.soft * 4)
    line = torch.maximum(line, crease)
    return tint(colour, (0.66, 0.52, 0.48), 0.75 * line * old)


def paint_beard(colour: Colour, identity: HeadIdentity, skin: Skin) -> tuple[Colour, Field]:
    """Beard and moustache; also returns the share of skin that they cover."""
    if bool((identity.male * identity.beard == 0).all()):
        return colour, torch.zeros_like(skin.u)
    u, v, lateral = skin.u, skin.v, skin.u.abs()
    wide = 0.08
    jaw_line = v + 0.40 - 1.2 * (lateral - 0.30).clamp_min(0) - 0.9 * (0.24 - lateral).clamp(0, 0.03)
    jaw = edge(-jaw_line, wide) * edge(0.70 - lateral, wide)
    above = edge(0.065 - (v + 0.365 + 0.25 * u * u).abs(), wide * 0.8)
    above = above * edge(0.26 - lateral + 0.35 * (v + 0.36).clamp_max(0), wide)
    ring = ((u / 0.285) ** 2 + ((v + 0.60) / 0.30) ** 2 + 1e-8).sqrt()  # moustache, corners and chin in one ring
    chin = edge(1 - ring, wide * 2.5) * edge(0.03 - v - 0.62 + 1.1 * (lateral - 0.16).clamp_min(0), wide)
    full = torch.maximum(jaw, above)
    kinds = torch.stack(
        (torch.zeros_like(u), 0.50 * full, full, above, torch.maximum(chin, above * edge(0.29 - lateral, wide))), 1
    )
    chosen = kinds.gather(1, identity.beard[:, None, None].expand(-1, 1, u.shape[1]))[:, 0]
    cover = chosen * identity.male[:, None] * edge(skin.front - 0.25, wide * 6)
    strands = 0.84 + 0.16 * (64 * u + 1.6 * (13 * v).sin()).sin() * (0.65 + 0.35 * (33 * v + 21 * lateral).sin())
    hair = identity.hair_colour[..., None] * 0.80 * strands[:, None] + 0.015
    stubble = identity.beard == BEARDS.index("stubble")
    thick = torch.where(stubble, 0.62, 0.95)[:, None]
    return over(colour, hair, cover * thick), cover


def paint_hairline(colour: Colour, identity: HeadIdentity, skin: Skin, close: Field) -> Colour:
    """Hair roots that thin out over the skin next to the hair, where `close` is 1, for a soft hairline."""
    strands = 0.62 + 0.38 * (70 * skin.u + (5 * skin.v).sin()).sin()
    roots = ((close - 0.83) * (1 / 0.17)).clamp_min(0) ** 1.5 * strands * edge(skin.v - 0.12, 0.2)
    return over(colour, identity.hair_colour * 0.8, 0.75 * roots)


def skin_gloss(skin: Skin, lips: Field) -> Field:
    """Gloss of the skin: lower lip, tip and bridge of the nose, forehead."""
    u, v = skin.u, skin.v
    nose = 0.30 * bump(u, v - NOSE_Y - 0.03, 0.07, 0.06) + 0.10 * bump(u, v - 0.02, 0.05, 0.14)
    forehead = 0.07 * bump(u, v - 0.55, 0.26, 0.13)
    moist = lips * (0.10 + 0.34 * bump(u, v - MOUTH_Y + 0.045, 0.11, 0.022))
    return 0.09 + moist + (nose + forehead) * skin.front


def _enamel(identity: HeadIdentity, u: Field, across: Field, soft: Field) -> Colour:
    """A row of teeth: soft lines between them, darker towards the corners of the mouth."""
    line = edge((u * 48.0).cos() * 0.02 - 0.0175, soft)
    shade = (1 - 0.16 * line) * (1 - 0.42 * (across * across).clamp_max(1.5))
    return identity.skin.new_tensor((0.96, 0.94, 0.90))[None, :, None] * shade[:, None]


def paint_mouth(
    colour: Colour, identity: HeadIdentity, state: HeadState, sizes: Proportions, skin: Skin, moves: Shifts
) -> tuple[Colour, Field, Field]:
    """Lips, and teeth and tongue between them; returns colour, share of lips, and share of the open mouth."""
    u, soft = skin.u, skin.soft
    across = u / sizes.mouth_width
    arch = (1 - across * across).clamp_min(0)
    bow = 1 - 0.22 * bump(u, u * 0, 0.035, 1.0)
    height = skin.v - MOUTH_Y
    top = 0.72 * sizes.lip * arch * bow * (1 + 0.25 * arch)
    bottom = sizes.lip * arch.sqrt() * (0.35 + 0.65 * arch)
    lips = edge(torch.minimum(top - height, height + bottom), soft * 1.2)
    lips = lips * edge(1 - across.abs(), soft * 6) * skin.front
    lit = 1.0 + 0.30 * bump(u, height + 0.45 * sizes.lip, 0.13, 0.025) - 0.16 * (height > 0).float() * lips
    colour = over(colour, identity.lip_colour[..., None] * lit[:, None], (0.97 - 0.35 * identity.male)[:, None] * lips)
    corner = edge(1.10 - across.abs(), soft * 6) * skin.front
    seam = edge(0.008 - height.abs(), soft * 1.3) * corner
    dimple = bump(u.abs() - 1.08 * sizes.mouth_width, height, 0.030, 0.035) * skin.front
    colour = tint(colour, (0.36, 0.22, 0.22), 0.85 * torch.maximum(seam, 0.45 * dimple))
    # inside
    upper, lower = MOUTH_Y + moves.upper, MOUTH_Y + moves.lower
    hole = edge(torch.minimum(upper - skin.shown, skin.shown - lower), soft)
    hole = hole * edge(upper - lower - 0.004, soft) * corner
    inner = identity.skin.new_tensor((0.30, 0.07, 0.08))[None, :, None] * (0.75 + 0.9 * (upper - skin.shown)[:, None])
    tongue_top = lower + (0.45 * (upper - lower)).clamp_max(0.09) * (1 - (u / (0.75 * sizes.mouth_width)) ** 2)
    inner = over(inner, identity.skin.new_tensor(((0.80, 0.36, 0.36),)), edge(tongue_top - skin.shown, soft * 1.5))
    teeth = edge(skin.shown - upper + 0.055 + 0.02 * across * across, soft) * edge(0.86 - across.abs(), soft * 5)
    inner = over(inner, _enamel(identity, u, across, soft), teeth)
    inner = inner * (0.62 + 0.38 * edge(upper - skin.shown - 0.025, 0.04 + soft))[:, None]
    return over(colour, inner, hole), lips * (1 - hole), hole
