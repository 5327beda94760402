"""What part of a picture a network sees, as a value: resolved where the picture is decoded, once."""

from dataclasses import dataclass

from deepfake_core.errors import BadRequest
from deepfake_core.faces.box import Box


@dataclass(frozen=True, slots=True)
class Face:
    """The square around the largest face."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The largest square in the middle: all of a square picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """A square that the user drew, in fractions of the picture, so that it holds for every size of it."""

    left: int | float
    """Of its width, 0 to 1."""
    top: int | float
    """Of its height, 0 to 1."""
    side: int | float
    """Of its shorter side, above 0 to 1."""

    def box(self, *, height: int, width: int) -> Box:
        """The same square in pixels. Raises `BadRequest` when it is empty."""
        places = (self.left * width, self.top * height, self.side * min(height, width))
        left, top, side = (round(place, 3) for place in places)  # what was a whole pixel is one again
        return Box(left=left, top=top, side=side)

    @classmethod
    def of(cls, box: Box, *, height: int, width: int) -> "Manual":
        """`box` as fractions of a picture of height x width pixels."""
        return cls(left=box.left / width, top=box.top / height, side=box.side / min(height, width))


@dataclass(frozen=True, slots=True)
class Uncropped:
    """All of the picture in its own shape, for networks that take any."""


Crop = Face | Whole | Manual | Uncropped
NAMES: dict[str, Crop] = {"auto": Face(), "none": Whole(), "whole": Uncropped()}
"""What the command line and Python users call those that need no numbers."""
SQUARES = ("auto", "none")
"""The names of those that every network can take."""


def crop_named(name: str, allowed: tuple[str, ...] = SQUARES) -> Crop:
    """The crop that a word stands for. Raises `BadRequest` with the `allowed` ones for any other."""
    if name not in allowed:
        raise BadRequest(f"unknown crop mode {name!r}; choose one of {', '.join(allowed)}")
    return NAMES[name]
