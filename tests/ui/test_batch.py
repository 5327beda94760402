"""The updates of a translator's stage for its pipeline's events."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.events import File, Finished, Progress, Role
from deepfake_core.ui.tabs.cyclegan import TranslationStage
from deepfake_core.ui.tabs.stargan import AttributesStage
from deepfake_core.ui.widgets.batch import BatchStage, all_chosen
from deepfake_core.ui.widgets.gallery import MAX_PICTURES

FACTS = {"name": "a.png", "cycle_error": 0.1, "cycle_note": "Translated back with b."}


def rendered(stage: BatchStage) -> Any:
    with gr.Blocks():
        stage.render()
    return stage


def file(folder: Path, name: str, role: Role, **more: Any) -> File:
    (folder / name).write_bytes(b"")
    return File(path=folder / name, role=role, caption=name, **more)


def follow(stage: BatchStage, *steps: Progress) -> list[dict[Any, Any]]:
    files = tuple(file for step in steps for file in step.files)
    return list(stage.follow(iter([*steps, Finished(files=files, notes=("A <note>.",), seconds=2.5)])))


def test_one_picture_is_shown_before_and_after_and_on_its_way_back(tmp_path: Path):
    stage: TranslationStage = rendered(TranslationStage())
    files = [file(tmp_path, "s.png", "source"), file(tmp_path, "r.png", "result", facts=FACTS)]
    files.append(file(tmp_path, "b.png", "back"))
    begun, step, done = follow(stage, Progress(done=1, total=1, files=tuple(files)))
    assert begun == {stage.progress: '<p class="state" role="status">Translating …</p>'}
    assert (step[stage.before_after.before], step[stage.before_after.after]) == tuple(
        str(one.path) for one in files[:2]
    )
    assert "picture 1 of 1" in step[stage.progress]
    assert step[stage.back].value["path"].endswith("b.png") and step[stage.way_back].visible
    assert "Cycle error: 0.10 of 2" in step[stage.cycle_note] and "most of the picture" in step[stage.cycle_note]
    assert "Done: 1 picture in 2.5 s." in done[stage.progress] and "A &lt;note&gt;." in done[stage.notes]
    assert done[stage.before_after.after] == str(files[1].path)


def test_without_weights_that_lead_back_the_reason_is_shown(tmp_path: Path):
    stage: TranslationStage = rendered(TranslationStage())
    facts = {"name": "a.png", "cycle_error": None, "cycle_note": "No weights are known."}
    files = (file(tmp_path, "s.png", "source"), file(tmp_path, "r.png", "result", facts=facts))
    _, step, _ = follow(stage, Progress(done=1, total=1, files=files))
    assert step[stage.cycle_note] == "<p>No weights are known.</p>" and not step[stage.back].visible
    plain = (files[0], file(tmp_path, "q.png", "result", facts={"name": "a.png"}))
    _, step, _ = follow(stage, Progress(done=1, total=1, files=plain))
    assert stage.cycle_note not in step


def test_a_batch_becomes_a_gallery_and_a_skipped_picture_is_not_counted(tmp_path: Path):
    stage: TranslationStage = rendered(TranslationStage())
    first, third = (file(tmp_path, f"{name}.png", "result", facts=FACTS) for name in "ac")
    *_, last, done = follow(stage, Progress(done=1, total=3, files=(first,)), Progress(done=3, total=3, files=(third,)))
    shown = [last[one] for one in stage.gallery.pictures if last[one].visible]
    assert [one.label for one in shown] == ["a.png", "c.png"] and "picture 3 of 3" in last[stage.progress]
    assert "Done: 2 pictures" in done[stage.progress]


def test_each_single_change_has_its_caption(tmp_path: Path):
    stage: AttributesStage = rendered(AttributesStage())
    changes = [file(tmp_path, name, "change") for name in ("Female", "Older")]
    files = (file(tmp_path, "s.png", "source"), file(tmp_path, "r.png", "result"), *changes)
    _, step, _ = follow(stage, Progress(done=1, total=1, files=files))
    assert step[stage.after] == str(files[1].path) and step[stage.before] == str(files[0].path)
    assert [step[one].label for one in stage.strip.pictures if step[one].visible] == ["Female", "Older"]


def test_a_batch_has_at_least_one_file_and_at_most_those_that_can_be_shown():
    one = {"path": "/in/a.png"}
    assert len(all_chosen([one] * MAX_PICTURES)) == MAX_PICTURES
    for files, word in ((None, "no pictures"), ([one] * (MAX_PICTURES + 1), "at most 12 pictures, got 13")):
        with pytest.raises(BadRequest, match=word):
            all_chosen(files)
