"""CycleGAN from a request to finished files: what comes out, there and back, and what bad input is told."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfake_core import CycleTranslator
from deepfake_core.errors import BadRequest, MissingFile, NoFaceFound, UnreadableMedia
from deepfake_core.hub.store import installed
from deepfake_core.media.images import read_image
from deepfake_core.pipelines.image_batch import (
    LONGEST_WHOLE,
    Finished,
    listed,
    look,
    places_for,
    to_pictures,
    to_tensor,
)
from deepfake_core.pipelines.translation import Translated, TranslationRequest, translate
from deepfake_core.provenance.label import label
from tests.provenance.declared import marked


@pytest.fixture
def translator(home: Path) -> CycleTranslator:
    return CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu")


def run(translator: CycleTranslator, **fields: object) -> tuple[list[Translated], Finished]:
    *steps, done = translate(translator, TranslationRequest(**fields))  # type: ignore[arg-type]
    assert isinstance(done, Finished)
    return [step for step in steps if isinstance(step, Translated)], done


def test_bytes_become_numbers_and_bytes_again() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    tensor = to_tensor([every], torch.device("cpu"))
    assert tensor.min() == -1 and tensor.max() == 1
    np.testing.assert_array_equal(to_pictures(tensor)[0], every)
    assert to_pictures(tensor * 3)[0].max() == 255  # what lies beyond the range is clipped, not wrapped


@pytest.mark.parametrize("crop", ["auto", "none", "whole"])
def test_a_picture_of_the_networks_size_goes_through_untouched(
    translator: CycleTranslator, square: np.ndarray, crop: str
) -> None:
    view = translator.look(square, crop=crop)  # type: ignore[arg-type]
    np.testing.assert_array_equal(view.pixels, square)
    expected = translator.network(to_tensor([square], translator.device))
    np.testing.assert_array_equal(translator(square, crop=crop), to_pictures(expected)[0])  # type: ignore[arg-type]


def test_the_cycle_error_is_what_did_not_come_back(translator: CycleTranslator, square: np.ndarray) -> None:
    cycle = translator.cycle(square)
    assert cycle.back is not None and cycle.error is not None and "cyclegan-zebra2horse" in cycle.note
    np.testing.assert_array_equal(cycle.translated, translator(square))
    measured = np.abs(square.astype(float) - cycle.back).mean() / 127.5
    assert cycle.error == pytest.approx(measured, abs=0.01)  # `back` is rounded to bytes and clipped


def test_without_a_partner_there_is_no_way_back(
    home: Path, square: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = CycleTranslator.from_pretrained("cyclegan-style_vangogh", "cpu").cycle(square)
    assert alone.back is None and alone.error is None and "No weights are known" in alone.note
    given = CycleTranslator.from_pretrained(
        "cyclegan-style_vangogh", "cpu", back=home / "cyclegan-zebra2horse.safetensors"
    )
    assert given.cycle(square).back is not None
    for name in ("horse2zebra", "zebra2horse"):
        shutil.copy(home / f"cyclegan-{name}.safetensors", tmp_path / f"{name}.safetensors")
    trained = CycleTranslator.from_pretrained(tmp_path / "horse2zebra.safetensors", "cpu")
    assert trained.back_name == str(tmp_path / "zebra2horse.safetensors")
    shutil.copy(home / "cyclegan-horse2zebra.safetensors", tmp_path)
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path))
    absent = CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu").cycle(square)
    assert absent.back is None and "cyclegan-zebra2horse, which is not on this machine" in absent.note
    np.testing.assert_array_equal(absent.translated, CycleTranslator.from_pretrained(None, "cpu")(square))


def test_the_whole_picture_keeps_its_shape(translator: CycleTranslator, face: np.ndarray) -> None:
    odd = face[100:171, 100:203]  # sides that are no multiples of 4
    assert translator(odd, crop="whole").shape == odd.shape
    assert translator(odd).shape == (translator.size, translator.size, 3)
    wide = np.zeros((20, 2 * LONGEST_WHOLE, 3), np.uint8)
    assert translator(wide, crop="whole").shape == (10, LONGEST_WHOLE, 3)


def test_batches_do_not_change_the_pictures(translator: CycleTranslator, face: np.ndarray, tmp_path: Path) -> None:
    # none of one colour: there an instance norm has nothing but rounding to enlarge, which differs between batches
    pictures = (face[200:260, 200:260], face[100:160, 250:310], face[240:260, 200:250], face[480:])
    translator.runtime.batch = 3
    steps, done = run(translator, sources=pictures, output=tmp_path, crop="whole", back=True, label=False)
    assert [step.place for step in steps] == [0, 1, 2, 3] and len(done.paths) == 8
    for step, alone in zip(steps, translator.many(pictures, crop="whole"), strict=True):
        assert np.abs(step.image.astype(int) - alone).max() <= 1
        np.testing.assert_array_equal(read_image(step.path), marked(step.image, translator.name))
        assert step.back_path == step.path.with_name(f"{step.path.stem}-back.png") and step.back_path.is_file()


def test_pictures_get_their_names_and_a_bad_one_is_left_out(
    translator: CycleTranslator, portrait: Path, tmp_path: Path
) -> None:
    text, other = tmp_path / "notes.png", tmp_path / "more" / "amara.jpg"
    text.write_text("this is no picture")
    other.parent.mkdir()
    other.write_bytes(portrait.read_bytes())
    steps, done = run(translator, sources=(portrait, text, other), output=tmp_path / "out")
    assert [path.name for path in done.paths] == ["amara.png", "amara-2.png"]
    assert [step.place for step in steps] == [0, 2] and steps[0].total == 3
    assert any("Left out: notes.png" in note for note in done.notes)
    with pytest.raises(MissingFile):
        run(translator, sources=(text, tmp_path / "gone.png"), output=tmp_path / "out")
    with pytest.raises(UnreadableMedia, match=r"notes\.png"):
        run(translator, sources=(text,), output=tmp_path / "out")


def test_paste_back_changes_the_square_alone(translator: CycleTranslator, face: np.ndarray, tmp_path: Path) -> None:
    wide = np.pad(face, ((0, 0), (200, 200), (0, 0)), constant_values=77)
    steps, _ = run(translator, sources=(wide,), output=tmp_path / "o.png", paste_back=True)
    assert steps[0].image.shape == wide.shape
    np.testing.assert_array_equal(steps[0].image[:, :200], wide[:, :200])
    assert np.abs(steps[0].image[:, 200:-200].astype(int) - face).max() > 20


def test_a_file_is_the_picture_labelled_and_marked(
    translator: CycleTranslator, square: np.ndarray, tmp_path: Path
) -> None:
    run(translator, sources=(square,), output=tmp_path / "o.png")
    expected = marked(label(translator(square)), translator.name)
    np.testing.assert_array_equal(read_image(tmp_path / "o.png"), expected)


def test_outputs_that_make_no_sense(translator: CycleTranslator, portrait: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(portrait.read_bytes())
    for sources, output, word in (
        ((portrait,), None, r"result\.png"),
        ((portrait, copy), tmp_path / "o.png", "folder"),
        ((copy,), copy, "replace"),
        ((copy,), tmp_path, "replace"),
        ((portrait,), tmp_path / "o.xyz", r"o\.xyz"),
        ((), tmp_path, "no picture"),
    ):
        with pytest.raises(BadRequest, match=word):
            run(translator, sources=sources, output=output)
    with pytest.raises(BadRequest, match="sideways"):
        look(portrait, 64, subject="scene", crop="sideways")
    assert [file.name for file in tmp_path.iterdir()] == ["copy.png"] and copy.read_bytes() == portrait.read_bytes()


def test_a_folder_stands_for_its_pictures(portrait: Path, tmp_path: Path) -> None:
    found = listed([portrait.parent, "other.png"])
    assert portrait in found and found[-1] == Path("other.png") and list(found[:-1]) == sorted(found[:-1])
    with pytest.raises(BadRequest, match="no picture in the folder"):
        listed([tmp_path])
    names = [path.name for path in places_for(["a/x.png", "b/X.jpg", "c/x-2.png"], tmp_path)]
    assert len({name.lower() for name in names}) == 3


def test_no_face_is_looked_for_in_a_scene(translator: CycleTranslator) -> None:
    grey = np.full((100, 140, 3), 128, np.uint8)
    assert translator(grey).shape == (translator.size, translator.size, 3)
    translator.subject = "face"
    with pytest.raises(NoFaceFound):
        translator(grey)


def test_weights_that_are_here_are_named(home: Path) -> None:
    assert [name for name in installed("cyclegan") if "starter" not in name] == [
        "cyclegan-horse2zebra",
        "cyclegan-zebra2horse",
        "cyclegan-style_vangogh",
    ]
