"""The page as served: upload limits, and one run at a time on the network."""

from collections.abc import Iterator

import gradio as gr
import pytest
from gradio.utils import _parse_file_size
from starlette.testclient import TestClient

from deepfake_core.ui.page import EXAMPLES, build
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.queue import is_run
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.wiring import NETWORK, ON_NETWORK, READS_FILE, RUNS


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    return build(Engine(device="cpu"), Examples.in_folder(EXAMPLES))


def test_everything_that_runs_a_network_takes_turns(page: gr.Blocks) -> None:
    asking = [handler for handler in page.fns.values() if handler.concurrency_id == NETWORK]
    assert len(asking) >= 8
    assert {handler.concurrency_limit for handler in asking} == {RUNS}


def test_a_preview_is_no_run_though_it_yields() -> None:
    """Opening the page requests many previews at the same time, but a session may only queue three runs."""

    def steps() -> Iterator[None]:
        yield

    with gr.Blocks() as page:
        button = gr.Button()
        button.click(steps, **ON_NETWORK)
        button.click(steps, **READS_FILE)
    run, preview = page.fns.values()
    assert is_run(run) and not is_run(preview)


def test_programs_are_offered_the_endpoints_and_nothing_else(page: gr.Blocks) -> None:
    assert not page.api_open
    public = [handler for handler in page.fns.values() if handler.api_visibility == "public" and handler.fn]
    assert [one.api_name for one in public] == ["animate", "translate", "edit", "style", "verify", "models"]
    assert {handler.api_visibility for handler in page.fns.values() if handler.fn} == {"public", "private"}


def test_the_operator_can_close_the_interface_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPFAKE_API", "off")
    page = build(Engine(device="cpu"), Examples.in_folder(EXAMPLES))
    assert {handler.api_visibility for handler in page.fns.values() if handler.fn} == {"private"}


def test_an_upload_may_be_as_large_as_the_setting_and_not_a_byte_more() -> None:
    with gr.Blocks() as page:
        gr.File()
    page.max_file_size = _parse_file_size("1mb")  # as launch() reads `upload_megabytes`
    assert page.max_file_size is not None
    client = TestClient(gr.routes.App.create_app(page))
    for more, status in ((0, 200), (1, 413)):
        content = b"x" * (page.max_file_size + more)
        assert client.post("/gradio_api/upload", files={"files": ("a.png", content)}).status_code == status
