"""What a photograph of a calm face does not show: the inside of the mouth, and lids."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.photos.expression import Skin
from deepfake_core.synthetic.photos.fit import EYE, MOUTH, from_face
from deepfake_core.synthetic.photos.portrait import Portrait, sampled, spread
from deepfake_core.synthetic.render.pose import HeadState

Colour = Float[Tensor, "b 3 n"]
Points = Float[Tensor, "b n"]
EYE_WIDTH, EYE_TOP, EYE_BOTTOM = 0.150, 0.062, 0.048  # half width, heights of an open eye, head units
TONGUE, THROAT, ENAMEL = (0.62, 0.30, 0.28), (0.20, 0.06, 0.06), (0.95, 0.92, 0.86)


def edge(x: Points, width: float) -> Points:
    """0 below, 1 above zero, soft over `width`."""
    return (x / width + 0.5).clamp(0, 1)


def over(below: Colour, colour: Colour, share: Points) -> Colour:
    return below + share[:, None] * (colour - below)


def tinted(portrait: Portrait, colour: tuple[float, float, float], light: float) -> Colour:
    """A colour in the light of the cheeks; grey in a grey photograph."""
    skin = portrait.skin
    shade = skin.new_tensor(colour).expand(len(skin), 3)
    grey = (spread(skin) < 0.08)[:, None]
    shade = torch.where(grey, shade.mean(1, keepdim=True), shade)
    return (shade * (0.25 + light * skin.mean(1, keepdim=True)))[..., None]


def paint_mouth(colour: Colour, portrait: Portrait, state: HeadState, skin: Skin, shown: Points) -> Colour:
    """Throat, tongue and two rows of teeth in the tear between the lips."""
    face = portrait.face
    half = face.mouth[:, None]
    across = (skin.u / half).clamp(-1, 1)
    middle = MOUTH - face.curve[:, None] * (1 - across**2)
    depth = ((skin.top - shown) / (skin.top - skin.bottom).clamp_min(1e-3)).clamp(0, 1)
    light = 1 - 0.45 * across**2
    inner = tinted(portrait, THROAT, 0.8) * (1.15 - 0.5 * depth)[:, None]
    tongue = edge(depth - 0.62 - 0.2 * across**2, 0.25)
    inner = over(inner, tinted(portrait, TONGUE, 0.8) * light[:, None], 0.85 * tongue)
    lines = 1 - 0.10 * torch.exp(-((((skin.u * 11) % 1 - 0.5) / 0.10) ** 2))
    enamel = tinted(portrait, ENAMEL, 0.95) * (light * lines)[:, None]
    bite = middle - 0.045 + 0.05 * across**2  # the upper teeth's lower edge stands still
    upper = edge(shown - bite, 0.02) * edge(0.86 - across.abs(), 0.12) * (1 - face.toothy)[:, None]
    inner = over(inner, enamel * (1 - 0.25 * edge(shown - bite - 0.05, 0.08))[:, None], upper)
    lower = edge(skin.bottom + 0.035 - shown, 0.02) * edge(0.6 - across.abs(), 0.15)
    inner = over(inner, 0.8 * enamel, lower * (1 - upper))
    rim = edge(torch.minimum(skin.top - shown, shown - skin.bottom), 0.02)  # lips cast a shadow
    inner = inner * (0.55 + 0.45 * edge(skin.top - shown - 0.02, 0.06))[:, None]
    return over(colour, inner.clamp(0, 1), rim * skin.inside.float())


def in_eyes(skin: Skin) -> tuple[Points, Points, Points]:
    """Place in the nearer eye: across in [-1, 1], height above its middle, 1 inside the outline."""
    across = (skin.u.abs() - EYE[0]) / EYE_WIDTH
    height = skin.v - EYE[1]
    lens = (1 - across**2).clamp_min(0)
    inside = edge(torch.minimum(EYE_TOP * lens.sqrt() - height, height + EYE_BOTTOM * lens.sqrt()), 0.012)
    return across, height, inside * (lens > 0)


def gazed(state: HeadState, skin: Skin) -> Skin:
    """The skin's points, those of the eyes moved as the eyes look."""
    across, height, _ = in_eyes(skin)
    inner = (1 - across**2).clamp_min(0) * (1 - (height / 0.075) ** 2).clamp_min(0)
    return skin._replace(
        u=skin.u - 0.045 * state.gaze_x[:, None] * inner, v=skin.v - 0.02 * state.gaze_y[:, None] * inner
    )


def paint_lids(colour: Colour, portrait: Portrait, state: HeadState, skin: Skin) -> Colour:
    """Upper lids in the colour of the skin above the eye, with lashes on their edge."""
    across, height, inside = in_eyes(skin)
    lens = (1 - across**2).clamp_min(0).sqrt()
    line = (EYE_TOP - state.lids[:, None] * (EYE_TOP + 0.8 * EYE_BOTTOM)) * lens
    drawn = state.lids[:, None].clamp(0, 0.15) / 0.15
    covered = edge(height - line, 0.012) * inside * drawn
    above = EYE[1] + EYE_TOP + 0.035 + 0.25 * (height - line).clamp(-0.05, 0.05)
    lid = sum(sampled(portrait.image, from_face(portrait.fit, skin.u, above + lift)) for lift in (0.0, 0.02)) * 0.5
    lid = lid * (0.96 - 0.06 * lens)[:, None]
    colour = over(colour, lid, covered)
    lash = torch.exp(-(((height - line) / 0.011) ** 2)) * inside * drawn
    return over(colour, colour * 0.35, 0.8 * lash)
