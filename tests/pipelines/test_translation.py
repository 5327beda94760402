"""CycleGAN from a request to finished files: results and cycles; errors for invalid input."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfake_core import CycleTranslator
from deepfake_core.errors import BadRequest, MissingFile, NoFaceFound, UnreadableMedia
from deepfake_core.faces import Uncropped, crop_named
from deepfake_core.hub.store import installed
from deepfake_core.media.images import read_image
from deepfake_core.pipelines.cropped import MAX_UNCROPPED_SIDE
from deepfake_core.pipelines.events import Finished, Progress
from deepfake_core.pipelines.image_batch import listed, places_for
from deepfake_core.pipelines.translation import UNCHANGED, TranslationRequest, change, translate
from deepfake_core.pipelines.translator import CROPS
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from deepfake_core.provenance.label import label
from deepfake_core.provenance.verify import verify
from tests.provenance.declared import watermarked


@pytest.fixture
def translator(home: Path) -> CycleTranslator:
    return CycleTranslator.from_pretrained("cyclegan-horse2zebra", "cpu")


def run(translator: CycleTranslator, **fields: object) -> tuple[list[Progress], Finished]:
    *steps, done = translate(translator, TranslationRequest(**fields))  # type: ignore[arg-type]
    assert isinstance(done, Finished)
    assert done.files == tuple(file for step in steps if isinstance(step, Progress) for file in step.files)
    return [step for step in steps if isinstance(step, Progress)], done


def test_bytes_become_numbers_and_bytes_again() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    tensor = to_signed(to_batch([every], torch.device("cpu")))
    assert tensor.min() == -1 and tensor.max() == 1
    np.testing.assert_array_equal(from_batch(from_signed(tensor))[0], every)
    assert from_batch(from_signed(tensor * 3))[0].max() == 255  # what lies beyond the range is clipped, not wrapped


@pytest.mark.parametrize("crop", ["auto", "none", "whole"])
def test_a_picture_of_the_networks_size_goes_through_untouched(
    translator: CycleTranslator, square: np.ndarray, crop: str
) -> None:
    cropped = translator.cropped(square, crop=crop_named(crop, CROPS))
    np.testing.assert_array_equal(cropped.pixels, square)
    expected = translator.network(to_signed(to_batch([square], translator.device)))
    np.testing.assert_array_equal(translator(square, crop=crop), from_batch(from_signed(expected))[0])


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
    assert absent.back is None and "cyclegan-zebra2horse, which is not installed" in absent.note
    np.testing.assert_array_equal(absent.translated, CycleTranslator.from_pretrained(None, "cpu")(square))


def test_the_whole_picture_keeps_its_shape(translator: CycleTranslator, face: np.ndarray) -> None:
    odd = face[100:171, 100:203]  # sides that are no multiples of 4
    assert translator(odd, crop="whole").shape == odd.shape
    assert translator(odd).shape == (translator.size, translator.size, 3)
    wide = np.zeros((20, 2 * MAX_UNCROPPED_SIDE, 3), np.uint8)
    assert translator(wide, crop="whole").shape == (10, MAX_UNCROPPED_SIDE, 3)


def test_batches_do_not_change_the_pictures(translator: CycleTranslator, face: np.ndarray, tmp_path: Path) -> None:
    # none of one colour: there an instance norm has nothing but rounding to enlarge, which differs between batches
    pictures = (face[200:260, 200:260], face[100:160, 250:310], face[240:260, 200:250], face[480:])
    translator.runtime.batch = 3
    steps, done = run(translator, sources=pictures, output=tmp_path, crop=Uncropped(), back=True, label=False)
    assert [(step.done, step.total) for step in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)] and len(done.files) == 8
    for step, alone in zip(steps, translator.many(pictures, crop="whole"), strict=True):
        made, back = step.files
        assert np.abs(read_image(made.path).astype(int) - watermarked(alone, translator.name)).max() <= 2
        assert (made.role, back.role) == ("result", "back")
        assert back.path == made.path.with_name(f"{made.path.stem}-back.png") and back.path.is_file()


def test_pictures_get_their_names_and_an_unreadable_one_is_skipped(
    translator: CycleTranslator, portrait: Path, tmp_path: Path
) -> None:
    text, other = tmp_path / "notes.png", tmp_path / "more" / "amara.jpg"
    text.write_text("this is no picture")
    other.parent.mkdir()
    other.write_bytes(portrait.read_bytes())
    steps, done = run(translator, sources=(portrait, text, other), output=tmp_path / "out")
    assert [file.path.name for file in done.files] == ["amara.png", "amara-2.png"]
    assert [step.done for step in steps] == [1, 3] and steps[0].total == 3
    assert any("Skipped: notes.png" in note for note in done.notes)
    with pytest.raises(MissingFile):
        run(translator, sources=(text, tmp_path / "gone.png"), output=tmp_path / "out")
    with pytest.raises(UnreadableMedia, match=r"notes\.png"):
        run(translator, sources=(text,), output=tmp_path / "out")


def test_paste_back_changes_the_square_alone(translator: CycleTranslator, face: np.ndarray, tmp_path: Path) -> None:
    wide = np.pad(face, ((0, 0), (200, 200), (0, 0)), constant_values=77)
    _, done = run(translator, sources=(wide,), output=tmp_path / "o.png", paste_back=True, label=False)
    square = translator(wide)
    expected = translator.cropped(wide).paste(square)
    np.testing.assert_array_equal(expected[:, :200], wide[:, :200])
    assert np.abs(expected[:, 200:-200].astype(int) - face).max() > 20
    np.testing.assert_array_equal(read_image(done.path), watermarked(expected, translator.name))


def test_a_file_is_the_picture_labelled_and_marked(
    translator: CycleTranslator, square: np.ndarray, tmp_path: Path
) -> None:
    run(translator, sources=(square,), output=tmp_path / "o.png")
    expected = watermarked(label(translator(square)), translator.name)
    np.testing.assert_array_equal(read_image(tmp_path / "o.png"), expected)


@pytest.mark.parametrize("paste_back", [False, True])
def test_the_source_is_written_as_it_was_seen(
    translator: CycleTranslator, face: np.ndarray, tmp_path: Path, paste_back: bool
) -> None:
    """The network's input, or the whole picture if the result is pasted back: pixels of the input, unsigned."""
    wide = np.pad(face, ((0, 0), (200, 200), (0, 0)), constant_values=77)
    _, done = run(
        translator, sources=(wide,), output=tmp_path / "o.png", paste_back=paste_back, with_source=True, back=True
    )
    assert [(file.role, file.path.name) for file in done.files] == [
        ("source", "o-source.png"),
        ("result", "o.png"),
        ("back", "o-back.png"),
    ]
    expected = wide if paste_back else translator.cropped(wide).pixels
    np.testing.assert_array_equal(read_image(done.of("source")[0].path), expected)
    assert done.path == tmp_path / "o.png" and not verify(done.of("source")[0].path).credential


