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


@pytest.mark.parametrize("name", ["03_translate", "04_edit_attributes", "05_styles"])
def test_the_translators(name: str, tmp_path: Path) -> None:
    script(f"{name}.py")["main"](str(tmp_path / "out.png"))  # type: ignore[operator]
    assert (tmp_path / "out.png").is_file()


def test_the_examples_can_be_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = script("00_draw_the_examples.py")
    folders = ("portraits", "clips", "fields", "animals")
    stored = {path.stem for folder in folders for path in (EXAMPLES / folder).iterdir()}
    names = {name for kind in ("PORTRAITS", "DRIVERS", "HORSES", "ZEBRAS", "ANIMALS") for name in drawn[kind]}  # type: ignore[attr-defined]
    assert names | {"photo-astronaut"} == stored
