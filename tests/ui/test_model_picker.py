"""The picker of weights: names, the automatic choice, and the advice to use other weights for a picture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.deadline import NEVER
from deepfake_core.errors import BadRequest
from deepfake_core.hub.selection import RULE
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.stargan.attribute_boxes import AttributeBoxes, Newest
from deepfake_core.ui.tabs.starganv2.references import References, Slot, references
from deepfake_core.ui.widgets.crop import Preview
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.widgets.model_picker import ModelPicker, by_hand

PHOTOGRAPH, DRAWING = EXAMPLES / "portraits" / "photo-astronaut.jpg", EXAMPLES / "portraits" / "luca.png"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path))
    monkeypatch.setenv("DEEPFAKE_LOOK_SECONDS", "600")
    monkeypatch.setenv("DEEPFAKE_DOWNLOADS", "on")
    return tmp_path


def rendered(*parts: Any) -> None:
    with gr.Blocks(analytics_enabled=False):
        for part in parts:
            part.render()


def picker(network: str) -> ModelPicker:
    models = ModelPicker(network, "test-")
    rendered(models)
    return models


def upload(path: Path) -> dict[str, Any]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


def last(updates: Iterator[Any]) -> Any:
    *_, shown = updates
    return shown


def test_the_choices_have_names_that_people_read_and_automatic_is_the_first(home: Path) -> None:
    models = picker("cyclegan")
    (home / "cyclegan-zebra2horse.safetensors").touch()
    shown = models.fill(None)
    assert shown[models.name].choices == [
        ("Automatic: horse to zebra", "automatic horse to zebra"),
        ("Automatic: zebra to horse", "automatic zebra to horse"),
        ("Horse to zebra, drawn", "cyclegan-starter-horse2zebra"),
        ("Zebra to horse, drawn", "cyclegan-starter-zebra2horse"),
        ("Zebra to horse, photographs", "cyclegan-zebra2horse"),
    ]
    assert shown[models.name].value == "automatic horse to zebra"
    assert models.fill("cyclegan-zebra2horse")[models.name].value == "cyclegan-zebra2horse", "a choice is kept"
    animator = picker("fomm")
    assert animator.fill(None)[animator.name].choices[0] == ("Automatic", "automatic faces")


def test_the_rule_and_what_is_known_of_weights_stand_below_the_list() -> None:
    models = picker("stargan")
    assert models.describe("automatic faces") == f"{RULE} Installed: Drawn heads."
    about = models.describe("stargan-starter")
    assert "6.6 MB; licence: MIT." in about and about.startswith("For hair colour, sex and age of drawn heads")
    assert models.describe("../x") == "" == models.describe("fomm-starter")


def test_the_button_offers_the_download_of_weights_for_photographs_and_selects_installed_ones(home: Path) -> None:
    models = picker("stargan")
    shown = models.suggest("automatic faces", "photograph")
    assert shown[models.more.accordion].open is True
    assert shown[models.more.download.name].value == "stargan-celeba-128"
    assert "33.8 MB" in shown[models.more.download.about], "with its facts"
    (home / "stargan-celeba-256.safetensors").touch()
    assert models.suggest("stargan-starter", "photograph")[models.name] == "stargan-celeba-256"
    assert models.suggest("stargan-celeba-256", "drawing")[models.name] == "stargan-starter"


def test_a_list_for_whoever_runs_the_server_has_each_licence_once() -> None:
    models = picker("fomm")
    text = by_hand(models.more.missing())
    assert text.count("CC BY-NC 4.0 in older") == 1 and "VoxCeleb faces, photographs · 729.0 MB" in text
    assert "python" not in text, "visitors have no shell"


@pytest.mark.parametrize(
    ("network", "picture", "said"),
    [
        ("stargan", PHOTOGRAPH, "This looks like a photograph; these weights are made for drawings"),
        ("starganv2", PHOTOGRAPH, "This looks like a photograph; these weights are made for drawings"),
        ("stargan", DRAWING, None),
        ("cyclegan", EXAMPLES / "fields" / "zebra-alert.png", None),
    ],
)
def test_a_preview_says_for_what_the_weights_are_not_made(network: str, picture: Path, said: str | None) -> None:
    models = ModelPicker(network, "test-")
    preview = Preview("picture", models, "test-advice")
    rendered(models, preview)
    shown = last(preview.show(upload(picture), "auto", None, None))
    line, button = shown[preview.advice.line], shown[preview.advice.button]
    assert line.visible is button.visible is (said is not None)
    assert (said or "") in line.value
    assert shown[preview.advice.kind] == ("photograph" if said else None)


def services() -> Services:
    return Services(engine=Engine(device="cpu"), examples=Examples([], [], [], []), cache=ExampleCache([]))


def test_no_attribute_is_read_or_ticked_for_a_photograph_under_starter_weights() -> None:
    boxes = AttributeBoxes(services(), "test-")
    rendered(boxes)
    shown = boxes.read(upload(PHOTOGRAPH), "auto", "automatic faces", None, None, Newest())
    assert "%" not in shown[boxes.certainty] and "no attributes are read" in shown[boxes.certainty]
    assert shown[boxes.boxes].value == [] and len(shown[boxes.boxes].choices) == 5
    newest = Newest()
    assert "%" in boxes.read(upload(DRAWING), "auto", "automatic faces", None, None, newest)[boxes.certainty]
    assert newest.of == (str(DRAWING), "auto", "automatic faces", 1)


def test_a_slower_reading_of_the_picture_before_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, newest = services(), Newest()
    boxes = AttributeBoxes(shared, "test-")
    rendered(boxes)

    def ask(*values: Any) -> dict[str, float]:
        newest.of = (str(PHOTOGRAPH), "auto", "automatic faces", 1)  # another reading begins meanwhile
        return dict.fromkeys(("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"), 1.0)

    monkeypatch.setattr(shared.engine, "ask", ask)
    shown = boxes.read(upload(DRAWING), "auto", "automatic faces", None, None, newest)
    assert boxes.boxes not in shown and boxes.reading not in shown


def test_the_domain_of_a_photograph_is_not_named_under_starter_weights() -> None:
    slots = References(services(), "test-", {})
    guess = lambda one: slots.guess(one, ("female", "male"), NEVER)  # noqa: E731
    assert guess(upload(PHOTOGRAPH)) is None
    assert guess(upload(DRAWING)) in ("female", "male")
    with pytest.raises(BadRequest, match="domain of reference 1 is not read"):
        references([Slot(upload(PHOTOGRAPH), None)], guess)
    (found,) = references([Slot(upload(PHOTOGRAPH), "female")], guess)
    assert found.domain == "female"
