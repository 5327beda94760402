"""Only paths of uploads reach a handler, with consent and without."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import MissingFile
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server import upload_check as module
from deepfake_core.ui.server.parameters import parameter_of
from deepfake_core.ui.server.sessions import Sessions
from deepfake_core.ui.server.upload_check import UNUSABLE, UploadFolder, takes_file
from deepfake_core.ui.server.uploaded import Withheld
from deepfake_core.ui.server.validation import CheckedBlocks, takes_list
from deepfake_core.ui.wiring import PRIVATE
from tests.ui.asking import META, admitted, ask, default, defaults, request_of, sent, upload

HASH = "5" * 64
SECRET = (EXAMPLES / "portraits" / "amara.png").read_bytes() + b"of somebody else"


@contextmanager
def hostile(folder: Path, outside: Path) -> Iterator[dict[str, Any]]:
    """Name -> a file value that is not an upload."""
    place = folder / HASH
    place.mkdir(exist_ok=True)
    secret = outside / "secret.png"
    secret.write_bytes(SECRET)
    (outside / HASH).mkdir()
    (outside / HASH / "upload.png").write_bytes(SECRET)
    (place / "link.png").symlink_to(secret)
    (place / "zero.png").symlink_to("/dev/zero")
    (place / "folder.png").mkdir()
    os.mkfifo(place / "pipe.png")
    (folder / "top.png").write_bytes(SECRET)
    (folder / ("6" * 64)).symlink_to(outside)
    (folder / "named").mkdir()
    (folder / "named" / "deep.png").write_bytes(SECRET)
    (place / "folder.png" / "below.png").write_bytes(SECRET)
    whole = upload(folder, SECRET, "whole.png")
    with secret.open("rb") as opened:
        paths: dict[str, Path | str] = {
            "outside": secret,
            "outside, named like an upload": outside / HASH / "upload.png",
            "outside, dotted": f"{place}/../../{outside.name}/secret.png",
            "link": place / "link.png",
            "link to a device": place / "zero.png",
            "through a linked folder": folder / ("6" * 64) / "secret.png",
            "folder": place / "folder.png",
            "upload folder": folder,
            "parent": f"{place}/..",
            "pipe": place / "pipe.png",
            "device": "/dev/zero",
            "descriptor": f"/proc/self/fd/{opened.fileno()}",
            "UNC": r"\\server\share\secret.png",
            "missing": place / "missing.png",
            "missing outside": outside / "missing.png",
            "not in a folder of its own": folder / "top.png",
            "in a folder that is no hash": folder / "named" / "deep.png",
            "too deep": place / "folder.png" / "below.png",
            "with a NUL": f"{place}/a\0.png",
            "too long": place / ("a" * 300),
            "a surrogate": f"{place}/\ud800.png",
            "empty": "",
        }
        values = {name: sent(path) for name, path in paths.items()}
        yield values | {
            "without meta": {"path": whole["path"]},
            "outside, without meta": {"path": str(secret)},
            "another meta": whole | {"meta": {"_type": "gradio.FileData", "more": 1}},
            "meta of no kind": whole | {"meta": "gradio.FileData"},
            "no path": {"meta": META},
            "a path of no kind": whole | {"path": ["a"]},
            "a text": whole["path"],
            "a number": 5,
            "in a list": [[whole]],
        }


@pytest.fixture(scope="module")
def values(upload_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with hostile(upload_folder, tmp_path_factory.mktemp("outside")) as values:
        yield values


def takers(page: CheckedBlocks) -> list[tuple[Any, int]]:
    """Every handler with file inputs, and the indices of these inputs."""
    return [
        (handler, place)
        for handler in page.fns.values()
        for place, component in enumerate(handler.inputs)
        if handler.fn and takes_file(component)
    ]


@pytest.mark.usefixtures("any_number_of_runs")
def test_no_handler_gets_anything_but_an_upload(
    served: CheckedBlocks, values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(takers(served)) >= 90
    monkeypatch.setattr(logging.getLogger("deepfake_core.ui.server.messages"), "disabled", True)
    for handler, place in takers(served):
        for name, value in values.items():
            sent = defaults(handler)
            is_list = takes_list(handler.inputs[place])
            sent[place] = [value] if is_list else value
            given = admitted(served, handler, sent, monkeypatch)[place]
            (withheld,) = given if is_list else [given]
            is_text = isinstance(value, str) and parameter_of(handler.inputs[place])  # programs may name examples
            wanted = "is neither an upload nor the name of an example" if is_text else UNUSABLE
            assert isinstance(withheld, Withheld) and wanted in str(withheld.error), (handler.name, name)


@pytest.mark.usefixtures("any_number_of_runs")
def test_the_sentence_is_one_whatever_lies_there_and_whether_the_box_is_ticked(
    served: CheckedBlocks, values: dict[str, Any]
) -> None:
    shows = [handler for handler, _ in takers(served) if handler.fn and handler.name in ("show", "examine")]
    assert len(shows) >= 10
    consent = next(
        one for one in served.fns.values() if one.inputs and getattr(one.inputs[0], "elem_id", "") == "consent"
    )
    for handler in {len(one.inputs): one for one in shows}.values():
        answers = set()
        for agreed in (False, True):
            ask(served, consent, [agreed], session="b")
            for value in (values[name] for name in ("outside", "missing outside", "missing", "link", "without meta")):
                given = [value if takes_file(one) else default(one) for one in handler.inputs]
                answers.add(ask(served, handler, given, session="b"))
        assert len(answers) == 1 and UNUSABLE in answers.pop()


def test_an_upload_is_used_under_a_name_that_only_the_handler_knows(tmp_path: Path) -> None:
    own = upload(tmp_path, b"me", "me.png")
    kept = UploadFolder(tmp_path)
    with ExitStack() as until:
        one, other = (kept.take(kept.named(own), until) for _ in range(2))
        assert one.name == other.name == "me.png" and one.parent != other.parent
        assert tmp_path not in one.parents and one.parent.stat().st_mode & 0o077 == 0
        assert one.read_bytes() == b"me" and one.samefile(own["path"])  # linked: no byte is copied
        Path(own["path"]).unlink()
        assert one.read_bytes() == b"me"
    assert not one.parent.exists() and not other.parent.exists()


def test_where_no_link_can_be_made_the_file_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refuse)
    os.supports_dir_fd.add(os.link)
    own, kept = upload(tmp_path, b"me", "me.png"), UploadFolder(tmp_path)
    with ExitStack() as until:
        taken = kept.take(kept.named(own), until)
        assert taken.read_bytes() == b"me" and not taken.samefile(own["path"])
    assert not taken.exists()
    os.supports_dir_fd.discard(os.link)


@pytest.mark.parametrize("linked", [True, False])
def test_a_file_that_takes_the_name_while_it_is_opened_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    """It may not become another file, nor a link to one."""
    own, kept, link = upload(tmp_path / "uploads", b"me", "me.png"), UploadFolder(tmp_path / "uploads"), module._link
    (tmp_path / "secret").write_bytes(SECRET)

    def late(*arguments: Any) -> bool:
        Path(own["path"]).unlink()
        if linked:
            Path(own["path"]).symlink_to(tmp_path / "secret")
        else:
            Path(own["path"]).write_bytes(SECRET)
        return link(*arguments)

    monkeypatch.setattr(module, "_link", late)
    with ExitStack() as until, pytest.raises(MissingFile, match="upload it again"):
        kept.take(kept.named(own), until)


def test_a_race_for_the_name_gives_the_first_file_or_none(tmp_path: Path) -> None:
    """While a thread swaps upload and secret in a loop, the secret is never read."""
    own, secret = upload(tmp_path / "uploads", b"me", "me.png"), tmp_path / "secret"
    secret.write_bytes(SECRET)
    path, spare, over = Path(own["path"]), tmp_path / "spare", threading.Event()

    def swap() -> None:
        while not over.is_set():
            spare.symlink_to(secret)
            os.replace(spare, path)
            spare.write_bytes(b"me")
            os.replace(spare, path)

    swapping, kept = threading.Thread(target=swap), UploadFolder(tmp_path / "uploads")
    swapping.start()
    taken = 0
    try:
        for _ in range(400):
            with ExitStack() as until:
                try:
                    assert kept.take(kept.named(own), until).read_bytes() == b"me"
                    taken += 1
                except MissingFile:
                    pass
    finally:
        over.set()
        swapping.join()
    assert taken > 0


@pytest.mark.parametrize("end", ["run to its end", "closed", "failed"])
def test_the_private_name_is_gone_when_the_handler_is_over(upload_folder: Path, end: str) -> None:
    sessions, seen = Sessions(), list[Path]()

    def run(file: Any) -> Iterator[str]:
        seen.append(Path(file["path"]))
        yield "first"
        assert seen[0].exists()
        if end == "failed":
            raise ValueError("a bug")
        yield "second"

    with CheckedBlocks() as page:
        sessions.render()
        gr.Button().click(run, gr.Image(), gr.HTML(elem_classes="error-message"), preprocess=False, **PRIVATE)
        sessions.listen(page)
        sessions.guard(page)
    sessions.agree(True, request_of("a"))
    steps = page.fns[0].fn(request_of("a"), upload(upload_folder, b"me", "me.png"))
    assert next(steps) == "first" and seen[0].read_bytes() == b"me"
    if end == "closed":
        steps.close()
    else:
        assert len(list(steps)) == 1
    assert not seen[0].parent.exists()


@pytest.mark.usefixtures("any_number_of_runs")
def test_an_example_keeps_one_path_for_all_visitors(
    served: CheckedBlocks, upload_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that cached results are found again."""
    example = EXAMPLES / "portraits" / "amara.png"
    for handler, place in takers(served)[::20]:
        values = defaults(handler)
        copy = upload(upload_folder, example.read_bytes(), example.name)
        values[place] = [copy] if takes_list(handler.inputs[place]) else copy
        given = admitted(served, handler, values, monkeypatch)[place]
        assert given in ({"path": str(example)}, [{"path": str(example)}])
