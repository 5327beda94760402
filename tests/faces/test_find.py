"""The face of a photograph is found, framed and named in a note; what has no face says so."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from deepfake_core.errors import BadRequest, NoFaceFound
from deepfake_core.faces import Box, Face, Whole, centerface, crop_named, cut, find_crop, landmarks
from deepfake_core.faces.box import FACE_SHARE, frame_face
from deepfake_core.synthetic.heads import LANDMARKS, draw, neutral_state, sample_identity

ASTRONAUT_FACE = (222, 131)
"""The middle between brows and chin of the astronaut, read off the picture."""


@pytest.fixture(autouse=True)
def _no_downloaded_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for face-alignment's weights in an empty folder, so that every machine runs the same detector."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return skimage.data.astronaut()


def test_face_is_found_and_framed(astronaut: np.ndarray) -> None:
    crop = find_crop(astronaut)
    assert (crop.method, crop.faces, crop.note) == ("centerface", 1, "1 face found.")
    assert crop.box.centre == pytest.approx(ASTRONAUT_FACE, abs=25)
    assert 170 <= crop.box.side <= 240


@pytest.mark.parametrize("size", [160, 300, 1100])
def test_size_of_the_picture_plays_no_part(astronaut: np.ndarray, size: int) -> None:
    scaled = cut(astronaut, Box(left=0, top=0, side=512), size)
    box, expected = find_crop(scaled).box, find_crop(astronaut).box
    assert np.multiply(box.centre, 512 / size) == pytest.approx(expected.centre, abs=20)
    assert box.side * 512 / size == pytest.approx(expected.side, rel=0.15)


@pytest.mark.parametrize("degrees", [-15, 15])
def test_tilted_face_is_found_where_it_is(astronaut: np.ndarray, degrees: int) -> None:
    x, y = ASTRONAUT_FACE
    turned = np.array(Image.fromarray(astronaut).rotate(degrees, center=(x, y)))
    crop = find_crop(turned)
    assert crop.box.centre == pytest.approx((x, y), abs=30)


def test_cropping_twice_changes_nothing(astronaut: np.ndarray) -> None:
    once = cut(astronaut, find_crop(astronaut).box, 256)
    again = find_crop(once)
    assert again.box == Box(left=0, top=0, side=256)
    assert "fills the picture" in again.note
    assert np.array_equal(cut(once, again.box, 256), once)


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket", "blank"])
def test_no_face(name: str) -> None:
    image = np.full((300, 400, 3), 128, np.uint8) if name == "blank" else getattr(skimage.data, name)()
    with pytest.raises(NoFaceFound, match=f"no face found in {name}.png; use a frontal photo, or switch cropping off"):
        find_crop(image, name=f"{name}.png")


def test_speck_of_a_picture_has_no_face() -> None:
    with pytest.raises(NoFaceFound):
        find_crop(np.zeros((3, 40, 3), np.uint8))


@pytest.fixture(scope="module")
def pair(astronaut: np.ndarray) -> np.ndarray:
    """Two faces, the larger one on the left."""
    portrait = astronaut[:300, 80:380]
    both = np.full((300, 520, 3), 128, np.uint8)
    both[:, :300] = portrait
    both[60:260, 310:510] = cut(portrait, Box(left=0, top=0, side=300), 200)
    return both


class TestSeveralFaces:
    def test_the_largest_is_used(self, pair: np.ndarray) -> None:
        crop = find_crop(pair)
        assert (crop.faces, len(crop.frames), crop.frames[0]) == (2, 2, crop.box)
        assert crop.note == "2 faces found; the largest is used."
        assert crop.box.centre[0] < 260

    def test_another_is_used_on_request(self, pair: np.ndarray) -> None:
        crop = find_crop(pair, Face(2))
        assert crop.box == find_crop(pair).frames[1]
        assert crop.box.centre[0] > 300
        assert crop.note == "2 faces found; face 2 is used."
        assert crop_named("auto", face=2) == Face(2)

    def test_one_that_is_not_there(self, pair: np.ndarray) -> None:
        with pytest.raises(BadRequest, match=r"face must be a number from 1 to 2 for pair\.png, got 3"):
            find_crop(pair, Face(3), name="pair.png")
        with pytest.raises(BadRequest, match=r"face must be 1 \(the largest\) or more, got 0"):
            Face(0)

    def test_faces_in_the_background_are_not_counted(self, astronaut: np.ndarray) -> None:
        portrait = astronaut[:300, 80:380]
        crowd = np.full((600, 800, 3), 128, np.uint8)
        crowd[:, :600] = cut(portrait, Box(left=0, top=0, side=300), 600)
        crowd[20:160, 640:780] = cut(portrait, Box(left=0, top=0, side=300), 140)
        assert len(centerface.find_faces(crowd)) == 2
        assert find_crop(crowd).faces == 1


class TestNotes:
    def test_small_face(self, astronaut: np.ndarray) -> None:
        picture = np.full((600, 600, 3), 128, np.uint8)
        picture[200:328, 300:428] = cut(astronaut, Box(left=0, top=0, side=512), 128)
        crop = find_crop(picture)
        assert crop.note == (
            f"1 face found; it is small (a crop of {crop.box.side} pixels), so the result will be blurred."
        )

    def test_doubtful_face(self, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        sure = centerface.find_faces(astronaut)[0]
        doubtful = replace(sure, score=0.45)
        monkeypatch.setattr(centerface, "find_faces", lambda image, thorough: [doubtful])
        assert find_crop(astronaut).note == "1 face found; it may not be a face, so check the crop."


class TestNear:
    """The face of the frame before is followed in a small square."""

    def test_it_is_followed(self, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        before = find_crop(astronaut)
        moved = np.roll(astronaut, (12, -17), axis=(0, 1))
        monkeypatch.setattr(centerface, "find_faces", None)  # the whole picture is not searched
        after = find_crop(moved, near=before.box)
        x, y = before.box.centre
        assert after.box.centre == pytest.approx((x - 17, y + 12), abs=8)
        assert after.box.side == pytest.approx(before.box.side, rel=0.06)

    def test_of_two_the_same_one(self, pair: np.ndarray) -> None:
        second = find_crop(pair, Face(2)).box
        assert find_crop(pair, near=second).box.centre == pytest.approx(second.centre, abs=8)

    def test_one_that_left_the_square_is_found_again(self, astronaut: np.ndarray) -> None:
        far = Box(left=400, top=400, side=80)
        assert find_crop(astronaut, near=far).box.centre == pytest.approx(ASTRONAUT_FACE, abs=25)

    def test_one_that_left_the_picture(self, astronaut: np.ndarray) -> None:
        with pytest.raises(NoFaceFound):
            find_crop(np.full_like(astronaut, 7), near=find_crop(astronaut).box)


def test_drawn_heads_are_framed_as_before(rng: torch.Generator) -> None:
    """As the cascade framed them that was used before: a square of 1.147 times the height from brows to chin.

    The cascade's own squares scatter by 10% around that; most of its frames, like these, became the whole picture.
    """
    size, count = 128, 40
    drawing = draw(sample_identity(count, rng), neutral_state(count), size=size)
    images = (drawing.image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    places = [LANDMARKS.index(name) for name in ("left brow", "right brow", "chin")]
    points = (drawing.landmarks[:, places].numpy() + 1) / 2 * (size - 1) + 0.5
    sides, shifts, whole = [], [], 0
    for image, (left, right, chin) in zip(images, points, strict=True):
        faces = centerface.find_faces(image)
        assert faces
        height = 1.147 * float(np.hypot(*(chin - (left + right) / 2)))
        middle = ((left + right) / 2 + chin) / 2 + (0, 0.026 * height)
        sides.append(faces[0].box.side / height - 1)
        shifts.append(np.hypot(*np.subtract(faces[0].box.centre, middle)) / (height / FACE_SHARE))
        whole += frame_face(faces[0].box, height=size, width=size).side == size
    assert abs(np.mean(sides)) < 0.04
    assert np.abs(sides).mean() < 0.05
    assert np.abs(sides).max() < 0.15
    assert np.max(shifts) < 0.04  # of the side of the crop
    assert whole >= 0.9 * count


class TestWithoutCropping:
    def test_square_picture_is_whole(self, astronaut: np.ndarray) -> None:
        crop = find_crop(astronaut, Whole())
        assert (crop.box, crop.method, crop.faces) == (Box(left=0, top=0, side=512), "whole", 0)

    def test_other_pictures_lose_their_ends(self, astronaut: np.ndarray) -> None:
        crop = find_crop(astronaut[:300], Whole())
        assert crop.box == Box(left=106, top=0, side=300)
        assert "not square" in crop.note

    def test_unknown_mode(self, astronaut: np.ndarray) -> None:
        with pytest.raises(BadRequest, match="'sideways'"):
            crop_named("sideways")


class TestLandmarks:
    """face-alignment measures the face that was found, if its weights are installed."""

    def test_package_that_cannot_be_imported(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A machine without libGL has package and weights."""
        install(tmp_path)
        monkeypatch.setitem(sys.modules, "face_alignment", None)
        assert find_crop(skimage.data.astronaut()).method == "centerface"

    def test_the_chosen_face_is_measured(self, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        """A stand-in plays the package: it gets the rectangle around the face, and returns landmarks."""
        face = centerface.find_faces(astronaut)[0].box

        def landmarks_of(image: np.ndarray, detected_faces: list[np.ndarray]) -> list[np.ndarray]:
            ((left, top, right, bottom),) = detected_faces
            assert bottom == pytest.approx(face.top + face.side)
            assert right - left == pytest.approx(bottom - top) == pytest.approx(1.1 * face.side)
            return [np.array([[190.0, 90.0], [250.0, 90.0], [220.0, 150.0]])]

        monkeypatch.setattr(
            landmarks, "_aligner", lambda folder: SimpleNamespace(get_landmarks_from_image=landmarks_of)
        )
        crop = find_crop(astronaut)
        assert (crop.method, crop.faces) == ("face-alignment", 1)
        assert crop.box.side == pytest.approx(60 / FACE_SHARE, abs=1)
        assert crop.box.centre[0] == pytest.approx(220, abs=1)

    def test_package_still_wants_the_weights_we_look_for(self) -> None:
        """Otherwise it would download others in silence."""
        api = pytest.importorskip("face_alignment.api", exc_type=ImportError)
        assert api.models_urls[landmarks.LANDMARKS_NAME].endswith("/" + landmarks.LANDMARKS_FILE)


def install(home: Path) -> None:
    """An empty file in place of face-alignment's weights."""
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / landmarks.LANDMARKS_FILE).touch()
