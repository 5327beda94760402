"""Values that the page cannot send never reach a handler, and are rejected with one sentence."""

import math
import re
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.upload_check import takes_file
from deepfake_core.ui.server.validation import WRONG_VALUES, CheckedBlocks
from deepfake_core.ui.server.values import check
from tests.ui.asking import ask, default, defaults, sent

pytestmark = pytest.mark.usefixtures("any_number_of_runs")

NUMBERS: tuple[Any, ...] = (
    math.nan,
    math.inf,
    -math.inf,
    8000,
    -1,
    "x",
    None,
    True,
    10**400,
    -(10**400),
    [],
    {"value": 1},
)


@pytest.fixture(autouse=True)
def _nothing_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_: Any) -> None:
        raise AssertionError("a network was used")

    for name in ("work", "ask", "model"):
        monkeypatch.setattr(Engine, name, reached)


def asked(page: CheckedBlocks) -> list[Any]:
    return [handler for handler in page.fns.values() if handler.fn and handler.inputs]


def test_no_handler_is_forgotten(served: CheckedBlocks) -> None:
    handlers = asked(served)
    assert len(handlers) >= 60
    assert {handler.fn.__qualname__ for handler in handlers} <= {
        "Sessions._guarded.<locals>.answer",
        "Sessions._guarded.<locals>.answers",
    }


def test_every_handler_refuses_a_value_of_no_kind_for_every_input(served: CheckedBlocks) -> None:
    """The last one goes the whole way, for which Gradio copies the page's state; the others go through its check."""
    places = 0
    for handler in asked(served):
        values, answer = defaults(handler), ""
        for place, component in enumerate(handler.inputs):
            if not isinstance(component, gr.State) and not takes_file(component):
                wrong = [*defaults(handler)[:place], {"of": ["no", "kind"]}, *defaults(handler)[place + 1 :]]
                with pytest.raises(BadRequest, match=f"^{re.escape(str(component.label))} must be .*got a dict"):
                    served._checked(handler, wrong)
                values, answer = wrong, f"{component.label} must be"
                places += 1
        assert not answer or answer in ask(served, handler, values), handler.name
    assert places >= 200


def test_every_number_of_every_handler_is_finite_and_in_its_range(served: CheckedBlocks) -> None:
    """One number goes the whole way, for which Gradio copies the page's state; the others go through its check."""
    numbers = 0
    for handler in asked(served):
        for place, component in enumerate(handler.inputs):
            if not isinstance(component, gr.Slider | gr.Number):
                continue
            values = defaults(handler)
            for value in (one for one in NUMBERS if is_wrong(component, one)):
                values[place] = value
                with pytest.raises(BadRequest, match=f"^{re.escape(str(component.label))} must be a .*between"):
                    served._checked(handler, values)
                numbers += 1
            answer = ask(served, handler, values)
            assert f"{component.label} must be a" in answer and "between" in answer, (values[place], answer)
    assert numbers >= 300


def is_wrong(component: gr.Slider | gr.Number, value: Any) -> bool:
    """Whether a number of `NUMBERS` is none for this component."""
    if value is None and isinstance(component, gr.Number):
        return False  # the field was emptied
    if value == 8000 and component.maximum is None:
        return False
    return not (value == -1 and component.minimum is not None and component.minimum <= value)


def test_a_number_of_values_that_no_page_sends_is_refused(served: CheckedBlocks) -> None:
    for handler in asked(served):
        assert WRONG_VALUES in ask(served, handler, [*defaults(handler), 1])
        with pytest.raises(BadRequest, match=WRONG_VALUES):
            served._checked(handler, defaults(handler)[1:])


def test_what_the_page_shows_at_first_can_be_sent(served: CheckedBlocks) -> None:
    for handler in asked(served):
        for component in handler.inputs:
            if not takes_file(component):
                check(component, default(component))


@pytest.mark.parametrize(
    ("component", "good", "bad"),
    [
        (lambda: gr.Slider(0, 1, 0, label="it"), [0, 1, 0.5], [1.0001, -0.1, math.nan, True, None, "1"]),
        (lambda: gr.Number(label="it", precision=0), [0, 7.0, -3, 2**53 - 1, None], [0.5, 2**53, 10**400, False]),
        (lambda: gr.Number(label="it", minimum=1, maximum=6), [1, 6, 2.5, None], [0, 7, math.inf]),
        (lambda: gr.Checkbox(label="it"), [True, False], [1, 0, None, "true"]),
        (lambda: gr.Radio(["a", ("B", "b")], label="it"), ["a", "b"], ["B", None, [], ["a"], "c"]),
        (lambda: gr.Dropdown(["a", "b"], label="it"), ["a", None], ["c", ["a"], 1, "a" * 10**5]),
        (lambda: gr.Dropdown([], label="it"), ["fomm-vox", "dog", None], ["../dog", "", "a\n", "a" * 101, "<b>"]),
        (lambda: gr.CheckboxGroup(["a", "b"], label="it"), [[], ["a", "b"]], ["a", ["a", "a"], ["c"], [["a"]], None]),
        (lambda: gr.CheckboxGroup([], label="it"), [["Blond_Hair"]], [["x"] * 2, ["/x"], [str(n) for n in range(101)]]),
        (lambda: gr.Textbox(label="it", max_length=3), ["", "abc"], ["abcd", 1, None, ["a"]]),
        (lambda: gr.Dataset(components=["textbox"], samples=[["a"], ["b"]], label="it"), [0, 1], [2, -1, "0", True]),
    ],
)  # fmt: skip
def test_each_kind_takes_what_it_can_hold(component: Any, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        check(component(), value)
    for value in bad:
        with pytest.raises(BadRequest, match=r"^it must be .*, got ") as refused:
            check(component(), value)
        assert len(str(refused.value)) < 200


def test_a_component_that_no_check_knows_stops_the_page() -> None:
    sessions = Sessions()
    with CheckedBlocks() as page:
        sessions.render()
        gr.Button().click(lambda value: None, inputs=gr.Code())
    with pytest.raises(TypeError, match=r"no check for the values of Code"):
        sessions.guard(page)


def test_the_sentence_stands_where_the_handler_shows_its_errors_or_else_at_the_edge_of_the_page(tmp_path: Path) -> None:
    sessions = Sessions()
    with CheckedBlocks() as page:
        sessions.render()
        slider, place, other = gr.Slider(0, 1, 0, label="it"), gr.HTML(elem_classes="error-message"), gr.HTML()
        gr.Button().click(lambda value: ("", ""), slider, [other, place], preprocess=False)
        gr.Button().click(lambda value: "", slider, other)
        sessions.listen(page)
        sessions.guard(page)
    answer = ask(page, page.fns[0], [2])
    assert "alert" in answer and "it must be a number between 0 and 1, got 2" in answer
    assert ask(page, page.fns[1], [2]) == "it must be a number between 0 and 1, got 2."
    assert "it must be" in ask(page, page.fns[0], [sent(tmp_path)])


def test_a_bug_of_a_handler_is_a_sentence_too(caplog: pytest.LogCaptureFixture) -> None:
    sessions = Sessions()
    with CheckedBlocks() as page:
        sessions.render()
        gr.Button().click(lambda value: 1 / value, gr.Slider(0, 1, 0, label="it"), gr.HTML())
        sessions.listen(page)
        sessions.guard(page)
    assert ask(page, page.fns[0], [0]) == "Something went wrong here; the server's log has the details."
    assert "ZeroDivisionError" in caplog.text
