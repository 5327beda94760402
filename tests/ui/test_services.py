"""A pipeline that a tab runs: where its results lie, when they are kept, and that it ends with the tab's block."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepfake_core.deadline import Deadline
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.services import Services
from deepfake_core.ui.widgets.examples import Examples


@dataclass(frozen=True, slots=True)
class Request:
    """Of the pipeline below."""

    text: str
    output: Path | None = None


class OneModel(Engine):
    """An engine whose only model is its name."""

    def weights(self, network: str, name: str | None = None) -> str:
        return name or f"best-{network}"

    def model(self, network: str, name: str | None = None) -> Any:
        return SimpleNamespace(name=name or f"best-{network}")


RUNS: list[tuple[str, Path]] = []
CLOSED: list[str] = []


def write(model: Any, request: Request, deadline: Deadline) -> Iterator[str]:
    """Write the request's text to its output, in two steps."""
    assert request.output is not None
    RUNS.append((model.name, request.output))
    try:
        yield "begun"
        request.output.write_text(request.text)
        yield request.output.read_text()
    finally:
        CLOSED.append(request.text)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    (tmp_path / "example.png").write_bytes(b"example")
    return tmp_path / "example.png"


@pytest.fixture
def services(example: Path) -> Services:
    RUNS.clear()
    CLOSED.clear()
    nothing = Examples(portraits=[], clips=[], fields=[], animals=[])
    return Services(engine=OneModel(), examples=nothing, cache=ExampleCache([example]))


def run(services: Services, source: Path, text: str, model: str | None = None) -> list[str]:
    with services.events(
        "toy", model, write, Request(text), Deadline.after(60), sources=[source], files={"output": "result.txt"}
    ) as events:
        return list(events)


def test_results_lie_in_a_folder_that_goes_afterwards(services: Services, tmp_path: Path) -> None:
    upload = tmp_path / "upload.png"
    upload.write_bytes(b"mine")
    assert run(services, upload, "hello") == ["begun", "hello"]
    ((model, output),) = RUNS
    assert model == "best-toy" and output.name == "result.txt" and not output.parent.exists()


def test_only_the_same_request_to_the_same_weights_on_an_example_is_remembered(
    services: Services, example: Path
) -> None:
    for _ in range(2):
        assert run(services, example, "hello") == ["begun", "hello"]
    assert len(RUNS) == 1
    run(services, example, "another")
    run(services, example, "hello", model="other")
    assert [model for model, _ in RUNS] == ["best-toy", "best-toy", "other"]


def test_a_block_that_is_left_ends_the_pipeline(services: Services, tmp_path: Path) -> None:
    with services.events(
        "toy",
        None,
        write,
        Request("hello"),
        Deadline.after(60),
        sources=[tmp_path / "upload.png"],
        files={"output": "result.txt"},
    ) as events:
        assert next(events) == "begun" and not CLOSED
    assert CLOSED == ["hello"] and not RUNS[0][1].parent.exists()
