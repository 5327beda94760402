"""Squares in a picture, and the square that frames a face as the networks' training pictures do."""

from dataclasses import dataclass

from deepfake_core.errors import BadRequest

FACE_SHARE = 0.45
"""Share of the frame's side that the face fills, from brows to chin and from jaw to jaw: about that of the VoxCeleb
crops that the First Order Motion Model was trained on (the head whole, with some neck)."""

FACE_HEIGHT = 0.55
"""Where the middle of brows and chin stands in the frame, from the top: below the centre, because hair needs room."""

FRAMED_ALREADY = 0.75
"""A frame that covers this share of the picture's shorter side takes all of it: the picture is a portrait already.
Portraits and clips that somebody cropped before so go in alike, although a detector's sizes waver by a fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A square in the pixels of a picture, whose own corner is (0, 0); it may reach over the picture's edge."""

    left: int | float
    top: int | float
    side: int | float

    def __post_init__(self) -> None:
        if not (self.side >= 1 and all(abs(value) < 1e6 for value in (self.left, self.top, self.side))):
            raise BadRequest(
                f"a crop of side {self.side} at ({self.left}, {self.top}) makes no sense; draw a larger one"
            )

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the middle."""
        return self.left + self.side / 2, self.top + self.side / 2


def square_at(x: int | float, y: int | float, side: int | float, *, height: int, width: int) -> Box:
    """Return the square around (x, y) on whole pixels, shrunk and shifted to stay in a picture of height x width."""
    side = min(round(side), height, width)
    left = min(max(round(x - side / 2), 0), width - side)
    top = min(max(round(y - side / 2), 0), height - side)
    return Box(left=left, top=top, side=side)


def centre_square(*, height: int, width: int) -> Box:
    """Return the largest square in the middle of a picture: all of it, when it is square."""
    return square_at(width / 2, height / 2, min(height, width), height=height, width=width)


def frame_face(face: Box, *, height: int, width: int) -> Box:
    """Widen the square around brows, jaw and chin to the frame that the networks know, inside the picture.

    A frame of at least `FRAMED_ALREADY` of the shorter side becomes the largest square that the picture holds, as near
    to the face as it can be; in a square picture that is the picture.
    """
    side, shorter = face.side / FACE_SHARE, min(height, width)
    if side >= FRAMED_ALREADY * shorter:
        side = shorter
    x, y = face.centre
    return square_at(x, y + (0.5 - FACE_HEIGHT) * side, side, height=height, width=width)
