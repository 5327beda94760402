"""Runs on examples are cached; runs on uploads are not."""

import json
import threading
import time
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deepfake_core.pipelines.events import File, Finished, Progress
from deepfake_core.ui.server import example_cache
from deepfake_core.ui.server.example_cache import ExampleCache, NotRemembered, only_remembered, preparing
from deepfake_core.ui.server.result_store import ResultStore


class Pipeline:
    """Yields two events, writes a file before the second, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.file: Path | None = None

    def __call__(self, folder: Path) -> Iterator[str]:
        self.runs += 1
        yield "begun"
        self.file = folder / "result.png"
        self.file.write_text("made")
        yield str(self.file)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "example.png"
    path.write_bytes(b"an example")
    return path


def test_an_example_runs_once_and_its_files_stay(example: Path):
    kept, pipeline = ExampleCache([example]), Pipeline()
    first = list(kept.events([example], "key", pipeline))
    assert list(kept.events([example], "key", pipeline)) == first
    assert pipeline.runs == 1
    assert Path(first[-1]).read_text() == "made"


def test_other_options_are_another_run(example: Path):
    kept, pipeline = ExampleCache([example]), Pipeline()
    for key in ("horse2zebra", "zebra2horse"):
        list(kept.events([example], key, pipeline))
    assert pipeline.runs == 2


def test_what_a_visitor_gave_is_neither_kept_nor_left(example: Path, tmp_path: Path):
    kept, pipeline = ExampleCache([example]), Pipeline()
    own = tmp_path / "own.png"
    own.write_bytes(b"a visitor's picture")
    for _ in range(2):
        for event in kept.events([example, own], "key", pipeline):
            if event != "begun":
                assert Path(event).read_text() == "made"  # while it is shown
    assert pipeline.runs == 2
    assert pipeline.file is not None
    assert not pipeline.file.parent.exists()


def test_a_stopped_run_is_not_kept(example: Path):
    kept, pipeline = ExampleCache([example]), Pipeline()
    events = kept.events([example], "key", pipeline)
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert pipeline.file is not None
    assert not pipeline.file.parent.exists()
    assert len(list(kept.events([example], "key", pipeline))) == 2
    assert pipeline.runs == 2


def test_the_oldest_run_makes_place(example: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(example_cache, "MAX_RUNS", 1)
    kept, pipeline = ExampleCache([example]), Pipeline()
    old = list(kept.events([example], "old", pipeline))
    list(kept.events([example], "new", pipeline))
    assert not Path(old[-1]).exists()


class Event:
    """An event of a pipeline."""


@pytest.mark.parametrize("own", [False, True])
def test_events_of_an_upload_are_let_go_at_the_next_step(example: Path, tmp_path: Path, own: bool):
    upload = tmp_path / "own.png"
    upload.write_bytes(b"no example")  # as many bytes as the example has
    assert upload.stat().st_size == example.stat().st_size
    kept, alive = ExampleCache([example]), list[bool]()

    def run(folder: Path) -> Iterator[Event]:
        event = Event()
        watched = weakref.ref(event)
        yield event
        del event
        alive.append(watched() is not None)
        yield Event()

    events = kept.events([example, upload] if own else [example], "key", run)
    next(events)
    next(events)
    assert alive == [not own]  # an example's are kept


def test_a_run_on_an_upload_is_closed_with_its_reader(example: Path, tmp_path: Path):
    own, pipeline = tmp_path / "own.png", Pipeline()
    own.write_bytes(b"a visitor's picture")
    events = ExampleCache([example]).events([own], "key", pipeline)
    next(events)
    next(events)
    assert pipeline.file is not None and pipeline.file.exists()
    events.close()  # type: ignore[attr-defined]
    assert not pipeline.file.parent.exists()


def draw(folder: Path) -> Iterator[Progress | Finished]:
    """Like a pipeline: one step without a file, one with a file, one in a folder."""
    yield Progress(done=0, total=2, preview=folder / "live.jpg")
    (folder / "live.jpg").write_text("live")
    (folder / "mei-as-zebra.png").write_text("made")
    made = File(path=folder / "mei-as-zebra.png", role="result", caption="mei", facts={"cycle_error": 0.25})
    yield Progress(done=1, total=2, files=(made,))
    (folder / "cells").mkdir()
    (folder / "cells" / "01.png").write_text("cell")
    cell = File(path=folder / "cells" / "01.png", role="cell")
    yield Finished(files=(made, cell), notes=("one", "two"), seconds=1.5)


CACHES: list[ExampleCache] = []
"""Their files go with them."""


def prepared(example: Path, folder: Path) -> Finished:
    CACHES.append(ExampleCache([example], ResultStore(folder)))
    with preparing():
        return list(CACHES[-1].events([example], "key", draw))[-1]


def test_a_prepared_result_is_there_after_a_restart(example: Path, tmp_path: Path):
    first = prepared(example, tmp_path / "store")
    restarted = ExampleCache([example], ResultStore(tmp_path / "store"))
    with only_remembered():
        events = list(restarted.events([example], "key", draw))
    assert [type(event) for event in events] == [Progress, Finished]
    progress, last = events
    assert (progress.done, progress.total) == (1, 2)
    assert (last.notes, last.seconds) == (first.notes, first.seconds)
    for file, before in zip(last.files, first.files, strict=True):
        assert (file.role, file.caption, file.facts) == (before.role, before.caption, before.facts)
        assert not file.path.is_relative_to(tmp_path / "store")  # a copy: the page serves no file of the store
    assert [file.path.read_text() for file in last.files] == ["made", "cell"]
    assert last.files[0].path.name == "mei-as-zebra.png"


def test_what_is_not_remembered_is_not_computed(example: Path, tmp_path: Path):
    own, pipeline = tmp_path / "own.png", Pipeline()
    own.write_bytes(b"a visitor's picture")
    kept = ExampleCache([example], ResultStore(tmp_path / "store"))
    for source in (example, own):
        with only_remembered(), pytest.raises(NotRemembered):
            list(kept.events([source], "key", pipeline))
        with only_remembered(), pytest.raises(NotRemembered):
            kept.answer([source], "key", lambda: 1)
    assert pipeline.runs == 0


def test_a_visitors_result_is_neither_stored_nor_replaces_a_prepared_one(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(example_cache, "MAX_RUNS", 1)
    kept = ExampleCache([example], ResultStore(tmp_path / "store"))
    with preparing():
        first = list(kept.events([example], "prepared", draw))[-1]
    for number in range(4):
        list(kept.events([example], f"visitor's {number}", draw))
    assert len(list((tmp_path / "store").iterdir())) == 1
    assert first.path.exists() and len(kept._runs) == 2


def test_what_a_visitor_made_is_stored_when_it_is_prepared(example: Path, tmp_path: Path):
    kept = ExampleCache([example], ResultStore(tmp_path / "store"))
    list(kept.events([example], "key", draw))
    assert not (tmp_path / "store").exists()
    with preparing():
        list(kept.events([example], "key", draw))
    assert len(list((tmp_path / "store").iterdir())) == 1


@pytest.mark.parametrize("text", ["", "{", "[]garbage", '[{"event": "finished"}]', "LINK"])
def test_a_damaged_result_is_made_again(example: Path, tmp_path: Path, text: str):
    prepared(example, tmp_path / "store")
    (place,) = (tmp_path / "store").iterdir()
    whole = (place / "events.json").read_text()
    (place / "events.json").write_text(text if text != "LINK" else whole.replace("mei-as-zebra.png", "../../own.png"))
    again = prepared(example, tmp_path / "store")
    assert again.path.read_text() == "made" and again.path.name == "mei-as-zebra.png"
    assert json.loads((place / "events.json").read_text())


def test_a_result_is_never_read_while_it_is_written(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another process that starts meanwhile sees nothing, or all of it."""
    copied, store = ResultStore._copied, ResultStore(tmp_path / "store")

    def slowly(source: Path, target: Path) -> None:
        copied(source, target)
        time.sleep(0.3)

    monkeypatch.setattr(ResultStore, "_copied", staticmethod(slowly))
    writer = threading.Thread(target=prepared, args=(example, tmp_path / "store"))
    writer.start()
    key, found = ExampleCache([example])._key([example], "key"), list[int]()
    assert key is not None
    monkeypatch.setattr(ResultStore, "_copied", staticmethod(copied))
    number = 0
    while writer.is_alive():
        number += 1
        (tmp_path / f"{number}").mkdir()
        found.append(len(store.load(key, tmp_path / f"{number}") or ()))
        time.sleep(0.01)
    writer.join()
    (tmp_path / "last").mkdir()
    assert set(found) <= {0, 2} and 0 in found
    assert len(store.load(key, tmp_path / "last") or ()) == 2


