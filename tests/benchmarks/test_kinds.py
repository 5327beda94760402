"""`python -m benchmarks kinds`: which portraits are judged, and the report."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from benchmarks import kinds
from benchmarks.__main__ import main
from benchmarks.kinds import as_jpeg, is_held_out, screenshot

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "portraits" / "photo-astronaut.jpg"


def test_the_portraits_to_which_the_rule_was_fitted_are_left_out() -> None:
    names = ("000021.jpg", "000106.jpg", "me.jpg")
    assert [name for name in names if is_held_out(Path(name))] == ["000021.jpg", "me.jpg"]


def test_a_screenshot_holds_the_whole_picture_at_another_size() -> None:
    picture = np.full((100, 80, 3), (255, 0, 0), np.uint8)
    page = screenshot(picture, np.random.default_rng(0)).astype(int)
    red = (page[..., 0] > 200) & (page[..., 1] < 60)
    assert 0.4 < red.mean() < 0.95
    assert as_jpeg(picture, np.random.default_rng(1)).shape[0] != 100


def test_the_report_names_the_shares_that_are_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kinds, "things", lambda: [skimage.data.coffee()])
    (tmp_path / "portraits").mkdir()
    shutil.copy(PHOTOGRAPH, tmp_path / "portraits" / "000001.jpg")
    arguments = ["kinds", str(tmp_path / "portraits"), "--json", str(tmp_path / "kinds.json")]
    assert main(arguments) in (0, 1)
    text = capsys.readouterr().out
    assert "1 held-out portraits" in text and "drawn fields" in text and "screenshot" in text
    figures = json.loads((tmp_path / "kinds.json").read_text())["figures"]
    assert set(figures) == {"photographs taken for the other kind", "drawings taken for the other kind"}
    monkeypatch.setattr(kinds, "kind_of_picture", lambda picture: "photograph")
    assert main(arguments) == 1, "every drawing is wrong now"
    assert json.loads((tmp_path / "kinds.json").read_text())["figures"]["drawings taken for the other kind"] == 100
