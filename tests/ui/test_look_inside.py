"""The looks inside of the three translators: computed when opened, explained, and honest about errors."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.events import File, Finished
from deepfake_core.ui.server.validation import CheckedBlocks
from deepfake_core.ui.tabs.animation.inside import FIGURES as ANIMATION
from deepfake_core.ui.tabs.cyclegan.inside import FIGURES as CYCLEGAN
from deepfake_core.ui.tabs.stargan.inside import FIGURES as STARGAN
from deepfake_core.ui.tabs.starganv2.inside import FIGURES as STARGAN_V2
from deepfake_core.ui.widgets.explained import source_of
from deepfake_core.ui.widgets.inputs import Inputs
from deepfake_core.ui.widgets.look_inside import TITLE, LookInside

REPOSITORY = Path(__file__).parents[2]
ALL = {
    f"{tab}-{name}": one
    for tab, figures in {"fomm": ANIMATION, "cyclegan": CYCLEGAN, "stargan": STARGAN, "starganv2": STARGAN_V2}.items()
    for name, one in figures.items()
}


def functions(node: ast.AST, prefix: str = "") -> Iterator[str]:
    """The names of all functions in a file, with their classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield prefix + child.name
        if isinstance(child, ast.ClassDef):
            yield from functions(child, f"{child.name}.")


def test_the_code_of_a_figure_is_that_of_the_file() -> None:
    file = "deepfake_core/networks/cyclegan.py"
    line, text = source_of(file, "PatchDiscriminator.forward")
    first, *rest = text.splitlines()
    assert first.startswith("def forward(self, image:") and rest[-1] == "    return last(x)"
    assert (REPOSITORY / file).read_text(encoding="utf-8").splitlines()[line - 1] == f"    {first}"
    with pytest.raises(LookupError, match=r"has no PatchDiscriminator\.backward"):
        source_of(file, "PatchDiscriminator.backward")


@pytest.mark.parametrize("name", ALL)
def test_every_figure_names_its_code_and_is_explained_in_two_sentences(name: str) -> None:
    one = ALL[name]
    assert one.function in functions(ast.parse((REPOSITORY / one.file).read_text(encoding="utf-8")))
    assert one.text.count(". ") == 1 and one.text.endswith((".", "?"))
    assert one.equation.count("{") == one.equation.count("}") and "$" not in one.equation


def test_closed_panels_call_nothing(served: CheckedBlocks) -> None:
    """Only opening a panel, or its button, computes figures."""
    looks = [handler for handler in served.fns.values() if handler.name == "look"]
    assert len(looks) == 3
    for handler in looks:
        triggers = [(served.blocks[block], event) for block, event in handler.targets if block is not None]
        assert {(type(block), event) for block, event in triggers} == {
            (gr.Accordion, "expand"),
            (gr.Button, "click"),
        }
        assert all(not block.open for block, _ in triggers if isinstance(block, gr.Accordion))
    accordions = [one for one in served.blocks.values() if isinstance(one, gr.Accordion) and one.label == TITLE]
    assert len(accordions) == 3


@pytest.fixture
def panel() -> LookInside:
    """A panel of two figures, of which these weights have one; it fails if asked to."""

    def run(deadline: Deadline, values: Any) -> Iterator[Finished]:
        if values["fails"]:
            raise BadRequest("no picture is selected")
        file = File(path=Path("cycle.png"), role="inside", caption="cycle")
        yield Finished(files=(file,), notes=(), seconds=0.0)

    panel = LookInside("test-", CYCLEGAN, run)
    with gr.Blocks():
        fails, crop = gr.Checkbox(), gr.Radio()
        panel.render()
        panel.listen(Inputs(fails=fails), crop)
    return panel


def test_a_figure_that_the_weights_do_not_have_is_hidden(panel: LookInside) -> None:
    (update,) = panel.look(False)
    assert update[panel.pictures["cycle"]] == "cycle.png" and update[panel.pictures["identity"]] is None
    shown = {name: update[column].visible for name, column in panel.columns.items()}
    assert shown == {"cycle": True, "patches": False, "identity": False}
    assert not update[panel.error_message.text].visible


def test_an_error_is_one_sentence_and_leaves_the_figures(panel: LookInside) -> None:
    (update,) = panel.look(True)
    assert "no picture is selected" in update[panel.error_message.text].value
    assert not set(update) & {*panel.pictures.values(), *panel.columns.values()}
