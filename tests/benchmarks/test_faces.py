"""`python -m benchmarks faces`: what counts as found, and the report."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from benchmarks.__main__ import main
from benchmarks.faces import measure
from benchmarks.faces.measure import chosen, is_found, is_portrait, spread, upright_portraits
from benchmarks.faces.pictures import Case
from deepfake_core.faces import Box
from deepfake_core.faces.centerface import find_faces
from deepfake_core.faces.detector import FoundFace

TRUTH = Box(left=100, top=100, side=60)
IMAGE = np.zeros((400, 400, 3), np.uint8)


def found(left: float, top: float, side: float) -> FoundFace:
    return FoundFace(box=Box(left=left, top=top, side=side), points=np.zeros((5, 2)), score=0.9)


@pytest.mark.parametrize(
    ("box", "counts"),
    [
        ((100, 100, 60), True),
        ((119, 100, 60), True),
        ((121, 100, 60), False),  # a third of 60 is 20
        ((86, 86, 88), True),
        ((68, 68, 124), False),  # more than twice as large
        ((116, 116, 28), False),  # less than half as large
    ],
)
def test_a_find_counts_close_to_the_face_and_of_its_size(box: tuple[float, float, float], counts: bool) -> None:
    assert is_found(Case(image=IMAGE, truth=(TRUTH,)), [found(*box)]) is counts


def test_the_first_find_has_to_be_the_only_face_and_every_face_of_several_needs_one() -> None:
    shirt, face, other = found(50, 200, 150), found(100, 100, 60), found(300, 100, 40)
    assert not is_found(Case(image=IMAGE, truth=(TRUTH,)), [shirt, face])
    assert not is_found(Case(image=IMAGE, truth=(TRUTH,)), [])
    both = Case(image=IMAGE, truth=(TRUTH, Box(left=300, top=100, side=40)))
    assert is_found(both, [face, other])
    assert not is_found(both, [face])


def test_where_a_portraits_face_is() -> None:
    assert is_portrait(Box(left=150, top=100, side=100), 400, 400)
    assert not is_portrait(Box(left=150, top=290, side=100), 400, 400)
    assert not is_portrait(Box(left=0, top=100, side=100), 400, 400)
    assert not is_portrait(Box(left=190, top=150, side=20), 400, 400)


def test_portraits_without_a_face_are_named_and_count_as_missed(tmp_path: Path) -> None:
    Image.fromarray(skimage.data.astronaut()[:300, 80:380]).save(tmp_path / "astronaut.png")
    Image.fromarray(skimage.data.coffee()).save(tmp_path / "coffee.png")
    portraits, missing = upright_portraits(chosen(tmp_path, None), find_faces)
    assert [one.index for one in portraits] == [0]
    assert missing == ["coffee.png"]


def test_a_selection_is_spread_evenly() -> None:
    assert spread(range(100), 4) == [0, 25, 50, 75]
    assert spread([1, 2], 4) == [1, 2]


def test_a_folder_without_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faces", str(tmp_path)]) == 2
    assert "contains no .jpg or .png" in capsys.readouterr().err


@pytest.mark.slow
def test_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for place in range(2):
        Image.fromarray(skimage.data.astronaut()[:300, 80 + place : 380 + place]).save(tmp_path / f"{place}.png")
    monkeypatch.setattr(measure, "HEADS", 2)
    monkeypatch.setattr(measure, "TIMED", 1)
    monkeypatch.setitem(measure.TARGETS, "masked", 101.0)
    assert main(["faces", str(tmp_path), "--json", str(tmp_path / "faces.json")]) == 1
    text = capsys.readouterr().out
    assert "MISSED: masked at least 101.0% (100.0%)" in text
    assert "met: turned by 45 degrees at least 95.0% (100.0%)" in text
    assert "met: false finds without people at most 1.0% (0.0%)" in text
