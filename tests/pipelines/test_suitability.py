"""Pictures for which weights were not made: what is said, and what is not read."""

from pathlib import Path

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.faces import Face
from deepfake_core.pipelines.attributes import AttributesRequest, edit, read_attributes
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.events import Finished
from deepfake_core.pipelines.style_specs import Reference
from deepfake_core.pipelines.styles import GridRequest, draw_grid
from deepfake_core.pipelines.suitability import kind_of_picture, may_read, mismatch, weights_for
from deepfake_core.pipelines.synthesizer import StyleSynthesizer

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTOGRAPH, DRAWING = EXAMPLES / "portraits" / "photo-astronaut.jpg", EXAMPLES / "portraits" / "luca.png"
ALL = {"Black_Hair": False, "Blond_Hair": True, "Brown_Hair": False, "Male": False, "Young": True}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture(scope="module")
def editor() -> AttributeEditor:
    return AttributeEditor.from_pretrained("stargan-starter", "cpu")


def finished(editor: AttributeEditor, folder: Path, *sources: Path) -> Finished:
    request = AttributesRequest(sources=sources, changes=ALL, output=folder / "results", with_source=False)
    *_, last = edit(editor, request)
    assert isinstance(last, Finished)
    return last


@pytest.mark.parametrize(
    ("weights", "kinds", "text"),
    [
        ("stargan-starter", ["drawing"], None),
        (
            "stargan-starter",
            ["photograph"],
            "This looks like a photograph; these weights are made for drawings, so the ",
        ),
        ("stargan-celeba-128", ["photograph"], None),
        (
            "stargan-celeba-128",
            ["drawing"],
            "This looks like a drawing; these weights are made for photographs, so the ",
        ),
        ("fomm-starter", ["photograph"], "made for drawn heads, and photographs move less exactly."),
        ("stargan-starter", ["drawing", "photograph", "photograph"], "2 of 3 look like photographs; "),
        ("fomm-mgif", ["drawing", "photograph"], None),
        ("my-own", ["photograph"], None),
    ],
)
def test_what_is_said_of_pictures_under_weights(weights: str, kinds: list[str], text: str | None) -> None:
    found = mismatch(weights, kinds)  # type: ignore[arg-type]
    assert (found is None) if text is None else (found is not None and text in found.text)


def test_a_photograph_gets_other_weights_than_a_drawing_once_both_are_installed(tmp_path: Path) -> None:
    assert {weights_for("stargan", None, one) for one in (PHOTOGRAPH, DRAWING)} == {"stargan-starter"}
    assert weights_for("stargan", None, tmp_path / "missing.png") == "stargan-starter", "not read without a choice"
    (tmp_path / "home" / "stargan-celeba-128.safetensors").touch()
    assert weights_for("stargan", None, PHOTOGRAPH) == "stargan-celeba-128"
    assert weights_for("stargan", "automatic faces", DRAWING) == weights_for("stargan", None) == "stargan-starter"
    assert weights_for("stargan", "stargan-celeba-128", DRAWING) == "stargan-celeba-128", "a name is a name"


def test_without_a_face_the_whole_picture_decides() -> None:
    assert kind_of_picture(EXAMPLES / "fields" / "zebra-alert.png") == "drawing"
    assert kind_of_picture(PHOTOGRAPH) == "photograph"


def test_no_attributes_are_read_from_a_photograph_under_starter_weights(
    editor: AttributeEditor, tmp_path: Path
) -> None:
    assert read_attributes(editor, PHOTOGRAPH, Face()) is None
    seen = read_attributes(editor, DRAWING, Face())
    assert seen is not None and set(seen) == set(ALL)
    assert not may_read("stargan-starter", "photograph") and may_read("stargan-starter", "drawing")
    assert may_read("stargan-celeba-128", "photograph") and may_read("my-own", "photograph")

    last = finished(editor, tmp_path, PHOTOGRAPH)
    (result,) = last.of("result")
    assert result.facts["seen"] is None and result.facts["attributes"] == ALL
    assert last.mismatch is not None and last.mismatch.kind == "photograph" and last.mismatch.text in last.notes


def test_a_drawing_under_starter_weights_is_not_spoken_of(editor: AttributeEditor, tmp_path: Path) -> None:
    last = finished(editor, tmp_path, DRAWING)
    assert last.mismatch is None and not any("photograph" in note for note in last.notes)
    assert last.of("result")[0].facts["seen"] is not None


def test_a_batch_says_how_many_do_not_fit(editor: AttributeEditor, tmp_path: Path) -> None:
    last = finished(editor, tmp_path, DRAWING, PHOTOGRAPH)
    assert last.mismatch is not None and last.mismatch.text.startswith("1 of 2 look like photographs;")
    assert last.mismatch.text in last.notes


def test_what_is_not_read_has_to_be_set(editor: AttributeEditor, tmp_path: Path) -> None:
    request = AttributesRequest(sources=(PHOTOGRAPH,), changes={"Blond_Hair": True}, output=tmp_path / "x.png")
    with pytest.raises(BadRequest, match="reads no attributes here; set Male, Young as well"):
        list(edit(editor, request))
    assert not (tmp_path / "x.png").exists()


def test_a_photograph_as_the_reference_of_a_style_is_said(tmp_path: Path) -> None:
    synthesizer = StyleSynthesizer.from_pretrained("starganv2-starter-heads", "cpu")
    styles = (Reference(image=PHOTOGRAPH, domain="female"),)
    *_, last = draw_grid(synthesizer, GridRequest(sources=(DRAWING,), styles=styles, output=tmp_path / "grid.png"))
    assert isinstance(last, Finished)
    assert any(
        note.startswith("1 of 2 look like photographs; these weights are made for drawings") for note in last.notes
    )
