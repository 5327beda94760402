"""The Training tab: lessons, steps, changes while it plays."""

from typing import Any

import gradio as gr
import pytest

from deepfake_core.pipelines.plane_gan.lessons import LESSONS
from deepfake_core.pipelines.plane_gan.training import PlaneGan
from deepfake_core.ui.server.values import check
from deepfake_core.ui.tabs import training
from deepfake_core.ui.tabs.training import TrainingTab, fields_of


@pytest.fixture
def tab() -> TrainingTab:
    tab = TrainingTab()
    with gr.Blocks() as page:
        tab.render()
        tab.listen(page)
    return tab


def values(tab: TrainingTab, lesson: str, **changed: Any) -> list[Any]:
    return [(fields_of(lesson) | changed)[name] for name in tab.fields.names]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_sets_every_widget_to_a_value_that_it_accepts(tab: TrainingTab, lesson: str) -> None:
    update = tab.choose(lesson)
    for widget in tab.fields.components:
        check(widget, update[widget])
    gan = update[tab.gan]
    assert isinstance(gan, PlaneGan)
    assert (gan.steps, gan.settings) == (0, LESSONS[lesson].settings)
    assert "<svg" in update[tab.figure]


def test_playing_goes_on_from_where_it_was_and_a_change_takes_effect(tab: TrainingTab) -> None:
    gan = tab.take_step(None, "balanced", *values(tab, "balanced"))[tab.gan]
    frames = tab.play(gan, "balanced", 3, *values(tab, "balanced"))
    next(frames)  # the state
    assert "step 4 ·" in next(frames)[tab.curves]
    tab.change(gan, "balanced", *values(tab, "balanced", momentum=0.9, generator_rate="0.01"))
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert (gan.settings.generator_rate, gan.steps) == (0.01, 7)
    assert gan.generator_optimizer.param_groups[0]["betas"] == (0.9, 0.99)


def test_one_press_plays_for_a_limited_time(tab: TrainingTab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "SECONDS", 0.3)
    assert 2 <= len(list(tab.play(None, "balanced", 1, *values(tab, "balanced")))) < 10


def test_start_anew_forgets_what_was_learned(tab: TrainingTab) -> None:
    gan = tab.take_step(None, "balanced", *values(tab, "balanced"))[tab.gan]
    fresh = tab.start_anew("balanced", *values(tab, "balanced"))
    assert (gan.steps, fresh[tab.gan].steps) == (1, 0)
    assert "step 0 ·" in fresh[tab.curves]


def test_an_opened_tab_shows_the_networks_as_they_are(tab: TrainingTab) -> None:
    gan = tab.take_step(None, "balanced", *values(tab, "balanced"))[tab.gan]
    assert "step 1 ·" in tab.show(gan, "balanced", *values(tab, "balanced"))[tab.curves]
    assert gan.steps == 1
