"""How expression moves a portrait's skin: the columns' map of `synthetic.expression`, for faces with a curved mouth.

Heights v of a calm face move to v + d, piecewise linearly with knots that depend on the column u. An open mouth tears
the map along the line between the lips; the tear shows the inside of the mouth. A smile widens the mouth as well.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.synthetic.photos.fit import MOUTH
from deepfake_core.synthetic.render.pose import HeadState

Points = Float[Tensor, "b n"]
UPPER = (0.85, 0.42, 0.25, 0.14, -0.26, -0.42)  # hair's end, brow's top and bottom, eye's end, nose's end, upper lip
LOWER = (-0.62, -0.93, -1.45)  # lower lip, chin, neck
JAW = 0.17  # by how much the chin of an open mouth hangs lower, head units
GAP = 0.27  # height of a wide open mouth


class Face(NamedTuple):
    """What the columns' map needs to know of b faces."""

    mouth: Float[Tensor, "b"]  # half its width, head units
    curve: Float[Tensor, "b"]  # by how much its middle lies below the line through its corners
    toothy: Float[Tensor, "b"]  # 1 where the photograph shows the teeth already


class Knots(NamedTuple):
    """Heights between which a map is linear, from above to below, in a calm face and under an expression."""

    calm: Float[Tensor, "k b n"]
    shown: Float[Tensor, "k b n"]


def knots(face: Face, state: HeadState, u: Points) -> tuple[Knots, Knots]:
    """Knots of the face above the line between the lips, and below it, at the columns u of the expression."""
    across = (u / face.mouth[:, None]) ** 2
    near = (1 - (u * (1 / 0.58)) ** 2).clamp_min(0)
    curve = face.curve[:, None] * (1 - across).clamp_min(-0.5)
    bend = (0.09 * state.smile)[:, None] * (across.clamp_max(1.8) - 0.30) * near
    gap = (GAP * state.mouth_open)[:, None] * (1 - across).clamp_min(0)
    chin = -(JAW * state.mouth_open)[:, None] * near
    lift = (0.22 * (1 - face.toothy))[:, None]
    brow = (0.065 * state.brow_raise)[:, None] * (1 - (u * (1 / 0.72)) ** 2).clamp_min(0)
    upper, lower, none = bend + lift * gap, bend - (1 - lift) * gap, torch.zeros_like(u)

    def stacked(heights: tuple[float, ...], curves: tuple[Tensor, ...], moves: tuple[Tensor, ...]) -> Knots:
        calm = torch.stack([height - bent for height, bent in zip(heights, curves, strict=True)])
        return Knots(calm, calm + torch.stack(moves))

    above = stacked((*UPPER, MOUTH), (none,) * 5 + (curve,) * 2, (none, brow, brow, none, none, upper, upper))
    below = stacked((MOUTH, *LOWER), (curve, curve, none, none), (lower, lower, chin + 0 * bend, none))
    return above, below


def mapped(v: Points, before: Float[Tensor, "k b n"], after: Float[Tensor, "k b n"]) -> Points:
    """Piecewise linear from the heights `before` to the heights `after`; shifted beyond the first and the last."""
    out = after[0] + (v - before[0]).clamp_min(0) + (v - before[-1]).clamp_max(0)
    for high, low, new_high, new_low in zip(before[:-1], before[1:], after[:-1], after[1:], strict=True):
        share = ((high - v) / (high - low).clamp_min(1e-3)).clamp(0, 1)
        out = out + share * (new_low - new_high)
    return out


def widening(face: Face, state: HeadState, u: Points, v: Points) -> Points:
    """By how much a smile pulls the columns u apart at the calm height v; a pout draws them together."""
    side = u / (1.3 * face.mouth[:, None])
    return (0.075 * state.smile)[:, None] * side * torch.exp(-(side**2) - ((v - MOUTH) / 0.26) ** 2)


class Skin(NamedTuple):
    """Points of a picture's face, in the calm face."""

    u: Points
    v: Points
    inside: Bool[Tensor, "b n"]  # in the open mouth
    top: Points  # the shown heights of upper and lower lip at the columns
    bottom: Points


def calm(face: Face, state: HeadState, u: Points, shown: Points) -> Skin:
    """From where an expression shows the skin to where it lies in a calm face."""
    above, below = knots(face, state, u)
    top, bottom = above.shown[-1], below.shown[0]
    v = mapped(shown, above.shown, above.calm).where(
        shown >= (top + bottom) / 2, mapped(shown, below.shown, below.calm)
    )
    middle = above.calm[-1]
    v = v.clamp_min(middle).where(shown >= (top + bottom) / 2, v.minimum(middle))
    inside = (shown < top) & (shown > bottom)
    return Skin(u - widening(face, state, u, v), v, inside, top, bottom)


def displaced(face: Face, state: HeadState, u: Points, v: Points) -> tuple[Points, Points]:
    """From the calm face to where an expression shows it; the inverse of `calm`."""
    wide = u
    for _ in range(6):  # a contraction: the columns move by less than they are apart
        wide = u + widening(face, state, wide, v)
    above, below = knots(face, state, wide)
    shown = mapped(v, above.calm, above.shown).where(v >= above.calm[-1], mapped(v, below.calm, below.shown))
    return wide, shown
