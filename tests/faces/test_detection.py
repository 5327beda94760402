"""Faces that the cascade used before missed or misplaced are found: turned, masked, small, over patterns, in groups.

The pictures are made from a photograph that is in the public domain, by the makers of `python -m benchmarks faces`.
"""

import numpy as np
import pytest
import skimage.data

from benchmarks.faces.measure import is_found
from benchmarks.faces.pictures import (
    THINGS,
    Case,
    Portrait,
    darkened,
    masked,
    together,
    turned,
    twentieth,
    without_people,
)
from deepfake_core.faces import Box, centerface, cut

FACE = Box(left=163, top=72, side=118)
"""Brows to chin of the astronaut, read off the picture."""


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    astronaut = skimage.data.astronaut()[:400, 30:430]
    return Portrait(image=astronaut, face=centerface.find_faces(astronaut)[0], index=1)


def test_the_truth_that_pictures_are_made_from(portrait: Portrait) -> None:
    truth = Box(left=FACE.left - 30, top=FACE.top, side=FACE.side)
    assert portrait.face.box.centre == pytest.approx(truth.centre, abs=12)
    assert portrait.face.box.side == pytest.approx(truth.side, rel=0.15)
    assert not portrait.face.doubtful


@pytest.mark.parametrize("degrees", [15, 30, 45, 90, 180])
def test_turned(portrait: Portrait, degrees: int) -> None:
    case = turned(degrees)(portrait)
    faces = centerface.find_faces(case.image)
    assert len(faces) == 1
    assert is_found(case, faces)


@pytest.mark.parametrize("make", [masked, darkened, twentieth])
def test_masked_dark_or_small(portrait: Portrait, make) -> None:
    case = make(portrait)
    assert is_found(case, centerface.find_faces(case.image))


def test_groups(portrait: Portrait) -> None:
    case = together([portrait], (1, 0.8, 0.65))(portrait)
    faces = centerface.find_faces(case.image)
    assert len(faces) == 3
    assert is_found(case, faces)
    assert [face.box.centre[0] for face in faces] == sorted(face.box.centre[0] for face in faces)  # largest first


@pytest.mark.parametrize("pattern", ["gravel", "hubble_deep_field", "coins", "brick"])
def test_half_length_in_a_pattern(portrait: Portrait, pattern: str) -> None:
    """A shirt of twice the size of the face does not swallow it."""
    cloth = np.asarray(getattr(skimage.data, pattern)())
    cloth = np.stack((cloth,) * 3, -1) if cloth.ndim == 2 else cloth[..., :3]
    side = min(cloth.shape[:2])
    image = np.full((1000, 600, 3), 150, np.uint8)
    image[:400, 100:500] = portrait.image
    image[330:930] = cut(cloth, Box(left=0, top=0, side=side), 600)
    face = portrait.face.box
    case = Case(image=image, truth=(Box(left=face.left + 100, top=face.top, side=face.side),))
    faces = centerface.find_faces(image)
    assert len(faces) == 1
    assert is_found(case, faces)


def test_a_find_elsewhere_or_of_another_size_does_not_count(portrait: Portrait) -> None:
    side = portrait.face.box.side
    away, large = (
        Case(image=portrait.image, truth=(Box(left=portrait.face.box.left + shift, top=portrait.face.box.top, side=s),))
        for shift, s in ((0.4 * side, side), (-0.6 * side, 2.2 * side))
    )
    assert not is_found(away, [portrait.face])
    assert not is_found(large, [portrait.face])


def test_no_face_in_things_animals_and_fields() -> None:
    pictures = list(without_people(2))
    whole = [*pictures[: 5 * len(THINGS) : 5], *pictures[5 * len(THINGS) :]]  # without the quarters, to be quick
    assert len(whole) == len(THINGS) + 12 + 4
    assert not [place for place, picture in enumerate(whole) if centerface.find_faces(picture)]
