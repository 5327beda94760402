"""The benchmarks run, say what they measured, and tell good from bad; their figures are not judged at this size."""

import json

import numpy as np
import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.images import to_tensor
from benchmarks.memory import measure_memory, narrow_config, peak_in_subprocess
from benchmarks.quality.fomm import Scene, compare, held_out_scene, judge
from benchmarks.report import Bar, Report, Row
from deepfake_core.metrics import ssim
from deepfake_core.networks.fomm import FirstOrderModel
from deepfake_core.pipelines.animator import ImageAnimator


@pytest.fixture
def animator() -> ImageAnimator:
    model = FirstOrderModel(narrow_config(64)).eval().requires_grad_(False)
    return ImageAnimator(model, name="narrow", about="", device=torch.device("cpu"))


@pytest.fixture(scope="module")
def scene() -> Scene:
    return held_out_scene(3, 32)


def test_the_truth_is_beaten_by_nothing(scene: Scene) -> None:
    measured = judge(scene.truth, scene, lambda frames: torch.zeros(len(frames), 10, 2))
    assert measured.ssim == pytest.approx(1)
    assert (measured.keypoints, measured.liveliness) == (0, 1)
    worse = judge(scene.driving, scene, lambda frames: torch.zeros(len(frames), 10, 2))
    assert worse.psnr < measured.psnr and worse.ssim < 0.95


def test_nothing_has_moved_in_the_initial_frame(scene: Scene) -> None:
    np.testing.assert_array_equal(scene.truth[0], scene.source)
    clip = to_tensor(scene.truth)
    assert ssim(clip[-1:], clip[:1])[0] < 0.99


@pytest.mark.slow
def test_quality_reports_margins_and_draws_samples(animator: ImageAnimator, tmp_path) -> None:
    report = compare(animator, count=1, samples=tmp_path / "grid.png")
    assert not report.passed  # random weights
    assert (tmp_path / "grid.png").is_file()
    assert "repeat the source" in report.text() and "MISSED" in report.text()


@pytest.mark.slow
def test_memory_of_a_process_of_its_own(tmp_path) -> None:
    assert 50e6 < peak_in_subprocess(tmp_path, frames=6, size=64) < 5e9


@pytest.mark.parametrize(("peak", "passed"), [(109, True), (111, False)])
def test_memory_may_not_grow(monkeypatch, peak: int, passed: bool) -> None:
    monkeypatch.setattr(
        "benchmarks.memory.peak_in_subprocess", lambda folder, frames, size: 100 if frames == 3 else peak
    )
    assert measure_memory(short=3, long=30).passed is passed


def test_the_figures_are_written_with_the_machine(tmp_path) -> None:
    row = Row(name="a", values=("1",))
    bars = (Bar(claim="b", met=True), Bar(claim="c", met=False))
    report = Report(title="t", columns=("c",), rows=(row,), notes=(), bars=bars, figures={"x": 1.5})
    report.write(tmp_path / "deep" / "report.json")
    read = json.loads((tmp_path / "deep" / "report.json").read_text())
    assert read["figures"] == {"x": 1.5} and read["machine"]["cores"]
    assert read["passed"] is False and report.text().endswith("met: b\nMISSED: c")


def test_missing_weights_are_one_sentence(tmp_path, capsys) -> None:
    assert main(["quality", "fomm", "--weights", str(tmp_path / "none.safetensors")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
