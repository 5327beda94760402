"""Runs on examples are cached; runs on uploads are not."""

import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from deepfake_core.ui.server import example_cache
from deepfake_core.ui.server.example_cache import ExampleCache


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
