"""Movement of the skin by expressions: a map of the face's height v, column by column, with its inverse in closed form.

The face is painted in the coordinates (u, v) = (x, y) of the head frame with a calm face. An expression moves the skin
at (u, v) to (u, v + d), where d is piecewise linear in v with knots that depend on u: the brows carry the forehead, the
upper lip the skin below the nose, the lower lip the skin down to the chin. Opening the mouth tears the map at the line
between the lips; what shows in the tear is the inside of the mouth. Every piece is increasing in v, so that its inverse
is again piecewise linear.
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.synthetic.render.pose import HeadState

MOUTH_Y = -0.50
_NOSE_END, _UPPER_LIP = -0.26, -0.42  # the upper lip's movement fades from the second to the first
_LOWER_LIP, _CHIN = -0.62, -0.97  # the lower lip's movement turns into the jaw's from the first to the second
_EYE_END, _BROW_LOW, _BROW_HIGH, _HAIR_END = 0.14, 0.25, 0.40, 0.80


class Shifts(NamedTuple):
    """Movement along v at each point's column u, head units, + up."""

    brow: Float[Tensor, "b n"]
    upper: Float[Tensor, "b n"]
    lower: Float[Tensor, "b n"]
    chin: Float[Tensor, "b n"]


def jaw_drop(state: HeadState) -> Float[Tensor, "b"]:
    """How far the chin is lowered, in head units."""
    return 0.10 * state.mouth_open


def shifts(state: HeadState, mouth_width: Float[Tensor, "b 1"], u: Float[Tensor, "b n"]) -> Shifts:
    """Movements of the columns u under an expression."""
    across = (u / mouth_width) ** 2
    near = (1 - (u * (1 / 0.56)) ** 2).clamp_min(0)
    bend = (0.02 + 0.09 * state.smile)[:, None] * (across.clamp_max(1.8) - 0.30) * near
    gap = (0.27 * state.mouth_open)[:, None] * (1 - across).clamp_min(0)
    return Shifts(
        brow=(0.065 * state.brow_raise)[:, None] * (1 - (u * (1 / 0.72)) ** 2).clamp_min(0),
        upper=bend + 0.22 * gap,
        lower=bend - 0.78 * gap,
        chin=-jaw_drop(state)[:, None] * near,
    )


def displaced(v: Float[Tensor, "b n"], moves: Shifts) -> Float[Tensor, "b n"]:
    """The height of the skin under an expression, from its neutral height v."""
    brow = moves.brow * _plateau(v, _EYE_END, _BROW_LOW, _BROW_HIGH, _HAIR_END)
    upper = moves.upper * ((_NOSE_END - v) * (1 / (_NOSE_END - _UPPER_LIP))).clamp(0, 1)
    down = ((_LOWER_LIP - v) * (1 / (_LOWER_LIP - _CHIN))).clamp(0, 1)
    lower = moves.lower + (moves.chin - moves.lower) * down
    return v + brow + upper.where(v >= MOUTH_Y, lower)


def calm(shown: Float[Tensor, "b n"], moves: Shifts) -> Float[Tensor, "b n"]:
    """Inverse of `displaced`; heights inside the open mouth go to the line between the lips."""
    high = _plateau(shown, _EYE_END, _BROW_LOW + moves.brow, _BROW_HIGH + moves.brow, _HAIR_END)
    up = ((_NOSE_END - shown) / (_NOSE_END - _UPPER_LIP - moves.upper)).clamp(0, 1)
    from_above = shown - moves.brow * high - moves.upper * up
    turn, end = _LOWER_LIP + moves.lower, _CHIN + moves.chin
    down = ((turn - shown) / (turn - end)).clamp(0, 1)
    from_below = shown - moves.lower - (moves.chin - moves.lower) * down
    middle = MOUTH_Y + 0.5 * (moves.upper + moves.lower)
    return from_above.clamp_min(MOUTH_Y).where(shown >= middle, from_below.clamp_max(MOUTH_Y))


def inside_mouth(shown: Float[Tensor, "b n"], moves: Shifts) -> Bool[Tensor, "b n"]:
    """Whether a height lies in the opening between the lips."""
    return (shown < MOUTH_Y + moves.upper) & (shown > MOUTH_Y + moves.lower)


def _plateau(v: Tensor, low: float, rise: Tensor | float, fall: Tensor | float, high: float) -> Tensor:
    """0 below `low`, 1 between `rise` and `fall`, 0 above `high`, linear in between."""
    return ((v - low) / (rise - low)).clamp(0, 1).minimum(((high - v) / (high - fall)).clamp(0, 1))
