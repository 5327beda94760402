"""A session's state is Gradio's own, only cheaper, and no session sees another's."""

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from deepfake_core.ui.server.calls import one_call_session
from deepfake_core.ui.server.session_state import MAX_CALLS, CopiedStates


def test_a_new_session_has_gradios_state() -> None:
    page = some_page()
    states = CopiedStates(page)
    assert page.state_holder is states
    plain, own = vars(SessionState(page)), vars(states["a"])
    changed = ("blocks_config", "config_values")
    assert {name: own[name] for name in own if name not in changed} == {
        name: plain[name] for name in plain if name not in changed
    }
    assert vars(own["blocks_config"]) == vars(plain["blocks_config"])
    assert states["a"].blocks_config.blocks is not states["b"].blocks_config.blocks
    assert states["a"] is states["a"]


def test_no_session_sees_what_another_changed() -> None:
    page = some_page()
    states = CopiedStates(page)
    text, hidden = (next(key for key, one in page.blocks.items() if isinstance(one, kind)) for kind in KINDS)
    states["a"]._update_value_in_config(text, "mine")
    states["a"][hidden] = 7
    states["a"][text] = gr.Textbox("another box")
    for fresh in (states["b"], states["c"], SessionState(page)):
        assert fresh[hidden] == 1 and fresh[text].value == "first"
    assert states["a"][hidden] == 7 and states["a"][text].value == "another box"


def test_no_component_is_described_for_links_that_do_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each description of a component that a handler updates takes milliseconds."""
    page = some_page()
    state = CopiedStates(page)["a"]
    (text,) = (key for key, one in page.blocks.items() if isinstance(one, gr.Textbox))
    monkeypatch.setattr(gr.Textbox, "get_config", None)  # whatever calls it fails
    state[text] = gr.Textbox("another box")
    state._update_config(text)
    state._update_value_in_config(text, "a value")
    assert not any(state.components)


def test_the_least_recently_used_one_is_dropped() -> None:
    states = CopiedStates(some_page())
    states.capacity = 2
    for name in ("a", "b", "a", "c"):
        states[name]
    assert list(states.session_data) == ["a", "c"]


def test_calls_of_programs_push_no_page_out() -> None:
    states = CopiedStates(some_page())
    states.capacity = 2
    pages = [states["a"], states["b"]]
    calls = [one_call_session() for _ in range(3 * MAX_CALLS)]
    own = {call: states[call] for call in calls}
    assert [states["a"], states["b"]] == pages and list(states.session_data) == ["a", "b"]
    assert len({id(state) for state in own.values()}) == len(calls) and states[calls[-1]] is own[calls[-1]]
    assert len(states._calls) == MAX_CALLS  # the others are gone


KINDS = (gr.Textbox, gr.State)


def some_page() -> gr.Blocks:
    with gr.Blocks() as page:
        gr.Textbox("first")
        gr.State(1)
    return page
