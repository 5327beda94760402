"""A pose and an expression as numbers, their text, and the path through several of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, get_args

from deepfake_core.errors import BadRequest

LIMITS = {
    "yaw": (-30.0, 30.0),
    "pitch": (-20.0, 20.0),
    "roll": (-20.0, 20.0),
    "scale": (0.8, 1.25),
    "shift_x": (-0.15, 0.15),
    "shift_y": (-0.15, 0.15),
    "mouth_open": (0.0, 1.0),
    "smile": (-1.0, 1.0),
}
"""Least and largest value of each control."""
Region = Literal["all", "mouth", "pose"]
REGIONS: tuple[Region, ...] = get_args(Region)
"""Of a driver's motion: everything; only what the mouth does; only how the head is turned, its size and place."""
MOVE = 20
"""Frames from one pose of a clip to the next."""
MOST_POSES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Controls:
    """A pose and an expression, as a difference from the portrait's own: the defaults change nothing."""

    yaw: float | int = 0.0
    """Degrees, + to the right of the picture."""
    pitch: float | int = 0.0
    """Degrees, + up."""
    roll: float | int = 0.0
    """Degrees, + tilts the crown to the right."""
    scale: float | int = 1.0
    """Size of the head as a multiple."""
    shift_x: float | int = 0.0
    """To the right, in widths of the crop."""
    shift_y: float | int = 0.0
    """Down, in heights of the crop."""
    mouth_open: float | int = 0.0
    """0 to 1."""
    smile: float | int = 0.0
    """-1 (sad) to 1."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for a value out of range."""
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise BadRequest(f"{name} must be between {least:g} and {most:g}, got {value}")

    def towards(self, other: "Controls", share: float) -> "Controls":
        """The controls at a share of the way to others, from 0 (these) to 1."""
        here, there = asdict(self), asdict(other)
        mixed = {name: (1 - share) * here[name] + share * there[name] for name in LIMITS}
        return Controls(**{name: min(max(mixed[name], least), most) for name, (least, most) in LIMITS.items()})


REST = Controls()
RESTS = "rest"
"""The text of `REST`."""


def poses_of(text: str) -> tuple[Controls, ...]:
    """The poses of a text with one a line, as `in_words` writes them: "yaw 20, smile 0.5".

    Raises `BadRequest` for an unknown control, a value that is no number or out of range, and for more than
    `MOST_POSES` lines.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_POSES:
        raise BadRequest(f"at most {MOST_POSES} poses are possible, got {len(lines)}; remove some lines")
    return tuple(_pose_of(line) for line in lines)


def _pose_of(line: str) -> Controls:
    values: dict[str, float] = {}
    for part in [] if line == RESTS else line.split(","):
        name, _, value = part.strip().partition(" ")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise BadRequest(f"{part.strip()!r} is not a control and its number, such as 'yaw 20'") from error
        if name not in LIMITS:
            raise BadRequest(f"unknown control {name!r}; choose from {', '.join(LIMITS)}")
    return Controls(**values)


def in_words(pose: Controls) -> str:
    """The values that differ from the rest: "yaw 20, smile 0.5"."""
    changed = {name: value for name, value in asdict(pose).items() if value != getattr(REST, name)}
    return ", ".join(f"{name} {value:g}" for name, value in changed.items()) or RESTS


def path_through(poses: Sequence[Controls]) -> list[Controls]:
    """The frames of a clip from rest through all poses and back, which begins and ends every move slowly."""
    frames = [REST]
    for here, there in pairwise((REST, *poses, REST)):
        shares = [(step + 1) / MOVE for step in range(MOVE)]
        frames += [here.towards(there, share * share * (3 - 2 * share)) for share in shares]
    return frames
