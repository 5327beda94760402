"""Slow files on the page: every handler ends at its deadline with a message, and leaves no process."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.faces import find_crop
from deepfake_core.media.images import read_image
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.provenance.verify import verify
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.services import Services
from deepfake_core.ui.tabs.animation import AnimationTab
from deepfake_core.ui.tabs.animation.sources import DrivingClip
from deepfake_core.ui.tabs.verify import VerifyTab
from deepfake_core.ui.widgets.errors import Update
from deepfake_core.ui.widgets.examples import Examples
from deepfake_core.ui.widgets.model_picker import ModelPicker
from deepfake_core.ui.widgets.run_controls import Job
from tests.media.clips import child_processes, make_slow_clip
from tests.pipelines.conftest import animator, portrait, tiny_weights  # noqa: F401

pytestmark = pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")
LIMIT = 2


class TinyEngine(Engine):
    """An engine with one small, loaded network."""

    def __init__(self, network: ImageAnimator) -> None:
        super().__init__("cpu")
        self.network = network

    def model(self, network: str, name: str | None = None) -> ImageAnimator:
        return self.network


@pytest.fixture(scope="module", autouse=True)
def _warm(animator: ImageAnimator, portrait: Path) -> None:  # noqa: F811
    """Warm up: imports, a signing key, the network's first call."""
    verify(portrait)
    find_crop(read_image(portrait))
    animator.inspect(portrait, portrait)


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = make_slow_clip(tmp_path_factory.mktemp("slow") / "slow.mp4", side=5632)
    return {"path": str(path)}


def services_of(network: ImageAnimator) -> Services:
    return Services(engine=TinyEngine(network), examples=Examples([], [], [], []), cache=ExampleCache([]))


@pytest.fixture
def tab(animator: ImageAnimator) -> AnimationTab:  # noqa: F811
    tab = AnimationTab(services_of(animator))
    with gr.Blocks() as page:
        tab.render()
        tab.listen(page)
    return tab


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch, tab: AnimationTab, slow: dict[str, str]) -> Iterator[None]:
    """Short deadlines; no decoder outlives a test."""
    for name in ("JOB", "LOOK"):
        monkeypatch.setenv(f"DEEPFAKE_{name}_SECONDS", str(LIMIT))
    yield
    assert not child_processes()


@pytest.fixture
def _timely(_short: None) -> Iterator[None]:
    """Everything ends within two seconds after the deadline."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < LIMIT + 2


def form(tab: AnimationTab, source: Path, driving: dict[str, str], **changed: Any) -> list[Any]:
    """The values of the tab's widgets as its handlers get them."""
    fields: dict[str, Any] = {
        "model": None,
        "source": {"path": str(source)},
        **dict.fromkeys(("source_left", "source_top"), 0.0),
        "source_side": 100.0,
        **dict.fromkeys(("source_face", "driving_face")),
        "driving": driving,
        **dict.fromkeys(("driving_left", "driving_top"), 0.0),
        "driving_side": 100.0,
        "crop": "none",
        "motion": "relative",
        "adapt_scale": True,
        "strength": 1.0,
        "region": "all",
        "best_frame": False,
        "start": 0.0,
        "smoothing": 0.0,
        "paste_back": False,
        "side_by_side": False,
    } | changed
    return [fields[name] for name in tab.inputs.names]


def error_text(update: Update) -> str:
    """The error message in an update."""
    texts = [str(getattr(value, "value", value)) for value in update.values()]
    return next((text for text in texts if "That did not work" in text), "")


@pytest.mark.usefixtures("_timely")
def test_verify(slow: dict[str, str], animator: ImageAnimator) -> None:  # noqa: F811
    tab = VerifyTab(services_of(animator))
    with gr.Blocks():
        tab.render()
    (update,) = tab.examine(slow)
    answer = error_text(update)
    assert "more than 2 seconds, the time limit; choose a smaller picture, or a clip of lower resolution" in answer


@pytest.mark.usefixtures("_timely")
def test_the_preview_of_a_crop(slow: dict[str, str]) -> None:
    driver = DrivingClip([], ModelPicker("fomm", "test-"))
    with gr.Blocks():
        driver.render()
    (update,) = driver.crop_controls.show(
        slow, "auto", None, None, 0.0, 0.0, 100.0
    )  # without a face: twelve frames are looked at
    answer = error_text(update)
    assert "more than 2 seconds" in answer


@pytest.mark.usefixtures("_timely")
def test_look_inside(tab: AnimationTab, slow: dict[str, str], portrait: Path) -> None:  # noqa: F811
    (update,) = tab.inside.show(100.0, *form(tab, portrait, slow))  # the last frame: the whole clip is read
    expected = (
        r"(more than 2 seconds, the time limit|about \d+ seconds, and the time limit is 2); choose a shorter clip"
    )
    assert re.search(expected, error_text(update))


@pytest.mark.usefixtures("_timely")
@pytest.mark.parametrize("best_frame", [False, True])
def test_animate(tab: AnimationTab, slow: dict[str, str], portrait: Path, best_frame: bool) -> None:  # noqa: F811
    run = tab.controls._guarded(Job(triggers=[], run=tab.animate, inputs=[]))
    *_, last = run(*form(tab, portrait, slow, best_frame=best_frame))
    assert "more than 2 seconds" in error_text(last)


def test_a_run_that_gradio_closes(
    tab: AnimationTab,
    slow: dict[str, str],
    portrait: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEEPFAKE_JOB_SECONDS", "120")
    run = tab.controls._guarded(Job(triggers=[], run=tab.animate, inputs=[]))(*form(tab, portrait, slow))
    next(run)
    assert any("ffmpeg" in process for process in child_processes())
    run.close()  # type: ignore[attr-defined]
