"""A session's own results: bounded, gone with the session, and no way to another visitor's files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio.context import LocalContext

from deepfake_core.errors import ConsentMissing, MissingFile
from deepfake_core.ui.server.session_results import MAX_RESULTS, SessionResult, SessionResults
from deepfake_core.ui.server.uploaded import Withheld
from deepfake_core.ui.widgets.run_controls import Job
from deepfake_core.ui.widgets.session_gallery import SessionGallery
from deepfake_core.ui.widgets.stage import Done


def made(folder: Path, name: str, *values: Any, job: int = 1) -> SessionResult:
    (folder / name).write_bytes(name.encode())
    return SessionResult(path=folder / name, made_from="Made from mei.", tab="StarGAN", job=job, values=values)


@contextlib.contextmanager
def as_session(name: str) -> Iterator[None]:
    token = LocalContext.request.set(SimpleNamespace(session_hash=name))  # type: ignore[arg-type]
    try:
        yield
    finally:
        LocalContext.request.reset(token)


def test_a_session_has_its_own_results_the_newest_first(tmp_path: Path):
    results = SessionResults()
    for name in ("1.png", "2.png", "1.png"):
        results.add("a", made(tmp_path, name))
    results.add("b", made(tmp_path, "other.png"))
    assert [one.path.name for one in results.of("a")] == ["1.png", "2.png"]
    assert [one.path.name for one in results.of("b")] == ["other.png"]
    assert results.of("c") == []


def test_they_are_bounded_in_number_and_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DEEPFAKE_SESSIONS", "2")
    results = SessionResults()
    for number in range(MAX_RESULTS + 3):
        results.add("a", made(tmp_path, f"{number}.png"))
    assert len(results.of("a")) == MAX_RESULTS and results.of("a")[0].path.name == f"{MAX_RESULTS + 2}.png"
    for session in ("b", "c"):
        results.add(session, made(tmp_path, "x.png"))
    assert results.of("a") == [] and len(results.of("b")) == len(results.of("c")) == 1


def test_they_go_with_the_session_and_with_their_files(tmp_path: Path):
    results, one = SessionResults(), made(tmp_path, "1.png")
    results.add("a", one)
    results.pick("a", one)
    results.forget("a")
    assert results.of("a") == []
    with pytest.raises(MissingFile):
        results.picked("a", one.job)
    results.add("a", one)
    one.path.unlink()  # swept an hour later
    assert results.of("a") == []
    with pytest.raises(MissingFile):
        results.pick("a", one)


def test_nobody_picks_anothers_result(tmp_path: Path):
    results, one = SessionResults(), made(tmp_path, "1.png")
    results.add("a", one)
    with pytest.raises(MissingFile):
        results.pick("b", one)
    results.pick("a", one)
    assert results.picked("a", 1) == one
    for session, job in (("b", 1), ("a", 2)):
        with pytest.raises(MissingFile):
            results.picked(session, job)


def test_values_are_restored_by_the_upload_not_by_the_private_path(tmp_path: Path):
    upload, example = tmp_path / "upload.png", tmp_path / "example.png"
    for path in (upload, example):
        path.write_bytes(b"x")
    private = {"path": "/private/upload.png", "upload": str(upload)}
    values = (private, {"path": str(example)}, None, 7, "auto", [private], Withheld(ConsentMissing("no")))
    one = made(tmp_path, "1.png", *values)
    assert one.restored() == [str(upload), str(example), None, 7, "auto", [str(upload)], None]
    upload.unlink()
    with pytest.raises(MissingFile, match="upload it again"):
        one.restored()


@pytest.fixture
def gallery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[SessionGallery, gr.Image, gr.File, Job, gr.Blocks]:
    """A page with a gallery, a portrait, a file to verify, and a job of one number, made by two sessions."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    gallery = SessionGallery(SessionResults())
    with gr.Blocks() as page:
        portrait, file, number = gr.Image(), gr.File(), gr.Number()
        job = Job(triggers=[], run=lambda *values: iter(()), inputs=[number])
        keeper = gallery.keeper("StarGAN")
        keep, _ = keeper.keeping(job), keeper.restored(job)
        gallery.render()
        gallery.listen(page, portrait=portrait, portrait_tab="Image Animation", file=file, file_tab="Verify")
    for session, name in (("a", "mei-edited.png"), ("a", "mei-driven-by-sing.mp4"), ("b", "secret.png")):
        (tmp_path / name).write_bytes(name.encode())
        with as_session(session):
            keep((7,), Done("Made from mei.", (tmp_path / name,)))
            keep((8,), True)  # a failed run
            keep((9,), Done("Made from mei.", ()))
        (tmp_path / name).unlink()
    return gallery, portrait, file, job, page


def test_the_gallery_shows_copies_of_the_sessions_results_alone(gallery, tmp_path: Path):
    shown, *_ = gallery
    with as_session("a"):
        update = shown.refresh()
    assert update[shown.accordion].visible and update[shown.accordion].label == "Your results: 2 results"
    assert [label for label, _ in update[shown.number].choices] == ["1: mei-driven-by-sing", "2: mei-edited"]
    assert [one.path.read_text() for one in shown.results.of("a")] == ["mei-driven-by-sing.mp4", "mei-edited.png"]
    assert all(one.path.is_relative_to(tmp_path / "gradio") for one in shown.results.of("a"))
    with as_session("b"):
        assert [label for label, _ in shown.refresh()[shown.number].choices] == ["1: secret"]
    with as_session("c"):
        assert not shown.refresh()[shown.accordion].visible


def test_a_picture_becomes_a_portrait_a_video_does_not_and_both_are_verified(gallery):
    shown, portrait, file, *_ = gallery
    use, verify = shown._puts(portrait, "Image Animation", only_pictures=True), shown._puts(file, "Verify")
    with as_session("a"):
        assert Path(use("2")[portrait]).name == "mei-edited.png"
        assert Path(verify("1")[file]).name == "mei-driven-by-sing.mp4"
        with pytest.raises(gr.Error, match="A video cannot be a portrait"):
            use("1")
        for number in ("3", "6"):
            with pytest.raises(gr.Error, match="no such result"):
                verify(number)
    with as_session("b"):
        assert Path(use("1")[portrait]).name == "secret.png"
    with as_session("c"), pytest.raises(gr.Error, match="no such result"):
        use("1")


def test_made_again_with_the_same_values_by_the_job_that_made_it(gallery):
    shown, _, _, job, page = gallery
    (restore,) = [one.fn for one in page.fns.values() if one.name == "restore"]
    with as_session("a"), pytest.raises(gr.Error):
        restore()  # nothing was picked
    with as_session("a"):
        update = shown._start("2")
        assert [type(one) for one in update] == [gr.State, gr.HTML] and "StarGAN" in update[shown.next]
        assert restore() == {job.inputs[0]: 7}
    with as_session("b"), pytest.raises(gr.Error):
        restore()
