"""The face of a photograph is found, framed and named in a note; what has no face says so."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from deepfake_core.errors import BadRequest, NoFaceFound
from deepfake_core.faces import Box, Whole, crop_named, cut, find, find_crop, landmarks, lbp
from deepfake_core.faces.box import FACE_SHARE, frame_face
from deepfake_core.faces.detector import DetectorUnavailable
from deepfake_core.synthetic.heads import draw, neutral_state, sample_identity

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
    assert (crop.method, crop.faces) == ("lbp", 1)
    assert crop.note.startswith("1 face found")
    assert "weights are not installed" in crop.note
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


def test_largest_of_several(astronaut: np.ndarray) -> None:
    portrait = astronaut[:300, 80:380]
    pair = np.full((300, 520, 3), 128, np.uint8)
    pair[:, :300] = portrait
    pair[60:260, 310:510] = cut(portrait, Box(left=0, top=0, side=300), 200)
    crop = find_crop(pair)
    assert crop.faces == 2
    assert "the largest is used" in crop.note
    assert crop.box.centre[0] < 260


def test_drawn_heads_are_found_and_left_whole(rng: torch.Generator) -> None:
    drawing = draw(sample_identity(8, rng), neutral_state(8), size=128)
    heads = (drawing.image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    found = [lbp.find_faces(head) for head in heads]
    whole = [frame_face(faces[0], height=128, width=128).side == 128 for faces in found if faces]
    assert len(whole) >= 7
    assert sum(whole) >= 6


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


class TestDetectors:
    def test_without_any_the_centre_is_used(self, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(image: np.ndarray) -> list[Box]:
            raise DetectorUnavailable("it is broken")

        monkeypatch.setattr(find, "DETECTORS", (("face-alignment", broken), ("lbp", broken)))
        crop = find_crop(astronaut[:, :400])
        assert (crop.box, crop.method, crop.faces) == (Box(left=0, top=56, side=400), "centre", 0)
        assert "it is broken" in crop.note

    def test_package_that_cannot_be_imported(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A machine without libGL has package and weights, and still falls back, with the reason in the note."""
        folder = tmp_path / "hub" / "checkpoints"
        folder.mkdir(parents=True)
        for name in (landmarks.DETECTOR_FILE, landmarks.LANDMARKS_FILE):
            (folder / name).touch()
        monkeypatch.setitem(sys.modules, "face_alignment", None)
        crop = find_crop(skimage.data.astronaut())
        assert crop.method == "lbp"
        assert "face-alignment cannot be imported" in crop.note

    def test_landmarks_are_preferred_and_the_largest_face_leads(
        self, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A stand-in plays the package: two rectangles in the shrunk copy, and landmarks of the larger."""
        rectangles = [np.array([250.0, 20, 290, 60, 0.9]), np.array([100.0, 40, 180, 120, 0.9])]

        def landmarks_of(image: np.ndarray, detected_faces: list[np.ndarray]) -> list[np.ndarray]:
            assert [tuple(rectangle) for rectangle in detected_faces] == [(100, 40, 180, 120)]
            return [np.array([[110.0, 60.0], [170.0, 60.0], [140.0, 115.0]])]

        stand_in = SimpleNamespace(
            face_detector=SimpleNamespace(detect_from_image=lambda image: rectangles),
            get_landmarks_from_image=landmarks_of,
        )
        monkeypatch.setattr(landmarks, "_aligner", lambda folder: stand_in)
        crop = find_crop(astronaut)
        assert (crop.method, crop.faces) == ("face-alignment", 2)
        ratio = 512 / landmarks.LONGEST
        assert crop.box.side == pytest.approx(60 * ratio / FACE_SHARE, abs=1)
        assert crop.box.centre[0] == pytest.approx(140 * ratio, abs=1)

    def test_package_still_wants_the_weights_we_look_for(self) -> None:
        """Otherwise it would download others in silence."""
        api = pytest.importorskip("face_alignment.api", exc_type=ImportError)
        detector = pytest.importorskip("face_alignment.detection.sfd.sfd_detector", exc_type=ImportError)
        assert api.models_urls[landmarks.LANDMARKS_NAME].endswith("/" + landmarks.LANDMARKS_FILE)
        assert detector.models_urls["s3fd"].endswith("/" + landmarks.DETECTOR_FILE)


def test_windows_are_grouped_by_overlap() -> None:
    generator = np.random.default_rng(0)
    face, other = np.array([50.0, 40.0, 60.0]), np.array([150.0, 40.0, 30.0])
    windows = np.concatenate([face + generator.normal(0, 1, (9, 3)), other + generator.normal(0, 1, (4, 3))])
    groups = lbp.group_windows(generator.permutation(windows))
    assert [count for count, _ in groups] == [9, 4]
    assert groups[0][1] == pytest.approx(face, abs=1.5)
    assert groups[1][1] == pytest.approx(other, abs=1.5)
