"""The numbered scripts in examples/ run as they stand."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def script(name: str) -> dict[str, object]:
    return runpy.run_path(str(EXAMPLES / name), run_name="example")


def test_animate_a_portrait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("01_animate_a_portrait.py")["main"](str(tmp_path / "strip.png"))  # type: ignore[operator]
    assert (tmp_path / "strip.png").is_file()


def test_look_inside(capsys: pytest.CaptureFixture[str]) -> None:
    script("02_look_inside.py")["main"]()  # type: ignore[operator]
    assert "keypoint 9" in capsys.readouterr().out


def test_the_examples_can_be_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = script("00_draw_the_examples.py")
    stored = {path.stem for folder in ("portraits", "clips") for path in (EXAMPLES / folder).iterdir()}
    assert {*drawn["PORTRAITS"], *drawn["DRIVERS"]} | {"photo-astronaut"} == stored  # type: ignore[misc]