def test_events_are_plain_facts(translator: CycleTranslator, portrait: Path, tmp_path: Path) -> None:
    """They can be pickled, and their facts can be written as JSON."""
    steps, done = run(translator, sources=(portrait,), output=tmp_path / "o.png", back=True)
    cycle, facts = translator.cycle(portrait), done.files[0].facts
    assert json.loads(json.dumps(facts)) == facts
    assert facts == {"name": "amara.png", "cycle_error": pytest.approx(cycle.error), "cycle_note": cycle.note}
    assert pickle.loads(pickle.dumps([*steps, done])) == [*steps, done]
    assert done.mismatch is not None and done.mismatch.kind == "drawing", "these weights are made for photographs"
    assert done.notes == ("amara.png: The whole picture is used.", cycle.note, done.mismatch.text)
    assert steps[0].seconds_left == 0


def test_outputs_that_make_no_sense(translator: CycleTranslator, portrait: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(portrait.read_bytes())
    for sources, output, word in (
        ((portrait,), None, r"result\.png"),
        ((portrait, copy), tmp_path / "o.png", "folder"),
        ((copy,), copy, "overwrite"),
        ((copy,), tmp_path, "overwrite"),
        ((portrait,), tmp_path / "o.xyz", r"o\.xyz"),
        ((), tmp_path, "no picture"),
    ):
        with pytest.raises(BadRequest, match=word):
            run(translator, sources=sources, output=output)
    with pytest.raises(BadRequest, match=r"'sideways'.*auto, none, whole"):
        translator(portrait, crop="sideways")
    assert [file.name for file in tmp_path.iterdir()] == ["copy.png"] and copy.read_bytes() == portrait.read_bytes()


def test_a_folder_stands_for_its_pictures(portrait: Path, tmp_path: Path) -> None:
    found = listed([portrait.parent, "other.png"])
    assert portrait in found and found[-1] == Path("other.png") and list(found[:-1]) == sorted(found[:-1])
    with pytest.raises(BadRequest, match="contains no pictures"):
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


def test_the_change_of_a_picture_is_known() -> None:
    black, white = np.zeros((4, 6, 3), np.uint8), np.full((4, 6, 3), 255, np.uint8)
    assert change(black, black) == 0
    assert change(black, white) == change(white, black) == pytest.approx(2.0)
    half = black.copy()
    half[:2] = 255
    assert change(black, half) == pytest.approx(1.0)


@pytest.mark.parametrize("changes", [False, True])
def test_a_picture_in_which_nothing_changed_is_named(
    translator: CycleTranslator, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: bool
) -> None:
    monkeypatch.setattr(
        CycleTranslator, "render", lambda self, pictures: [255 - one if changes else one for one in pictures]
    )
    _, done = run(translator, sources=(portrait,), output=tmp_path / "o.png")
    assert any(UNCHANGED in note for note in done.notes) != changes
    run(translator, sources=(portrait, portrait), output=tmp_path / "all", ending="-as-zebra")
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == [
        f"{portrait.stem}-2-as-zebra.png", f"{portrait.stem}-as-zebra.png"
    ]  # fmt: skip