def test_a_reading_is_remembered_for_examples_alone(example: Path, tmp_path: Path):
    own, store = tmp_path / "own.png", ResultStore(tmp_path / "store")
    own.write_bytes(b"a visitor's picture")
    computed: list[str] = []

    def reads(name: str) -> dict[str, float]:
        computed.append(name)
        return {"Male": 0.25}

    kept = ExampleCache([example], store)
    with preparing():
        for source in (example, example, own, own):
            assert kept.answer([source], f"read {source}", partial(reads, source.name)) == {"Male": 0.25}
    assert computed == ["example.png", "own.png", "own.png"]
    with only_remembered():
        again = ExampleCache([example], store).answer([example], f"read {example}", lambda: reads("again"))
    assert again == {"Male": 0.25}


def test_no_more_than_so_many_are_stored(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("deepfake_core.ui.server.result_store.MAX_STORED", 2)
    kept = ExampleCache([example], ResultStore(tmp_path / "store"))
    with preparing():
        for number in range(4):
            list(kept.events([example], f"key {number}", draw))
            time.sleep(0.02)
    assert len(list((tmp_path / "store").iterdir())) == 2
    with only_remembered():
        list(ExampleCache([example], ResultStore(tmp_path / "store")).events([example], "key 3", draw))


def test_a_folder_that_cannot_be_written_only_costs_the_memory(example: Path, tmp_path: Path):
    (tmp_path / "store").write_text("a file")
    assert prepared(example, tmp_path / "store").path.name == "mei-as-zebra.png"
