"""A weights file whose config is damaged or hostile: one sentence, at once, and no memory for what it says."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from deepfake_core.errors import BadWeights
from deepfake_core.hub.config_check import MAXIMUM, numbers
from deepfake_core.hub.store import load
from deepfake_core.networks.cyclegan import CycleGanConfig, Generator
from deepfake_core.registry import configs

SOUND: dict[str, Any] = {"size": 64, "base": 2, "blocks": 1}


def written(path: Path, config: str, network: str = "cyclegan") -> Path:
    """Sound weights of a small CycleGAN under some config."""
    state = Generator(CycleGanConfig(**SOUND)).state_dict()
    save_file({f"cyclegan.{key}": value for key, value in state.items()}, path, {"network": network, "config": config})
    return path


def test_sound_weights_are_loaded(tmp_path: Path) -> None:
    assert load(written(tmp_path / "own.safetensors", json.dumps(SOUND)), "cyclegan").network.training is False


@pytest.mark.parametrize(
    "config",
    [
        json.dumps(SOUND | {"blocks": 2**31}),  # would be made for hours
        json.dumps(SOUND | {"base": 2**20}),  # would take terabytes
        json.dumps(SOUND | {"base": -1}),
        json.dumps(SOUND | {"blocks": 10**30}),
        json.dumps(SOUND | {"size": "9" * 5_000}),
        json.dumps(SOUND | {"surplus": 1}),
        "[" * 100_000,
        '"a string"',
        "null",
        "",
        "{}",
    ],
    ids=lambda config: config[:40],
)
def test_a_config_without_sense_is_refused_at_once(config: str, tmp_path: Path) -> None:
    path = written(tmp_path / "own.safetensors", config)
    begun = time.monotonic()
    with pytest.raises(BadWeights) as refused:
        load(path, "cyclegan")
    assert time.monotonic() - begun < 5
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


def test_weights_that_do_not_fit_are_told_so_in_few_words(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"does not match its network: it lacks residual\.1\.\S+ and \d+ more$"):
        load(written(tmp_path / "own.safetensors", json.dumps(SOUND | {"blocks": 9})), "cyclegan")


def test_the_name_of_another_network_is_told_on_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match="has weights for two_lines, not for cyclegan"):
        load(written(tmp_path / "own.safetensors", json.dumps(SOUND), network="two\nlines"), "cyclegan")


def test_no_network_counts_further_than_the_limit() -> None:
    for config in configs().values():
        assert max(numbers(json.loads(json.dumps(asdict(config))))) <= MAXIMUM / 2
