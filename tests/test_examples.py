"""The numbered scripts in examples/ run as they stand."""

import runpy
from pathlib import Path

import pytest
from PIL import Image

from deepfake_core.ui.widgets.examples import Examples, thumbnail
from tests.provenance.declared import assert_declared

EXAMPLES = Path(__file__).parents[1] / "examples"


def script(name: str) -> dict[str, object]:
    return runpy.run_path(str(EXAMPLES / name), run_name="example")


@pytest.mark.slow
def test_animate_a_portrait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("01_animate_a_portrait.py")["main"](str(tmp_path / "strip.png"))  # type: ignore[operator]
    assert_declared(tmp_path / "strip.png", model="fomm-starter")


def test_look_inside(capsys: pytest.CaptureFixture[str]) -> None:
    script("02_look_inside.py")["main"]()  # type: ignore[operator]
    assert "keypoint 9" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("03_translate", "cyclegan-starter-horse2zebra"),
        ("04_edit_attributes", "stargan-starter"),
        ("05_styles", "starganv2-starter-animals"),
        ("06_drive_by_hand", "fomm-starter"),
    ],
)
def test_the_translators(name: str, model: str, tmp_path: Path) -> None:
    script(f"{name}.py")["main"](str(tmp_path / "out.png"))  # type: ignore[operator]
    found = assert_declared(tmp_path / "out.png", model=model)
    assert found.credential and len(found.credential.weights_sha256) == 64 and found.credential.inputs


@pytest.mark.slow
def test_a_motion_for_three_portraits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("07_motion_template.py")["main"](str(tmp_path / "motion.mp4"))  # type: ignore[operator]
    assert "no pixels" in capsys.readouterr().out
    assert_declared(tmp_path / "motion.mp4", model="fomm-starter")


def test_look_inside_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("08_look_inside_each.py")["main"](str(tmp_path))  # type: ignore[operator]
    written = capsys.readouterr().out.splitlines()
    assert len(written) >= 11 and {Path(path).parent.name for path in written} == {"cyclegan", "stargan", "starganv2"}
    for path in written:
        assert Path(path).is_file()


def test_the_examples_can_be_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = script("00_draw_the_examples.py")
    folders = ("portraits", "clips", "fields", "animals")
    stored = {path.stem for folder in folders for path in (EXAMPLES / folder).glob("*.*")}
    names = {name for kind in ("PORTRAITS", "DRIVERS", "HORSES", "ZEBRAS", "ANIMALS") for name in drawn[kind]}  # type: ignore[attr-defined]
    assert names | {"photo-astronaut"} == stored


def test_every_example_has_a_small_thumbnail(tmp_path: Path) -> None:
    examples = Examples.in_folder(EXAMPLES)
    for path in [*examples.pictures, *examples.clips]:
        small = thumbnail(path)
        assert small != path and small.stat().st_size < (30_000 if path in examples.clips else 8_000)
        with Image.open(small) as picture:
            assert max(picture.size) == 160 and getattr(picture, "n_frames", 1) == (12 if path in examples.clips else 1)
    assert thumbnail(tmp_path / "mine.png") == tmp_path / "mine.png"
