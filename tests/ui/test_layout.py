"""The parts of the layout that need no browser: what is shown, offered as a zip, and said in the header."""

import os
from pathlib import Path
from zipfile import ZipFile

import gradio as gr
import pytest

from deepfake_core.pipelines.crop_preview import CropPreview
from deepfake_core.pipelines.events import File
from deepfake_core.ui.page import kept
from deepfake_core.ui.widgets.crop import CropPicture
from deepfake_core.ui.widgets.gallery import Gallery, zipped


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in ("blond", "older")]
    for path in paths:
        path.write_bytes(path.stem.encode())
    return paths


def test_a_zip_holds_all_files_and_is_written_once(files: list[Path]) -> None:
    archive = zipped(files, "changes.zip")
    assert archive == files[0].with_name("changes.zip")
    with ZipFile(archive) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == {
            "blond.png": b"blond",
            "older.png": b"older",
        }
    os.utime(archive, (1, 1))
    assert zipped(files, "changes.zip").stat().st_mtime == 1
    assert len(list(archive.parent.iterdir())) == 3  # nothing unfinished is left


@pytest.mark.parametrize(("count", "complete", "offered"), [(2, True, True), (2, False, False), (1, True, False)])
def test_only_a_complete_gallery_of_several_is_offered_as_a_zip(
    files: list[Path], count: int, complete: bool, offered: bool
) -> None:
    with gr.Blocks():
        gallery = Gallery("Results", "cards")
        gallery.render()
        shown = gallery.shown([File(path=path, role="result") for path in files[:count]], complete=complete)
    assert shown[gallery.all].visible is offered
    assert files[0].with_name("cards.zip").exists() is offered


@pytest.mark.parametrize("whole", [True, False])
def test_the_same_face_is_not_shown_twice(files: list[Path], whole: bool) -> None:
    """A crop of the whole picture is not drawn below the picture; its note is."""
    with gr.Blocks():
        crop = CropPicture("portrait")
        crop.render()
        shown = crop.shown(CropPreview(path=files[0], crop=None, note="1 face <found>", kind=None, whole=whole))
    assert shown[crop.picture].visible is not whole
    assert shown[crop.note] == "1 face &lt;found&gt;"


@pytest.mark.parametrize(("minutes", "words"), [(60, "an hour"), (30, "30 minutes"), (90, "90 minutes")])
def test_the_header_says_how_long_files_are_kept(minutes: int, words: str) -> None:
    assert kept(minutes) == words
