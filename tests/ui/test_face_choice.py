"""Of several faces in a picture one can be chosen, and the choice ends with the picture."""

from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import skimage.data
from PIL import Image

from deepfake_core.faces import Box, Face, Manual, Uncropped, Whole, cut, find_crop
from deepfake_core.pipelines.crop_preview import preview_crop
from deepfake_core.ui.tabs.animation.form import crop_of
from deepfake_core.ui.widgets.face_choice import ChosenFace, FaceChoice, face_number


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two faces, the larger one on the left."""
    portrait = skimage.data.astronaut()[:300, 80:380]
    both = np.full((300, 520, 3), 128, np.uint8)
    both[:, :300] = portrait
    both[60:260, 310:510] = cut(portrait, Box(left=0, top=0, side=300), 200)
    path = tmp_path_factory.mktemp("pair") / "pair.png"
    Image.fromarray(both).save(path)
    return path


def test_the_preview_shows_the_faces_and_crops_the_chosen_one(pair: Path, tmp_path: Path) -> None:
    frames = find_crop(np.asarray(Image.open(pair))).frames
    for number in (1, 2):
        preview = preview_crop(pair, Face(number), tmp_path / "crop.jpg")
        assert (preview.faces, preview.face) == (2, number)
        assert preview.crop is not None
        assert preview.crop.box(height=300, width=520).centre == pytest.approx(frames[number - 1].centre, abs=1)
        assert preview.thumbnails is not None
        row = np.asarray(Image.open(preview.thumbnails)).astype(float)
        assert row.shape == (96, 200, 3)
        first, second = row[:, :96], row[:, 104:]
        assert np.abs(first - second).mean() < 30  # the same person twice
        assert row[:, 98:102].mean() > 250
        corners = [row[-22:, left : left + 22] for left in (0, 104)]  # white numbers on black
        assert all(corner.mean() < 90 and corner.max() > 200 for corner in corners)
        assert np.abs(corners[0] - corners[1]).mean() > 15


def test_one_face_needs_no_choice(tmp_path: Path) -> None:
    path = tmp_path / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    preview = preview_crop(path, Face(), tmp_path / "crop.jpg")
    assert (preview.faces, preview.thumbnails) == (0, None)
    choice = FaceChoice("portrait")
    with gr.Blocks():
        choice.render()
    assert choice.shown(preview)[choice.column].visible is False


def test_a_crop_is_whole_only_if_it_leaves_out_no_edge(pair: Path, tmp_path: Path) -> None:
    output = tmp_path / "crop.jpg"
    whole = {
        "square": preview_crop(_picture(tmp_path, 300, 300), Whole(), output).whole,
        "wide": preview_crop(pair, Whole(), output).whole,
        "its left part": preview_crop(pair, Manual(left=0, top=0, side=1), output).whole,
        "uncropped": preview_crop(pair, Uncropped(), output).whole,
    }
    assert whole == {"square": True, "wide": False, "its left part": False, "uncropped": True}


def _picture(folder: Path, height: int, width: int) -> Path:
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(folder / "black.png")
    return folder / "black.png"


def test_numbers_are_shown_for_several(pair: Path, tmp_path: Path) -> None:
    choice = FaceChoice("portrait")
    with gr.Blocks():
        choice.render()
    preview = preview_crop(pair, Face(2), tmp_path / "crop.jpg")
    shown = choice.shown(preview)
    assert shown[choice.column].visible is True
    assert [value for _, value in shown[choice.number].choices] == ["1", "2"]
    assert shown[choice.number].value == "2"
    assert shown[choice.thumbnails] == str(preview.thumbnails)


def test_the_choice_ends_with_the_picture() -> None:
    chosen = ChosenFace(of="a", number=2)
    assert face_number(chosen, {"path": "/x/one.png", "upload": "a"}) == 2
    assert face_number(chosen, {"path": "/x/one.png", "upload": "b"}) == 1
    assert face_number(chosen, None) == 1
    assert face_number(None, {"path": "/x/one.png", "upload": "a"}) == 1


def test_an_automatic_crop_takes_the_chosen_face() -> None:
    assert crop_of("auto", 0.0, 0.0, 100.0, face=3) == Face(3)
    assert crop_of("none", 0.0, 0.0, 100.0, face=3) == crop_of("none", 0.0, 0.0, 100.0)
