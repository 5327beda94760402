"""The engine: one network for all sessions, in this process or, on ZeroGPU, in a forked one."""

import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from deepfake_core.deadline import NEVER
from deepfake_core.errors import BadRequest
from deepfake_core.media.probe import probe
from deepfake_core.pipelines.animation import AnimationRequest
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.style_specs import Latent
from deepfake_core.pipelines.styles import GridRequest
from deepfake_core.pipelines.translation import TranslationRequest
from deepfake_core.ui.page import EXAMPLES
from deepfake_core.ui.server.gpu_seconds import gpu_seconds
from deepfake_core.ui.server.inference import ZEROGPU, Engine


def echo(editor: AttributeEditor, *words: str) -> Iterator[tuple[str, int, str]]:
    """A task that yields network, process and each argument."""
    for word in words:
        yield editor.name, os.getpid(), word


def failing(editor: AttributeEditor) -> Iterator[str]:
    yield editor.name
    raise BadRequest("so it goes")


class ForkedGpu(ModuleType):
    """Like the `spaces` package: a forked process runs the function; arguments and events are pickled."""

    durations: list[Callable[..., int]]

    def GPU(  # noqa: N802
        self, duration: Callable[..., int]
    ) -> Callable[[Callable[..., Iterator[Any]]], Callable[..., Iterator[Any]]]:
        self.durations = [duration]

        def decorate(function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            def run(*arguments: Any) -> Iterator[Any]:
                sent, (here, there) = pickle.dumps(arguments), multiprocessing.Pipe(duplex=False)

                def worker() -> None:
                    try:
                        for event in function(*pickle.loads(sent)):
                            there.send(event)
                        there.send(StopIteration())
                    except Exception as error:
                        there.send(error)

                process = multiprocessing.get_context("fork").Process(target=worker)
                process.start()
                while not isinstance(event := here.recv(), Exception):
                    yield event
                process.join()
                if not isinstance(event, StopIteration):
                    raise event

            return run

        return decorate


def test_a_task_runs_here_and_networks_are_loaded_once() -> None:
    engine = Engine(device="cpu")
    events = list(engine.work("stargan", "stargan-starter", echo, "a", "b"))
    assert events == [("stargan-starter", os.getpid(), word) for word in "ab"]
    assert engine.model("stargan", "stargan-starter") is engine.model("stargan")
    engine.forget("stargan-starter")
    assert engine.model("stargan") is engine.model("stargan", "stargan-starter")


def test_a_name_of_another_tab_or_of_a_file_is_refused() -> None:
    engine = Engine(device="cpu")
    with pytest.raises(BadRequest, match="another tab"):
        engine.model("stargan", "fomm-starter")
    with pytest.raises(Exception, match="unknown weights"):
        list(engine.work("stargan", "/etc/passwd", echo, "a"))


def test_on_zerogpu_a_task_runs_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    spaces = ForkedGpu("spaces")
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv(ZEROGPU, "true")
    engine = Engine(device="cpu")
    assert spaces.durations == [gpu_seconds]
    loaded = engine.model("stargan")  # as the warm-up does; the fork has it, and need not load it again
    events = list(engine.work("stargan", None, echo, "a", "b"))
    assert [(name, word) for name, _, word in events] == [(loaded.name, "a"), (loaded.name, "b")]
    assert {process for _, process, _ in events}.isdisjoint({os.getpid()})
    task = engine.work("stargan", None, failing)
    assert next(task) == "stargan-starter"
    with pytest.raises(BadRequest, match="so it goes"):
        next(task)


def where(editor: AttributeEditor, *words: str) -> tuple[int, str, tuple[str, ...]]:
    """A question."""
    return os.getpid(), str(editor.device), words


def test_on_zerogpu_a_reading_takes_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs in the process itself, whose device is the CPU, whatever that of the runs is."""
    monkeypatch.setitem(sys.modules, "spaces", ForkedGpu("spaces"))
    monkeypatch.setenv(ZEROGPU, "true")
    engine = Engine(device="cuda")
    assert engine.ask("stargan", None, where, "a") == (os.getpid(), "cpu", ("a",))


def test_gpu_time_is_that_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip's frames, a grid's cells, pictures; never the blanket time that spends a visitor's quota at once."""

    def seconds(request: object) -> int:
        return gpu_seconds("any", None, echo, (request, NEVER))

    clip = next(EXAMPLES.glob("clips/*.mp4"))
    info = probe(clip)
    assert info.seconds is not None
    wanted = 10 + info.seconds * float(info.rate) / 15
    assert seconds(AnimationRequest(source="a.png", driving=clip)) == pytest.approx(wanted, abs=1)
    assert seconds(TranslationRequest(sources=("a.png",))) == 11
    assert seconds(TranslationRequest(sources=("a.png",) * 20)) == 30
    grid = GridRequest(sources=("a.png",) * 4, styles=(Latent(domain="x", seed=1),) * 6)
    assert seconds(grid) == 16
    monkeypatch.setenv("DEEPFAKE_JOB_SECONDS", "12")
    assert seconds(grid) == 12
