"""The crop of a picture as a value, resolved once when the picture is decoded."""

from dataclasses import dataclass

from deepfake_core.errors import BadRequest
from deepfake_core.faces.box import Box


@dataclass(frozen=True, slots=True)
class Face:
    """The square around a face."""

    number: int = 1
    """Which one: 1 is the largest, 2 the next."""

    def __post_init__(self) -> None:
        if self.number < 1:
            raise BadRequest(f"face must be 1 (the largest) or more, got {self.number}")


@dataclass(frozen=True, slots=True)
class Whole:
    """The largest square in the centre: all of a square picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manual:
    """A square drawn by the user, in fractions of the picture, so that it is valid for any size of it."""

    left: int | float
    """Fraction of the width, 0 to 1."""
    top: int | float
    """Fraction of the height, 0 to 1."""
    side: int | float
    """Fraction of the shorter side, above 0 and at most 1."""

    def box(self, *, height: int, width: int) -> Box:
        """The same square in pixels. Raises `BadRequest` when it is empty."""
        values = (self.left * width, self.top * height, self.side * min(height, width))
        left, top, side = (round(value, 3) for value in values)  # restores whole pixels
        return Box(left=left, top=top, side=side)

    @classmethod
    def of(cls, box: Box, *, height: int, width: int) -> "Manual":
        """`box` as fractions of a picture of height x width pixels."""
        return cls(left=box.left / width, top=box.top / height, side=box.side / min(height, width))


@dataclass(frozen=True, slots=True)
class Uncropped:
    """The whole picture in its own aspect ratio, for networks that accept any."""


Crop = Face | Whole | Manual | Uncropped
NAMES: dict[str, Crop] = {"auto": Face(), "none": Whole(), "whole": Uncropped()}
"""Names, on the command line and in Python, of the crops without parameters."""
SQUARES = ("auto", "none")
"""Names of the crops that every network accepts."""


def crop_named(name: str, allowed: tuple[str, ...] = SQUARES, *, face: int = 1) -> Crop:
    """The crop called `name`; `face` is the number of the face for "auto", 1 for the largest.

    Raises `BadRequest` unless the name is one of `allowed`, and for a number below 1.
    """
    if name not in allowed:
        raise BadRequest(f"unknown crop mode {name!r}; choose one of {', '.join(allowed)}")
    return Face(face) if name == "auto" else NAMES[name]
