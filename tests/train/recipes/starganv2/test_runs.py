"""Runs from the command line: resumed, started from weights, on folders; and the weights that they write."""

from pathlib import Path

import pytest
import torch

from deepfake_core.errors import BadRequest
from deepfake_core.hub.store import load
from deepfake_core.networks.starganv2 import StarGanV2
from tests.train.conftest import tensors
from tests.train.recipes.starganv2.conftest import PRESET, train
from train.__main__ import load_initial_weights
from train.loop.checkpoint import read_checkpoint
from train.loop.presets import read_preset
from train.recipes.cyclegan.recipe import build as build_cyclegan
from train.recipes.starganv2.recipe import build

pytestmark = pytest.mark.usefixtures("without_tensorboard")
CPU = torch.device("cpu")


def domains_of(out: Path) -> tuple[str, ...]:
    """The domains of the weights that a run wrote."""
    loaded = load(out / "weights.safetensors", "starganv2")
    assert isinstance(loaded.network, StarGanV2) and loaded.metadata["training"]
    return loaded.network.config.domains


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path, preset: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert train(preset, whole) == 0
    assert train(preset, halves, "--steps", "2") == 0
    assert train(preset, halves, "--resume") == 0
    one, other = (dict(tensors(read_checkpoint(out / "checkpoint.pt"))) for out in (whole, halves))
    different = [name for name in one if "seconds" not in name and not torch.equal(one[name], other[name])]
    assert one.keys() == other.keys() and not different
    header = (whole / "log.csv").read_text().splitlines()[0]
    assert all(name in header for name in ("truth/truth", "mapping/styles", "generator_latent/cycle"))
    assert domains_of(whole) == ("female", "male")


@pytest.mark.slow
def test_a_run_starts_from_weights(tmp_path: Path, preset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(preset, tmp_path / "first", "--steps", "1") == 0
    weights = tmp_path / "first" / "weights.safetensors"
    recipe = build(read_preset("starganv2", str(preset)).recipe, "synthetic", CPU)
    load_initial_weights(str(weights), recipe)
    for key, value in load(weights, "starganv2").network.state_dict().items():
        torch.testing.assert_close(recipe.networks["starganv2"].state_dict()[key], value)
    assert train(preset, tmp_path / "second", "--steps", "1", "--weights", str(weights)) == 0
    preset.write_text(PRESET.format(world="heads").replace("base = 4", "base = 8"))
    assert train(preset, tmp_path / "third", "--weights", str(weights)) == 2
    assert "does not fit [recipe.network]" in capsys.readouterr().err
    two = {"network": {"size": 32, "base": 4, "blocks": 1}, "drawn": 4, "discriminator_base": 4}
    with pytest.raises(BadRequest, match="a folder with a file for each"):
        load_initial_weights(str(weights), build_cyclegan(two, "synthetic", CPU))


@pytest.mark.slow
def test_animals_train_and_export(tmp_path: Path, preset: Path) -> None:
    preset.write_text(PRESET.format(world="animals"))
    assert train(preset, tmp_path / "out", "--steps", "2") == 0
    assert domains_of(tmp_path / "out") == ("cat", "dog", "wild")
    assert (tmp_path / "out" / "samples" / "000002.png").is_file()


@pytest.mark.slow
def test_a_folder_trains_without_its_truth(tmp_path: Path, preset: Path, photos: Path) -> None:
    assert train(preset, tmp_path / "out", "--data", str(photos), "--steps", "1") == 0
    assert "truth/" not in (tmp_path / "out" / "log.csv").read_text()
    assert domains_of(tmp_path / "out") == ("apple", "pear", "plum")
