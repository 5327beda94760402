"""Each kind of parameter takes what its schema says, and nothing else."""

import math
from typing import Any

import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.ui.server.calls import ONE_CALL, CallableEndpoint, one_call_session
from deepfake_core.ui.server.parameters import (
    MAX_CHANGES,
    Parameter,
    choice,
    consent,
    file,
    flag,
    number,
    parameter_of,
    switches,
    text,
    whole,
)
from deepfake_core.ui.server.queue import SESSION
from deepfake_core.ui.server.upload_check import META
from deepfake_core.ui.server.values import check


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (flag("it", "About."), [True, False], [1, 0, None, "true", []]),
        (consent(), [True, False], [1, None, "true"]),
        (number("it", "About.", 0, 1, 0.5), [0, 1, 0.25], [1.01, -0.1, math.nan, math.inf, None, True, "1", 10**400]),
        (whole("it", "About.", 1, 9, 1), [1, 9, 3.0], [0, 10, 2.5, None, True, math.nan]),
        (whole("it", "About.", 1, 9, None), [None, 5], [0]),
        (choice("it", "About.", ("a", "b"), "a"), ["a", "b"], ["c", None, ["a"], 1]),
        (choice("it", "About.", ("a", "b"), None), ["a", None], [""]),
        (text("it", "About.", "female"), ["female", "wild cat"], ["", "../a", "a\n", "a" * 101, None, 1, "<b>"]),
        (switches("it", "About.", {"A": True}), [{"A": True, "B": False}],
         [{}, [], None, {"A": 1}, {"": True}, {"../": True}, {f"a{n}": True for n in range(MAX_CHANGES + 1)}]),
    ],
)  # fmt: skip
def test_values(parameter: Parameter, good: list[Any], bad: list[Any]) -> None:
    component = parameter.component()
    assert parameter_of(component) is parameter and parameter.error(parameter.example) is None
    for value in good:
        check(component, value)
    for value in bad:
        with pytest.raises(BadRequest, match=rf"^{parameter.name} must be .*, got "):
            check(component, value)


ENDPOINT = CallableEndpoint(
    name="it",
    number=3,
    about="It.",
    parameters=(file("picture", "A picture.", "amara.png"), consent(), flag("back", "Back.")),
)


def test_values_by_name_are_put_in_order() -> None:
    assert ENDPOINT.values({"consent": True, "picture": "amara.png"}) == ["amara.png", True, False]
    assert ENDPOINT.values({"back": True, "consent": 1, "picture": 5}) == [5, 1, True]  # checked like the page's, later
    path = "/tmp/gradio/abc/me.png"
    assert ENDPOINT.values({"picture": path, "consent": True})[0] == {"path": path, "meta": META}
    assert ENDPOINT.values({"picture": r"C:\a.png", "consent": True})[0] == {"path": r"C:\a.png", "meta": META}


def test_missing_and_unknown_names_are_told() -> None:
    with pytest.raises(BadRequest, match=r"^it needs values for consent$"):
        ENDPOINT.values({"picture": "amara.png"})
    with pytest.raises(BadRequest, match=r"^it has the parameters picture, consent, back, got x+$") as refused:
        ENDPOINT.values({"x" * 5000: 1})
    assert len(str(refused.value)) < 200


def test_the_session_of_a_call_is_one_of_the_queue_and_never_the_same() -> None:
    sessions = {one_call_session() for _ in range(100)}
    assert len(sessions) == 100 and all(SESSION.fullmatch(one) and one.startswith(ONE_CALL) for one in sessions)
