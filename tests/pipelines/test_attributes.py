"""StarGAN from a request to finished files: attributes read, changed and flipped; errors for invalid requests."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepfake_core import AttributeEditor
from deepfake_core.errors import BadRequest, NoFaceFound
from deepfake_core.faces import Face, Whole
from deepfake_core.media.images import ImageLike, read_image
from deepfake_core.networks.stargan import StarGan, StarGanConfig, flipped
from deepfake_core.pipelines.attributes import (
    AttributesRequest,
    change_in_words,
    edit,
    in_words,
    read_attributes,
)
from deepfake_core.pipelines.events import Finished, Progress
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from tests.provenance.declared import watermarked

SEEN = {"Black_Hair": 0.9, "Blond_Hair": 0.6, "Brown_Hair": 0.1, "Male": 0.2, "Young": 0.8}


@pytest.fixture
def editor(home: Path) -> AttributeEditor:
    return AttributeEditor.from_pretrained("stargan-celeba-128", "cpu")


def run(editor: AttributeEditor, **fields: object) -> tuple[list[Progress], Finished]:
    *steps, done = edit(editor, AttributesRequest(**fields))  # type: ignore[arg-type]
    assert isinstance(done, Finished)
    assert done.files == tuple(file for step in steps if isinstance(step, Progress) for file in step.files)
    return [step for step in steps if isinstance(step, Progress)], done


def on(attributes: dict[str, bool]) -> set[str]:
    return {name for name, value in attributes.items() if value}


def test_what_is_not_named_stays_and_hair_colours_exclude_one_another(editor: AttributeEditor) -> None:
    assert on(editor.wanted(SEEN, {})) == {"Black_Hair", "Young"}  # the surer of two colours
    assert on(editor.wanted(SEEN, {"Male": True})) == {"Black_Hair", "Male", "Young"}
    assert on(editor.wanted(SEEN, {"Blond_Hair": True, "Young": False})) == {"Blond_Hair"}
    assert on(editor.wanted(SEEN, {"Black_Hair": False})) == {"Young"}
    assert list(editor.wanted(SEEN, {"Young": True})) == list(editor.attributes)


def test_impossible_wishes_are_told_what_is_allowed(editor: AttributeEditor, square: np.ndarray) -> None:
    with pytest.raises(BadRequest, match="Black_Hair and Blond_Hair exclude one another"):
        editor(square, {"Black_Hair": True, "Blond_Hair": True}, crop="none")
    with pytest.raises(BadRequest, match=r"'Bald'.*Black_Hair, Blond_Hair, Brown_Hair, Male, Young"):
        editor(square, {"Bald": True}, crop="none")


def test_the_class_head_reads(editor: AttributeEditor, square: np.ndarray) -> None:
    assert editor.network.discriminator is not None
    logits = editor.network.discriminator(to_signed(to_batch([square], editor.device))).logits[0]
    seen = editor.read(square, crop="none")
    assert list(seen.values()) == pytest.approx(torch.sigmoid(logits).tolist())
    assert read_attributes(editor, square, Whole()) == seen


def test_the_generator_gets_all_attributes(editor: AttributeEditor, square: np.ndarray) -> None:
    wanted = editor.wanted(editor.read(square, crop="none"), {"Blond_Hair": True})
    labels = torch.tensor([[float(value) for value in wanted.values()]])
    expected = editor.network.generator(to_signed(to_batch([square], editor.device)), labels)
    np.testing.assert_array_equal(
        editor(square, {"Blond_Hair": True}, crop="none"), from_batch(from_signed(expected))[0]
    )


def test_flips_are_the_papers_single_edits(editor: AttributeEditor, square: np.ndarray) -> None:
    has = editor.shown(editor.read(square, crop="none"))
    targets = flipped(editor.labels([has]), editor.attributes)[:, 0]
    made = editor.flips(square, crop="none")
    assert tuple(made) == editor.attributes
    for picture, target in zip(made.values(), targets, strict=True):
        expected = editor.network.generator(to_signed(to_batch([square], editor.device)), target[None])
        np.testing.assert_array_equal(picture, from_batch(from_signed(expected))[0])


def test_weights_without_the_class_head_need_every_attribute(home: Path, square: np.ndarray) -> None:
    blind = AttributeEditor.from_pretrained("stargan-celeba-256", "cpu")
    with pytest.raises(BadRequest, match="200000-D"):
        blind.read(square, crop="none")
    with pytest.raises(BadRequest, match="set Male, Young as well"):
        blind(square, {"Blond_Hair": True}, crop="none")
    assert blind(square, {"Blond_Hair": True, "Male": False, "Young": True}, crop="none").shape == square.shape
    with pytest.raises(BadRequest, match="discriminator"):
        run(blind, sources=(square,), strip=True, output="never.png")


def test_domains_that_exclude_each_other_have_one_that_holds() -> None:
    config = StarGanConfig(
        size=64, attributes=("happy", "sad", "calm"), exclusive=True, base=4, blocks=1, critic_base=4, critic=True
    )
    editor = AttributeEditor(StarGan(config), name="moods", about="", device=torch.device("cpu"), subject="animal")
    seen = editor.read(np.zeros((64, 64, 3), np.uint8))
    assert sum(seen.values()) == pytest.approx(1)
    assert on(editor.wanted({"happy": 0.4, "sad": 0.5, "calm": 0.1}, {"calm": True})) == {"calm"}
    with pytest.raises(BadRequest, match="one attribute must be set"):
        editor.wanted({"happy": 0.3, "sad": 0.6, "calm": 0.1}, {"sad": False})


def test_files_of_a_run(editor: AttributeEditor, square: np.ndarray, portrait: Path, tmp_path: Path) -> None:
    """The result, the strip and each single change of every picture, with their facts."""
    fields = {"changes": {"Male": True}, "output": tmp_path, "strip": True, "single_changes": True, "label": False}
    _, done = run(editor, sources=(square, portrait), crop=Whole(), **fields)
    names = ["picture.png", "picture-strip.png", *[f"0{number}" for number in range(1, 6)]]
    assert [file.path.name[:17] if file.role != "change" else file.path.name[:2] for file in done.files[:7]] == names
    sources: tuple[ImageLike, ...] = (square, portrait)
    for number, source in enumerate(sources):
        result, strip, *changes = done.files[7 * number : 7 * (number + 1)]
        pixels, flips = editor.cropped(source, crop=Whole()).pixels, editor.flips(source, crop="none")
        seen = editor.read(source, crop="none")
        assert result.facts["seen"] == pytest.approx(seen)
        assert result.facts["attributes"] == editor.wanted(seen, {"Male": True})
        assert result.facts["name"] == result.caption == ("picture 1", "amara.png")[number]
        made = editor(source, {"Male": True}, crop="none")
        np.testing.assert_array_equal(read_image(result.path), watermarked(made, editor.name))
        row = np.hstack([pixels, *flips.values()])
        np.testing.assert_array_equal(read_image(strip.path), watermarked(row, editor.name))
        for change, flip in zip(changes, flips.values(), strict=True):
            np.testing.assert_array_equal(read_image(change.path), watermarked(flip, editor.name))
        has = editor.shown(seen)
        words = [change_in_words(name, has[name], editor.exclusive) for name in editor.attributes]
        assert [change.caption for change in changes] == words
        assert {change.path.parent.name for change in changes} == {f"{result.path.stem}-changes"}


def test_a_change_is_called_by_what_it_makes() -> None:
    hair = ("Black_Hair", "Blond_Hair", "Brown_Hair")
    assert in_words("Blond_Hair") == "Blond hair"
    assert change_in_words("Blond_Hair", False, hair) == "Blond hair"
    assert change_in_words("Blond_Hair", True, hair) == "Blond hair (unchanged)"
    assert [change_in_words("Male", has, hair) for has in (True, False)] == ["Female", "Male"]
    assert [change_in_words("Young", has, hair) for has in (True, False)] == ["Older", "Younger"]
    assert change_in_words("Eyeglasses", True, hair) == "Not eyeglasses"


def test_a_face_is_found_and_pasted_back(editor: AttributeEditor, face: np.ndarray, tmp_path: Path) -> None:
    wide = np.pad(face, ((0, 0), (300, 300), (0, 0)), constant_values=200)
    fields = {"changes": {"Male": True}, "paste_back": True, "with_source": True, "label": False}
    _, done = run(editor, sources=(wide,), output=tmp_path / "o.png", **fields)
    expected = editor.cropped(wide).paste(editor(wide, {"Male": True}))
    np.testing.assert_array_equal(expected[:, :250], wide[:, :250])
    np.testing.assert_array_equal(read_image(done.path), watermarked(expected, editor.name))
    np.testing.assert_array_equal(read_image(done.of("source")[0].path), wide)
    assert "1 face found" in done.notes[0]
    grey = np.full((200, 200, 3), 128, np.uint8)
    with pytest.raises(NoFaceFound, match="the picture"):
        editor(grey, {"Male": True})
    with pytest.raises(NoFaceFound, match="the picture"):
        read_attributes(editor, grey, Face())
