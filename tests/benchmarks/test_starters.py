"""One table of all starters: what is compared with what, and which candidates are taken."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.quality import starters
from benchmarks.quality.starters import STARTERS, Compared, Starter, compared, report
from benchmarks.report import Figure, Report
from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.hub.manifest import manifest

SHARP = Figure(measure="PSNR", result=5.0, target=6.0, baseline=0.0, unit=" dB")
ERROR = Figure(measure="error", result=3.0, target=4.0, more_is_better=False)


def reported(*figures: Figure) -> Report:
    bars = tuple(figure.bar() for figure in figures)
    return Report(title="t", columns=(), rows=(), notes=(), bars=bars, figures={})


def test_a_figure_knows_its_direction() -> None:
    assert not SHARP.met and ERROR.met
    assert replace(SHARP, result=6.0).met and not replace(ERROR, result=4.1).met
    assert replace(SHARP, result=5.1).better_than(SHARP) and replace(ERROR, result=2.9).better_than(ERROR)
    assert not replace(SHARP, result=None).met and SHARP.better_than(replace(SHARP, result=None))
    assert ERROR.bar().claim == "error at most 4.00 (3.00)"


@pytest.mark.parametrize(
    ("sharp", "error", "accepted"),
    [
        (5.5, 2.0, True),
        (5.5, 3.0, True),
        (5.0, 3.0, False),  # the same
        (4.0, 3.5, False),  # worse
        (9.0, 4.5, False),  # loses a target
    ],
)
def test_a_worse_candidate_is_rejected(sharp: float, error: float, accepted: bool) -> None:
    new = (replace(SHARP, result=sharp), replace(ERROR, result=error))
    assert Compared(name="a", figures=(SHARP, ERROR), candidates=new).accepted is accepted


def test_candidates_are_measured_with_the_current_weights(tmp_path: Path) -> None:
    asked = []

    def measure(weights, count: int, device: str) -> Report:
        asked.append((*weights, count))
        return reported(replace(SHARP, result=5.0 + len(asked)))

    starter = Starter(name="a", files=("a-starter",), measure=measure)
    alone = compared(starter, tmp_path, 7, "cpu")
    assert asked == [("a-starter", 7)] and not alone.candidates
    (tmp_path / "a-starter.safetensors").touch()
    both = compared(starter, tmp_path, 7, "cpu")
    assert asked[-1] == (tmp_path / "a-starter.safetensors", 7) and both.accepted
    text = report([both], 7).text()
    assert "candidate accepted" in text and "7.00 dB" in text and "8.00 dB" in text
    assert "candidate" not in report([alone], 7).text()


def test_every_starter_of_the_manifest_is_measured(monkeypatch) -> None:
    monkeypatch.setattr(
        starters, "STARTERS", tuple(replace(one, measure=lambda *asked: reported(SHARP, ERROR)) for one in STARTERS)
    )
    whole = starters.measure_all(count=1)
    assert len(whole.rows) == 2 * len(STARTERS) and not whole.passed
    measured = {file for starter in STARTERS for file in starter.files}
    judges = {entry.discriminator for name, entry in manifest().items() if name in measured and entry.discriminator}
    shipped = {path.stem for path in (Path(__file__).parents[2] / "weights").glob("*.safetensors")}
    assert measured | judges == shipped and not measured & judges  # these are measured with what they judge


def test_a_folder_without_candidates_and_a_sample_grid_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="no candidates in"):
        starters.measure_all(str(tmp_path / "misspelt"))
    with pytest.raises(BadRequest, match=r"benchmarks\.cards"):
        starters.measure_all(samples=tmp_path / "grid.png")
