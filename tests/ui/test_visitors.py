"""Consent and the number of runs, checked on the server: no handler sees a file that may not be used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import ConsentMissing, TooManyRuns
from deepfake_core.ui.engine import Engine
from deepfake_core.ui.examples import Examples
from deepfake_core.ui.form import Withheld, chosen
from deepfake_core.ui.page import EXAMPLES, build
from deepfake_core.ui.visitors import EXAMINED, FILES, Frequency, Visitors

EXAMPLE = EXAMPLES / "portraits" / "amara.png"


def request_of(session: str, host: str = "10.0.0.1") -> gr.Request:
    return gr.Request(session_hash=session, client={"host": host, "port": 1})


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "me.png").write_bytes(b"a face of my own")
    return {"path": str(tmp_path / "me.png")}


@pytest.fixture
def asked() -> list[Any]:
    """What the handlers were given."""
    return []


@pytest.fixture
def guarded(asked: list[Any]) -> tuple[Visitors, gr.Blocks]:
    """A page with a look at a file, and a run of two steps."""
    visitors = Visitors([EXAMPLE])

    def run(upload: Any, word: str) -> Iterator[str]:
        asked.append(upload)
        yield word
        yield chosen(upload, "picture").name

    with gr.Blocks() as page:
        visitors.render()
        file, word, shown = gr.Image(), gr.Textbox(), gr.Textbox()
        several = gr.File(file_count="multiple")
        file.change(lambda upload: asked.append(upload), inputs=file, preprocess=False)
        gr.Button().click(run, [file, word], shown, preprocess=False, concurrency_id="model")
        several.change(lambda uploads: asked.extend(uploads), inputs=several, preprocess=False)
        visitors.listen(page)
        visitors.guard(page)
    return visitors, page


def test_a_file_of_ones_own_is_withheld_until_the_tick_and_for_that_session_alone(guarded, asked, own):
    visitors, page = guarded
    look = page.fns[0].fn
    look(request_of("a"), own)
    assert isinstance(asked[-1], Withheld) and isinstance(asked[-1].error, ConsentMissing)
    visitors.agree(True, request_of("a"))
    look(request_of("a"), own)
    assert asked[-1] == own
    look(request_of("b"), own)
    assert isinstance(asked[-1], Withheld)
    visitors.agree(False, request_of("a"))
    look(request_of("a"), own)
    assert isinstance(asked[-1], Withheld)
    visitors.agree(True, request_of("a"))
    visitors.forget(request_of("a"))
    look(request_of("a"), own)
    assert isinstance(asked[-1], Withheld)


def test_an_example_needs_no_tick_but_another_file_of_its_name_does(guarded, asked, tmp_path):
    look = guarded[1].fns[0].fn
    look(request_of("a"), {"path": str(EXAMPLE)})
    assert asked[-1] == {"path": str(EXAMPLE)}
    other = tmp_path / EXAMPLE.name
    other.write_bytes(EXAMPLE.read_bytes()[:-1] + b"!")  # of the same length
    look(request_of("a"), {"path": str(other)})
    assert isinstance(asked[-1], Withheld)


def test_in_a_list_each_file_is_looked_at(guarded, asked, own):
    guarded[1].fns[2].fn(request_of("a"), [{"path": str(EXAMPLE)}, own])
    assert asked[0] == {"path": str(EXAMPLE)} and isinstance(asked[1], Withheld)


def test_a_run_stays_a_generator_and_fails_where_it_asks_for_the_path(guarded, own):
    visitors, page = guarded
    run = page.fns[1].fn(request_of("a"), own, "word")
    assert next(run) == "word"
    with pytest.raises(ConsentMissing, match="ticked the box"):
        next(run)
    visitors.agree(True, request_of("a"))
    assert list(page.fns[1].fn(request_of("a"), own, "word")) == ["word", "me.png"]


@pytest.mark.parametrize(("session", "address"), [(3, 100), (100, 3)])
def test_the_run_after_the_last_allowed_one_has_to_wait(guarded, monkeypatch, session, address):
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE", str(session))
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE_ADDRESS", str(address))
    run, example = guarded[1].fns[1].fn, {"path": str(EXAMPLE)}
    for _ in range(3):
        assert list(run(request_of("a"), example, "")) == ["", EXAMPLE.name]
    with pytest.raises(TooManyRuns, match=r"go on in \d+ seconds"):
        list(run(request_of("a"), example, ""))
    assert list(run(request_of("b", "10.0.0.2"), example, "")) == ["", EXAMPLE.name]


def test_a_minute_later_there_is_room_again_and_nothing_is_remembered():
    clock = [100.0]
    often = Frequency(lambda: clock[0])
    assert [often.wait("a", 2) for _ in range(3)] == [0, 0, 60]
    clock[0] += 59.9
    assert often.wait("a", 2) == pytest.approx(0.1)
    clock[0] += 0.2
    assert often.wait("b", 2) == 0
    assert list(often._times) == ["b"]


def test_no_endpoint_of_the_page_gets_a_file_without_the_tick(own):
    """Every handler that is given files is asked with a stranger's; none of them may open it."""
    page = build(Engine(device="cpu"), Examples.in_folder(EXAMPLES))
    given = 0
    for handler in page.fns.values():
        places = [place for place, one in enumerate(handler.inputs) if isinstance(one, FILES)]
        if not places or handler.inputs[places[0]].elem_id == EXAMINED:
            continue
        assert handler.preprocess is False
        assert getattr(handler.fn, "__qualname__", "").startswith("Visitors._checked")
        given += 1
    assert given >= 12
