"""Handler inputs by name, and the requests of the StarGAN v2 tab."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.faces import Face, Whole
from deepfake_core.pipelines.style_specs import Latent, Reference
from deepfake_core.ui.server.uploaded import chosen
from deepfake_core.ui.tabs.starganv2.form import StylesForm
from deepfake_core.ui.tabs.starganv2.references import MAX_REFERENCES
from deepfake_core.ui.widgets.face_choice import ChosenFace
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.stage import made_from, result_name


def test_values_get_the_names_of_their_components():
    seed, crop = gr.Number(), gr.Radio(["a"])
    inputs = Inputs(seed=seed, crop=crop)
    assert inputs.components == [seed, crop]
    assert inputs.named([7, "a"]) == {"seed": 7, "crop": "a"}
    with pytest.raises(ValueError, match="shorter"):
        inputs.named([7])


def form(**changes: Any) -> StylesForm:
    """The tab with one source, and references in slots 1 and 3."""
    values: dict[str, Any] = {
        "source": {"path": "/in/source.png"},
        "face": None,
        "more": None,
        "model": "starganv2-starter-heads",
        "crop": "none",
        "way": "references",
        "current": "starganv2-starter-heads",
        "domain": "male",
        "seed": 7,
        "truncation": 0.5,
        **{f"picture_{number}": None for number in range(1, MAX_REFERENCES + 1)},
        **{f"domain_{number}": None for number in range(1, MAX_REFERENCES + 1)},
        "picture_1": {"path": "/in/one.png"},
        "picture_3": {"path": "/in/three.png"},
        "domain_3": "male",
    }
    return StylesForm.of(values | changes)


def test_filled_slots_are_references_and_a_missing_domain_is_guessed():
    styles = form().styles(lambda upload: f"guess for {chosen(upload, 'reference').stem}")
    assert styles == (
        Reference(image=Path("/in/one.png"), domain="guess for one"),
        Reference(image=Path("/in/three.png"), domain="male"),
    )
    assert form().files() == tuple(Path(f"/in/{name}.png") for name in ("source", "one", "three"))
    with pytest.raises(BadRequest, match="no reference is selected"):
        form(picture_1=None, picture_3=None).styles(lambda upload: "male")


def test_a_seed_stands_for_itself_and_its_neighbours():
    styles = form(way="seed").styles(lambda upload: "male")
    assert styles == tuple(Latent(seed=7 + step, domain="male", truncation=0.5) for step in range(6))


def test_a_grid_asks_for_its_cells_while_there_are_places_for_all():
    styles = form(way="seed").styles(lambda upload: "male")
    for more, cells in ((1, True), (2, False)):  # 2 x 6 are the 12 places, 3 x 6 too many
        request = form(more=[{"path": f"/in/{number}.png"} for number in range(more)]).grid(styles)
        assert request.cells is cells and request.crop == Whole() and len(request.sources) == 1 + more


def test_an_interpolation_needs_two_styles_of_those_that_are_there():
    styles = form(way="seed").styles(lambda upload: "male")
    request = form().interpolation(styles, 2, 6.0, steps=5)
    assert (request.start, request.end, request.steps) == (styles[1], styles[5], 5)
    for start, end in ((1, 7), (2, 2), (0, 1), (None, 1)):
        with pytest.raises(BadRequest, match="between 1 and 6"):
            form().interpolation(styles, start, end)


def test_the_chosen_face_counts_for_a_single_source():
    """In a grid of several sources the number would mean another person in each."""
    styles = form(way="seed").styles(lambda upload: "male")
    changes = {"crop": "auto", "face": ChosenFace(of="/in/source.png", number=2)}
    assert form(**changes).grid(styles).crop == Face(2)
    assert form(**changes).interpolation(styles, 1, 2).crop == Face(2)
    assert form(**changes, more=[{"path": "/in/other.png"}]).grid(styles).crop == Face()
    assert form(**changes, source={"path": "/in/new.png"}).grid(styles).crop == Face()


def test_a_result_is_named_by_what_it_was_made_from():
    assert result_name("mei", "driven by", "sing") == "mei-driven-by-sing"
    assert result_name("My Photo (1)", "as zebra") == "my-photo-1-as-zebra"
    assert result_name("Zoë", "edited") == "zoë-edited"
    assert result_name("../../etc/passwd", "edited") == "etc-passwd-edited"
    assert result_name("...", "") == "result"
    assert len(result_name("\N{GRINNING FACE}" * 200, "漢" * 200, "b" * 200).encode()) <= 2 * 61


def test_a_result_says_what_it_was_made_from():
    assert made_from("fomm-starter", "portrait mei", "clip sing") == (
        "Made from portrait mei and clip sing with fomm-starter."
    )
    assert made_from("x", "picture a") == "Made from picture a with x."
    assert form().made_from("heads") == "Made from picture source, style one and style three with heads."
    assert form(way="seed").made_from("heads") == "Made from picture source and seed 7 with heads."
    assert form().name("in the style of", *form().names) == "source-in-the-style-of-one-three"
    assert form(way="seed").name("in the style of", *form(way="seed").names) == "source-in-the-style-of-male-7"
