"""Programs have the limits of the page: runs per minute, runs that wait; and the operator can close their interface."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client.exceptions import AppError

from deepfake_core.ui.server.middleware import CLOSED
from tests.ui.programs.conftest import Programs, serving_small_page
from tests.ui.programs.small_page import PORTRAIT

RUNS, WAITING = 6, 2


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    limits = {"DEEPFAKE_RUNS_PER_MINUTE_ADDRESS": str(RUNS), "DEEPFAKE_WAITING_ADDRESS": str(WAITING)}
    with serving_small_page(tmp_path_factory.mktemp("limited"), **limits) as running:
        yield running


def test_runs_per_minute_are_those_of_an_address_whatever_the_way(limited: Programs) -> None:
    """Calls without a file count as well, and a new session for every call helps nobody."""
    limit, said = f"the limit is {RUNS} runs per minute; try again in", list[str]()
    for number in range(RUNS):
        if number % 2:
            assert not limited.tool("look", file=PORTRAIT.name)["isError"]
        else:
            assert limited.curl("wait", seconds=0, consent=False)[0] == "complete"
    said.append(limited.refusal("echo", picture=PORTRAIT.name, consent=False))
    said.append(limited.refusal("wait", seconds=0, consent=False))
    said.append(limited.curl("look", file=PORTRAIT.name)[1]["error"])
    with pytest.raises(AppError) as refused:
        limited.client().predict(picture=PORTRAIT.name, consent=False, api_name="/echo")
    said.append(str(refused.value))
    assert all(limit in one for one in said), said


def test_only_so_many_runs_of_an_address_may_wait(programs: Programs, tmp_path: Path) -> None:
    with serving_small_page(tmp_path, DEEPFAKE_WAITING_ADDRESS=str(WAITING)) as limited:
        answers = [limited.post("call/v2/wait", {"seconds": 30, "consent": False}) for _ in range(WAITING + 3)]
        assert [one.status_code for one in answers[:WAITING]] == [200] * WAITING
        refused = [one.json()["detail"] for one in answers if one.status_code == 503]
        assert refused and all("the queue is full" in one for one in refused)
        assert "the queue is full" in limited.refusal("wait", seconds=30, consent=False)
        assert not limited.tool("look", file=PORTRAIT.name)["isError"]  # short events have lanes of their own


def test_a_closed_interface_gives_one_clear_answer(tmp_path: Path) -> None:
    with serving_small_page(tmp_path, DEEPFAKE_API="off") as closed:
        for answer in (
            closed.get("info"),
            closed.post("call/v2/echo", {}),
            closed.get(f"call/echo/{'0' * 32}"),
            closed.post("mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
            closed.get("mcp"),
        ):
            assert answer.status_code == 403 and answer.json() == {"detail": CLOSED}
        with pytest.raises(ValueError, match="closed on this server"):
            closed.client()
        assert closed.get("../config").status_code == 200  # the page works
