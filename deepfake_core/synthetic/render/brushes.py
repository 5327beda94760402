"""Shared painting functions: soft edges, blending and shading."""

import torch
from jaxtyping import Float
from torch import Tensor

Colour = Float[Tensor, "b 3 n"]
Field = Float[Tensor, "b n"]


def edge(distance: Field, width: Float[Tensor, "#b #n"] | float) -> Field:
    """0 outside (distance < 0) to 1 inside, across `width` around the edge."""
    return (distance / width + 0.5).clamp(0, 1)


def bump(x: Field, y: Field, width: float, height: float) -> Field:
    """exp(-(x / width)^2 - (y / height)^2), clamped to avoid slow denormal numbers."""
    x, y = x * (1 / width), y * (1 / height)
    return (x * x + y * y).clamp_max_(40).neg_().exp_()


def over(base: Colour, colour: Tensor, share: Field) -> Colour:
    """Blend a colour, (b, 3) or (b, 3, n), over the base."""
    colour = colour if colour.dim() == 3 else colour[..., None]
    return base + (colour - base) * share[:, None]


def tint(base: Colour, factor: tuple[float, float, float], share: Field) -> Colour:
    """Multiply the base by a factor per channel, weighted by `share`."""
    deviation = base.new_tensor(factor)[:, None] - 1
    return base * (1 + deviation * share[:, None])


def light_up(
    albedo: Colour,
    normal: Float[Tensor, "b 3 n"],
    light: Float[Tensor, "b 3"],
    light_colour: Float[Tensor, "b 3"],
    open_sky: Field,
    gloss: Field | float,
    shadow_tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
    sharpness: float = 18.0,
) -> Colour:
    """Shade a surface; all vectors are in the world frame.

    The sum of a wrapped diffuse key light, ambient light from the sky, of which `open_sky` (1: all) is visible, a
    soft specular highlight, and a faint rim light. `shadow_tint` colours the shaded side (red for skin).
    """
    facing = torch.einsum("bc,bcn->bn", light, normal)
    diffuse = ((facing + 0.35) * (1 / 1.35)).clamp_min(0)
    sky = 0.5 + 0.5 * normal[:, 1]
    shade = albedo.new_tensor(shadow_tint)[:, None]
    dark = (1 - diffuse)[:, None] * open_sky[:, None]
    ambient = (0.36 + 0.16 * sky) * (0.35 + 0.65 * open_sky)
    key = (0.66 * diffuse * (0.45 + 0.55 * open_sky))[:, None] * light_colour[..., None]
    half = light + light.new_tensor((0.0, 0.0, 1.0))
    half = half / half.norm(dim=1, keepdim=True)
    shine = torch.einsum("bc,bcn->bn", half, normal).clamp_min(0.1).log().mul(sharpness).exp() * gloss
    rim = (1 - normal[:, 2]).clamp(0, 1) ** 3 * sky * 0.16
    lit = albedo * (ambient[:, None] * (1 + (shade - 1) * dark) + key + rim[:, None])
    return lit + (shine * open_sky)[:, None] * light_colour[..., None]
