"""The page as served: upload limits, and one run at a time on the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio.utils import _parse_file_size
from starlette.testclient import TestClient

from deepfake_core.ui.page import EXAMPLES, build
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.server.queue import is_run
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.widgets.wording import WORDS
from deepfake_core.ui.wiring import NETWORK, ON_NETWORK, READINGS, READS_FILE, READS_NETWORK, RUNS


@pytest.fixture(scope="module")
def page() -> gr.Blocks:
    return build(Engine(device="cpu"), Examples.in_folder(EXAMPLES))


def test_everything_that_runs_a_network_takes_turns(page: gr.Blocks) -> None:
    for lane, least in ((NETWORK, 8), (READINGS, 10)):
        asking = [handler for handler in page.fns.values() if handler.concurrency_id == lane]
        assert len(asking) >= least
        assert {handler.concurrency_limit for handler in asking} == {RUNS}


def test_readings_do_not_wait_for_runs(page: gr.Blocks) -> None:
    lanes = {handler.name: handler.concurrency_id for handler in page.fns.values()}
    for name in ("read", "update_domain", "follow_model", "show_liveliest"):
        assert lanes[name] == READINGS


def test_previews_and_readings_are_no_runs_though_they_yield() -> None:
    """Opening the page requests many of them at the same time, but a session may only queue three runs."""

    def steps() -> Iterator[None]:
        yield

    with gr.Blocks() as page:
        button = gr.Button()
        button.click(steps, **ON_NETWORK)
        button.click(steps, **READS_FILE)
        button.click(steps, **READS_NETWORK)
    run, preview, reading = page.fns.values()
    assert is_run(run) and not is_run(preview) and not is_run(reading)


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


def test_every_job_can_be_made_again_and_is_kept(page: gr.Blocks) -> None:
    names = [handler.name for handler in page.fns.values()]
    jobs = len([one for one in page.fns.values() if one.name == "run" and one.concurrency_id == NETWORK])
    assert jobs == 7  # animate; translate one and many; edit one and many; draw and its video
    assert names.count("restore") == jobs + 1  # and that of the address
    assert names.count("refresh") >= 2 * jobs


def test_gradio_still_says_what_the_page_rewords() -> None:
    """Should its message change, so must `WORDS`."""
    scripts = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in scripts.glob("*.js")]
    assert any("`Invalid file type${" in text for text in texts)
    assert any(text.startswith("This file cannot be used here") for text in WORDS.values())


def test_the_defaults_show_each_method_at_its_best(page: gr.Blocks) -> None:
    values: dict[object, Any] = {one.elem_id: getattr(one, "value", None) for one in page.blocks.values()}
    for place, name in (("portrait", "chloe.png"), ("driver", "sing.mp4"), ("styles-source", "mei.png")):
        assert Path(values[place]["path"]).name == name
