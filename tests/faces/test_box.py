"""Laws of the square that frames a face."""

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.faces import Box
from deepfake_core.faces.box import FACE_HEIGHT, FACE_SHARE, centre_square, frame_face


def test_face_takes_its_share_of_the_frame() -> None:
    frame = frame_face(Box(left=480, top=480, side=90), height=1000, width=1000)
    assert frame.side == pytest.approx(90 / FACE_SHARE, abs=1)
    x, y = frame.centre
    assert x == pytest.approx(525, abs=1)
    assert (525 - frame.top) / frame.side == pytest.approx(FACE_HEIGHT, abs=0.01)
    assert y < 525


@pytest.mark.parametrize("corner", [(0, 0), (700, 0), (0, 400), (700, 400), (-30, -30), (780, 480)])
def test_frame_stays_in_the_picture(corner: tuple[int, int]) -> None:
    frame = frame_face(Box(left=corner[0], top=corner[1], side=100), height=500, width=800)
    assert frame.side == round(100 / FACE_SHARE)
    assert 0 <= frame.left <= 800 - frame.side
    assert 0 <= frame.top <= 500 - frame.side


@pytest.mark.parametrize("side", [90, 100, 115, 150, 256])
def test_portrait_is_left_whole(side: int) -> None:
    frame = frame_face(Box(left=120 - side / 2, top=128 - side / 2, side=side), height=256, width=256)
    assert frame == Box(left=0, top=0, side=256)


def test_tall_portrait_keeps_its_head() -> None:
    """The largest square of a tall picture goes where the face is."""
    frame = frame_face(Box(left=100, top=60, side=200), height=900, width=400)
    assert (frame.left, frame.top, frame.side) == (0, 0, 400)


def test_centre_square() -> None:
    assert centre_square(height=256, width=256) == Box(left=0, top=0, side=256)
    assert centre_square(height=200, width=301) == Box(left=50, top=0, side=200)


@pytest.mark.parametrize("side", [0, -5, float("nan"), float("inf")])
def test_senseless_box(side: float) -> None:
    with pytest.raises(BadRequest, match="at least 1 pixel"):
        Box(left=0, top=0, side=side)
