"""Laws of the presets, and of the command line: what is not known stops with one clear sentence."""

import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import train.__main__ as command
from deepfake_core import registry
from deepfake_core.errors import BadRequest, MissingFile
from tests.train.toy import TOY
from train.loop.config import LoopConfig
from train.loop.presets import configure, preset_names, read_preset


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    """A nested table."""

    width: int = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    """One field of every kind that a preset may hold."""

    size: int
    rate: float = 1.0
    name: str = "x"
    deep: bool = False
    limit: float | None = None
    levels: tuple[int, ...] = ()
    betas: tuple[float, float] = (0.5, 0.999)
    weights: dict[str, float] | None = None
    inner: Inner = Inner()


def test_a_table_becomes_a_config_of_the_declared_types() -> None:
    table = {
        "size": 3,
        "rate": 2,
        "limit": 5,
        "levels": [1, 2],
        "betas": [0, 0.9],
        "weights": {"a": 1},
        "inner": {"width": 4},
    }
    made = configure(Outer, table, "[recipe]")
    expected = Outer(
        size=3, rate=2.0, limit=5.0, levels=(1, 2), betas=(0.0, 0.9), weights={"a": 1.0}, inner=Inner(width=4)
    )
    assert made == expected
    assert type(made.rate) is float


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"size": 1, "sise": 2}, r"\[recipe\] has unknown keys: sise; known keys: size, rate, name"),
        ({}, r"\[recipe\] is missing size"),
        ({"size": "big"}, r"\[recipe\].size must be int, got 'big'"),
        ({"size": True}, "must be int"),
        ({"size": 1.5}, "must be int"),
        ({"size": 1, "betas": [1]}, "must have 2 values, got 1"),
        ({"size": 1, "inner": {"depth": 1}}, r"\[recipe\].inner has unknown keys: depth; known keys: width"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        configure(Outer, table, "[recipe]")


def test_a_loop_value_that_is_no_choice_or_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadRequest, match="precision must be one of float32, bf16, auto, got 'int8'"):
        configure(LoopConfig, {"steps": 1, "precision": "int8"}, "[loop]")
    with pytest.raises(BadRequest, match="steps must be at least 1, got 0"):
        LoopConfig(steps=0)


def test_presets_are_found_by_name_and_unknown_ones_list_the_known(tmp_path: Path) -> None:
    (tmp_path / "toy-starter.toml").write_text("[recipe]\nsize = 1\n[loop]\nsteps = 2\n")
    (tmp_path / "toy-large.toml").write_text("[rezipe]\n")
    (tmp_path / "toytwo-other.toml").write_text("steps = 2\n[loop]\n")
    assert preset_names("toy", tmp_path) == ["large", "starter"]
    assert read_preset("toy", "starter", tmp_path) == ({"size": 1}, {"steps": 2})
    with pytest.raises(BadRequest, match="no preset 'huge'; choose one of: large, starter"):
        read_preset("toy", "huge", tmp_path)
    with pytest.raises(BadRequest, match="has unknown keys: rezipe; known keys: recipe, loop"):
        read_preset("toy", "large", tmp_path)
    with pytest.raises(MissingFile, match=r"nowhere\.toml"):
        read_preset("toy", str(tmp_path / "nowhere.toml"))


@pytest.mark.parametrize(
    "path", sorted((Path(command.__file__).parent / "presets").glob("*.toml")), ids=lambda p: p.stem
)
def test_every_preset_that_comes_along_has_a_loop_that_makes_sense(path: Path) -> None:
    configure(LoopConfig, read_preset("any", str(path)).loop, "[loop]")


def test_the_command_trains_and_says_what_was_wrong_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    without_tensorboard: None,
) -> None:
    monkeypatch.setattr(registry, "METHODS", (*registry.METHODS, TOY))
    preset, out = tmp_path / "toy.toml", tmp_path / "out"
    preset.write_text("[recipe]\nbatch_size = 3\n[loop]\nsteps = 9\nlog_every = 2\n")
    asked = ["toy", "--preset", str(preset), "--out", str(out), "--device", "cpu"]
    before = torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision()
    caplog.set_level(logging.INFO)
    try:
        assert command.main([*asked, "--steps", "2"]) == 0
        assert (out / "log.csv").read_text().splitlines()[1].startswith("2,6,")
        assert caplog.text.count("tensorboard is not installed") == 1
        assert "finished at step 2 of 2" in caplog.text
        for extra in ([], ["--data", str(tmp_path / "none")], ["--steps", "0"], ["--preset", "huge"]):
            assert command.main([*asked, *extra]) == 2
            lines = capsys.readouterr().err.strip().splitlines()
            assert len(lines) == 1
            assert lines[0].startswith("python -m train: ")
    finally:
        torch.backends.cudnn.benchmark = before[0]
        torch.set_float32_matmul_precision(before[1])


@pytest.mark.parametrize(("units", "precision"), [({}, "float32"), ({"avx512_bf16": True}, "bf16")])
def test_auto_is_decided_by_the_device(units: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units, raising=False)
    config = LoopConfig(steps=1, precision="auto", compile="auto").on(torch.device("cpu"))
    assert (config.precision, config.compile) == (precision, "never")
    asked = LoopConfig(steps=1, precision="bf16", compile="always")
    assert asked.on(torch.device("cpu")) == asked
