"""Squares in a picture, and the square that frames a face as in the networks' training data."""

from dataclasses import dataclass

from deepfake_core.errors import BadRequest

FACE_SHARE = 0.45
"""Size of the face (brows to chin, jaw to jaw) as a share of the frame's side: about that of the VoxCeleb crops on
which the First Order Motion Model was trained (the whole head with some neck)."""

FACE_HEIGHT = 0.55
"""Vertical position of the centre of the face in the frame, from the top: below the middle, to include the hair."""

FRAMED_ALREADY = 0.75
"""A frame of at least this share of the picture's shorter side is enlarged to all of it: the picture is a portrait
already. So cropped portraits and clips are framed consistently, although detected sizes vary by a fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A square in pixel coordinates of a picture, whose top left corner is (0, 0); it may extend beyond the picture."""

    left: int | float
    top: int | float
    side: int | float

    def __post_init__(self) -> None:
        if not (self.side >= 1 and all(abs(value) < 1e6 for value in (self.left, self.top, self.side))):
            raise BadRequest(
                "a crop must have a side of at least 1 pixel and coordinates below 1,000,000, "
                f"got side {self.side} at ({self.left}, {self.top}); draw a larger one"
            )

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the centre."""
        return self.left + self.side / 2, self.top + self.side / 2


def square_at(x: int | float, y: int | float, side: int | float, *, height: int, width: int) -> Box:
    """Return the square around (x, y) on whole pixels, reduced and shifted to lie in a picture of height x width."""
    side = min(round(side), height, width)
    left = min(max(round(x - side / 2), 0), width - side)
    top = min(max(round(y - side / 2), 0), height - side)
    return Box(left=left, top=top, side=side)


def centre_square(*, height: int, width: int) -> Box:
    """Return the largest square in the centre of a picture: all of it if it is square."""
    return square_at(width / 2, height / 2, min(height, width), height=height, width=width)


def frame_face(face: Box, *, height: int, width: int) -> Box:
    """Enlarge the square around brows, jaw and chin to the framing of the training data, inside the picture.

    A frame of at least `FRAMED_ALREADY` of the shorter side becomes the largest square in the picture, as close to the
    face as possible; in a square picture that is the whole picture.
    """
    side, shorter = face.side / FACE_SHARE, min(height, width)
    if side >= FRAMED_ALREADY * shorter:
        side = shorter
    x, y = face.centre
    return square_at(x, y + (0.5 - FACE_HEIGHT) * side, side, height=height, width=width)
