"""Consent and rate limits on the server: no handler gets a file that it may not use."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import ConsentMissing, MissingFile
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server.parameters import parameter_of
from deepfake_core.ui.server.rate_limit import RateLimit
from deepfake_core.ui.server.sessions import EXAMINED, Sessions
from deepfake_core.ui.server.upload_check import UNUSABLE, takes_file
from deepfake_core.ui.server.uploaded import Withheld, chosen, path_of
from deepfake_core.ui.server.validation import CheckedBlocks, takes_list
from deepfake_core.ui.wiring import NETWORK, PRIVATE
from tests.ui.asking import admitted, ask, defaults, request_of, sent, upload

EXAMPLE = EXAMPLES / "portraits" / "amara.png"
OWN = b"a face of my own"


@pytest.fixture
def own(upload_folder: Path) -> dict[str, Any]:
    return upload(upload_folder, OWN, "me.png")


@pytest.fixture
def example(upload_folder: Path) -> dict[str, Any]:
    """An example as Gradio passes it to a page: a copy in the upload folder."""
    return upload(upload_folder, EXAMPLE.read_bytes(), EXAMPLE.name)


@pytest.fixture
def asked() -> list[Any]:
    """What the handlers got: name and content of each file, or its replacement."""
    return []


@pytest.fixture
def guarded(asked: list[Any], upload_folder: Path) -> tuple[Sessions, CheckedBlocks]:
    """A page with a preview, a run of two steps, a list of files, and a run without files."""
    sessions = Sessions()

    def look(upload: Any) -> None:
        path = None if isinstance(upload, Withheld) else path_of(upload)
        asked.append((path.name, path.read_bytes()) if path else upload)

    def run(upload: Any, word: str) -> Iterator[str]:
        look(upload)
        yield word
        yield chosen(upload, "picture").name

    with CheckedBlocks(examples=[EXAMPLE]) as page:
        sessions.render()
        file, word, shown = gr.Image(), gr.Textbox(), gr.HTML(elem_classes="error-message")
        files, number = gr.File(file_count="multiple"), gr.Slider(0, 9, 0)
        file.change(look, inputs=file, preprocess=False, **PRIVATE)
        gr.Button().click(run, [file, word], shown, preprocess=False, concurrency_id=NETWORK, **PRIVATE)
        files.change(lambda uploads: [*map(look, uploads)] and None, inputs=files, preprocess=False, **PRIVATE)
        gr.Button().click(
            lambda number: str(number), number, shown, concurrency_id=NETWORK, preprocess=False, **PRIVATE
        )
        sessions.listen(page)
        sessions.guard(page)
    return sessions, page


def test_a_file_of_ones_own_is_withheld_until_the_tick_and_for_that_session_alone(guarded, asked, own):
    sessions, page = guarded
    look = page.fns[0].fn
    look(request_of("a"), own)
    assert isinstance(asked[-1], Withheld) and isinstance(asked[-1].error, ConsentMissing)
    sessions.agree(True, request_of("a"))
    look(request_of("a"), own)
    assert asked[-1:] == [("me.png", OWN)]
    look(request_of("b"), own)
    assert isinstance(asked[-1], Withheld)
    sessions.agree(False, request_of("a"))
    look(request_of("a"), own)
    assert isinstance(asked[-1], Withheld)
    sessions.agree(True, request_of("a"))
    sessions.forget(request_of("a"))
    look(request_of("a"), own)
    assert isinstance(asked[-1], Withheld)


def test_a_closed_page_takes_its_consent_with_it(guarded, asked, own):
    sessions, page = guarded
    for session in ("a", "b"):
        sessions.agree(True, request_of(session))
    for handler in [one for one in page.fns.values() if any(event == "unload" for _, event in one.targets)]:
        handler.fn(request_of("a"))  # as Gradio does when the connection of the page has ended
    page.fns[0].fn(request_of("b"), own)
    page.fns[0].fn(request_of("a"), own)
    assert asked[0] == ("me.png", OWN) and isinstance(asked[1], Withheld)


def test_an_example_needs_no_tick_but_another_file_of_its_name_does(guarded, asked, example, upload_folder):
    look, content = guarded[1].fns[0].fn, EXAMPLE.read_bytes()
    look(request_of("a"), example)
    assert asked[-1] == (EXAMPLE.name, content)
    look(request_of("a"), upload(upload_folder, content, "renamed.png"))
    assert asked[-1] == ("renamed.png", content)
    look(request_of("a"), upload(upload_folder, content[:-1] + b"!", EXAMPLE.name))  # of the same length
    assert isinstance(asked[-1], Withheld)


def test_the_tick_repeats_what_a_changed_file_starts_and_no_run(upload_folder: Path):
    sessions = Sessions()
    with CheckedBlocks(examples=[EXAMPLE]) as page:
        sessions.render()
        file, ticket, crop = gr.Image(), gr.State(0), gr.Radio(["auto"])
        for trigger in (file.change, ticket.change, crop.change):
            trigger(lambda upload: None, inputs=file, preprocess=False)
        sessions.guard(page)
    preview, run, recrop = page.fns.values()
    assert (sessions.known._id, "change") in preview.targets
    assert all((sessions.known._id, "change") not in one.targets for one in (run, recrop))


def test_a_file_beside_one_that_is_only_examined_needs_the_tick_all_the_same(upload_folder: Path) -> None:
    sessions, given = Sessions(), list[Any]()
    with CheckedBlocks() as page:
        sessions.render()
        examined, used = gr.File(elem_id=EXAMINED), gr.Image()
        gr.Button().click(lambda *files: given.extend(files), [examined, used], preprocess=False, **PRIVATE)
        sessions.guard(page)
    handler = next(one for one in page.fns.values() if len(one.inputs) == 2)
    handler.fn(request_of("a"), upload(upload_folder, b"one", "one.png"), upload(upload_folder, b"two", "two.png"))
    assert not isinstance(given[0], Withheld)
    assert isinstance(given[1], Withheld) and isinstance(given[1].error, ConsentMissing)


def test_in_a_list_each_file_is_looked_at(guarded, asked, own, example):
    guarded[1].fns[2].fn(request_of("a"), [example, own])
    assert asked[0][0] == EXAMPLE.name and isinstance(asked[1], Withheld)


def test_a_run_stays_a_generator_and_fails_where_it_asks_for_the_path(guarded, own):
    sessions, page = guarded
    run = page.fns[1].fn(request_of("a"), own, "word")
    assert next(run) == "word"
    (shown,) = next(run).values()
    assert "tick the consent box" in shown.value and next(run, None) is None
    sessions.agree(True, request_of("a"))
    assert list(page.fns[1].fn(request_of("a"), own, "word")) == ["word", "me.png"]


@pytest.mark.parametrize("place", [1, 3])
@pytest.mark.parametrize(("session", "address"), [(3, 100), (100, 3)])
def test_the_run_after_the_last_allowed_one_has_to_wait(guarded, monkeypatch, example, session, address, place):
    """With and without files: runs on the network are counted."""
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE", str(session))
    monkeypatch.setenv("DEEPFAKE_RUNS_PER_MINUTE_ADDRESS", str(address))
    page = guarded[1]
    values = [example, ""] if place == 1 else [5]
    for _ in range(3):
        assert "runs per minute" not in ask(page, page.fns[place], values)
    assert "runs per minute; try again in" in ask(page, page.fns[place], values)
    if session == 3:
        assert "runs per minute" not in ask(page, page.fns[place], values, session="b")


def test_a_minute_later_there_is_room_again_and_nothing_is_remembered():
    clock = [100.0]
    often = RateLimit(lambda: clock[0])
    assert [often.wait("a", 2) for _ in range(3)] == [0, 0, 60]
    clock[0] += 59.9
    assert often.wait("a", 2) == pytest.approx(0.1)
    clock[0] += 0.2
    assert often.wait("b", 2) == 0
    assert list(often._times) == ["b"]


def test_a_list_that_names_a_file_before_it_is_there_gets_none_although_it_comes(guarded, asked, upload_folder):
    """Anyone who knows a file can predict its path in the upload folder."""
    page, coming = guarded[1], upload(upload_folder, b"not yet", "me.png")
    Path(coming["path"]).unlink()
    run = page.fns[1].fn(request_of("a"), coming, "word")
    assert next(run) == "word"
    upload(upload_folder, b"not yet", "me.png")
    (shown,) = next(run).values()
    assert UNUSABLE in shown.value
    assert isinstance(asked[-1], Withheld) and isinstance(asked[-1].error, MissingFile)
    page.fns[2].fn(request_of("a"), [sent(upload_folder / ("0" * 64) / "me.png")])
    assert isinstance(asked[-1].error, MissingFile)


def test_what_was_an_example_when_it_was_looked_at_stays_one(guarded, example):
    """Replacing the file afterwards has no effect, with consent and without."""
    sessions, page = guarded
    path = Path(example["path"])
    for agreed in (False, True):
        sessions.agree(agreed, request_of("a"))
        renamed = upload(path.parents[1], path.read_bytes(), f"renamed-{agreed}.png")
        read = list[bytes]()
        used = swapped_while_used(Path(renamed["path"]), read)
        sessions._guarded(page.fns[0], used, page.uploads)(request_of("a"), renamed)
        assert read == [EXAMPLE.read_bytes()]


def swapped_while_used(path: Path, read: list[bytes]) -> Any:
    def use(upload: Any) -> None:
        stranger = path.with_name("stranger")
        stranger.write_bytes(OWN)
        os.replace(stranger, path)
        read.append(chosen(upload, "picture").read_bytes())

    return use


def is_examined(component: Any) -> bool:
    """Verify, and the call of programs that does the same, only analyse their file."""
    parameter = parameter_of(component)
    return component.elem_id == EXAMINED or (parameter is not None and parameter.examined)


def test_no_endpoint_of_the_page_gets_a_file_without_the_tick(served, own, monkeypatch, any_number_of_runs):
    """Every handler with file inputs is called with a file without consent; none may open it."""
    given = 0
    for handler in served.fns.values():
        places = [place for place, one in enumerate(handler.inputs) if takes_file(one)]
        places = [place for place in places if not is_examined(handler.inputs[place])]
        if not places:
            continue
        assert handler.preprocess is False
        if handler.fn is None:
            continue  # a script of the page, which the server does not run
        asks = [parameter.is_consent if (parameter := parameter_of(one)) else False for one in handler.inputs]
        values = [False if is_consent else value for is_consent, value in zip(asks, defaults(handler), strict=True)]
        for place in places:
            values[place] = [own] if takes_list(handler.inputs[place]) else own
        got = admitted(served, handler, values, monkeypatch)
        for place in places:
            (one,) = got[place] if isinstance(got[place], list) else [got[place]]
            assert isinstance(one, Withheld) and isinstance(one.error, ConsentMissing)
        given += 1
    assert given >= 40
