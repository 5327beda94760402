"""Checks of component values by kind: any client can send anything."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.components.api_component import Api

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.parameters import parameter_of

Check = Callable[[Any, Any], str | None]
"""`check(component, value)` returns what the value must be, or None if it is valid."""

MAX_NUMBER = 2**53 - 1
"""For a number without limits: the largest integer that a browser represents exactly."""
MAX_TEXT = 1_000
"""Characters of a text field without `max_length`."""
MAX_QUOTE = 40
"""Characters of an invalid value that a message quotes."""
MAX_CHOICES = 100
"""For a list with multiple selection."""
NAME = re.compile(r"\w[\w .+-]{0,99}")
"""A choice in a list that is filled at run time. Its user looks it up: weights in the manifest, attributes and domains
in the network's configuration."""


def check(component: Any, value: Any) -> None:
    """Raise `BadRequest` unless `value` is valid for `component`."""
    if wanted := CHECKS[kind_of(component)](component, value):
        got = repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
        got = got if len(got) <= MAX_QUOTE else f"{got[:MAX_QUOTE]}…"
        raise BadRequest(f"{component.label or 'a value'} must be {wanted}, got {got}")


def kind_of(component: Any) -> type[Component]:
    """The class in `CHECKS` of a component. Raises `TypeError` if there is none."""
    for kind in CHECKS:
        if isinstance(component, kind):
            return kind
    raise TypeError(f"no check for the values of {type(component).__name__}; add one to {__name__}")


def _number(component: Any, value: Any) -> str | None:
    return None if value is None else _slider(component, value)  # None: an empty field


def _slider(component: Any, value: Any) -> str | None:
    low = -MAX_NUMBER if component.minimum is None else component.minimum
    high = MAX_NUMBER if component.maximum is None else component.maximum
    whole = getattr(component, "precision", None) == 0
    between = f"a {'whole ' if whole else ''}number between {low} and {high}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return between  # false for NaN
    return between if whole and not float(value).is_integer() else None


def _checkbox(component: Any, value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _radio(component: Any, value: Any) -> str | None:
    choices = [choice for _, choice in component.choices]
    return None if isinstance(value, str) and value in choices else f"one of {', '.join(map(str, choices))}"


def _dropdown(component: Any, value: Any) -> str | None:
    if component.multiselect:
        return _checkbox_group(component, value)
    return None if value is None or _is_choice(component, value) else "chosen from its list"


def _checkbox_group(component: Any, value: Any) -> str | None:
    fits = isinstance(value, list) and len(value) <= MAX_CHOICES
    fits = fits and all(_is_choice(component, one) for one in value) and len(set(value)) == len(value)
    return None if fits else "chosen from its list, each once"


def _is_choice(component: Any, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    choices: Sequence[Any] = [choice for _, choice in component.choices]
    return value in choices if choices else NAME.fullmatch(value) is not None


def _dataset(component: Any, value: Any) -> str | None:
    last = len(component.samples) - 1
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= last
    return None if fits else f"a whole number between 0 and {last}"


def _text(component: Any, value: Any) -> str | None:
    most = component.max_length or MAX_TEXT
    return None if isinstance(value, str) and len(value) <= most else f"a text of at most {most} characters"


def _parameter(component: Any, value: Any) -> str | None:
    parameter = parameter_of(component)
    return parameter.error(value) if parameter else "one of an endpoint"


def _anything(component: Any, value: Any) -> str | None:
    return None  # Gradio ignores what was sent and uses the server's own value


CHECKS: dict[type[Component], Check] = {
    gr.Slider: _slider,
    gr.Number: _number,
    gr.Checkbox: _checkbox,
    gr.CheckboxGroup: _checkbox_group,
    gr.Radio: _radio,
    gr.Dropdown: _dropdown,
    gr.Dataset: _dataset,
    gr.Textbox: _text,
    gr.State: _anything,
    Api: _parameter,
}
"""The kinds of components that may be inputs of handlers; files are checked in `upload_check`."""
