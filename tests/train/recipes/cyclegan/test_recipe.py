"""The CycleGAN recipe: drawn fields, two folders, supervision, and a few steps of training through the command line."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from deepfake_core import CycleTranslator
from deepfake_core.errors import BadRequest
from deepfake_core.hub.store import load, read_weights
from deepfake_core.networks.cyclegan import CycleGanConfig, Generator
from tests.train.conftest import tensors
from train.__main__ import load_initial_weights, main
from train.loop.checkpoint import read_checkpoint
from train.loop.config import LoopConfig
from train.loop.presets import configure, read_preset
from train.loop.step import run_phase
from train.recipes.cyclegan.data import drawn_fields
from train.recipes.cyclegan.recipe import CycleGanTraining, build
from train.recipes.cyclegan.supervision import Supervision

pytestmark = pytest.mark.usefixtures("without_tensorboard")
CPU = torch.device("cpu")
PRESET = """
[recipe]
batch = 2
discriminator_base = 4
drawn = 4
pool = 3
[recipe.network]
size = 32
base = 4
blocks = 1
blend = true
{supervision}
[loop]
steps = 6
log_every = 2
samples_every = 0
save_every = 0
"""
SUPERVISION = "[recipe.supervision]\ntruth = 20.0\ntruth_first = 2\nfades = 5"


def train(out: Path, preset: Path, *more: str) -> int:
    return main(["cyclegan", "--preset", str(preset), "--out", str(out), "--device", "cpu", *more])


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(PRESET.format(supervision=SUPERVISION))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Reddish pictures in trainA, bluish ones in trainB."""
    rng = np.random.default_rng(0)
    for name, channel in (("trainA", 0), ("trainB", 2)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(3):
            pixels = rng.integers(0, 100, (40, 56, 3), dtype=np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{index}.png")
    (tmp_path / "photos" / "testA").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def simple_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of drawn fields, which take their time, a square on a coloured ground: red, or striped."""

    def draw_both(count: int, size: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        ground = torch.rand(count, 3, 1, 1, generator=generator).expand(-1, -1, size, size)
        place = torch.arange(size)
        square = ((place - size // 2).abs() < size // 4).float()
        mask = square[:, None] * square
        red, stripes = torch.tensor([0.8, 0.2, 0.1])[:, None, None], (place // 2 % 2).float()
        return ground * (1 - mask) + red * mask, ground * (1 - mask) + stripes * mask

    monkeypatch.setattr("train.recipes.cyclegan.data.draw_both", draw_both)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_drawn_fields_come_with_their_counterparts_but_unpaired(rng: torch.Generator) -> None:
    """real.a and truth.b are one field, so are real.b and truth.a, and a batch never pairs a field with itself."""
    source = drawn_fields(2, 32, CPU)
    for _ in range(3):
        real, truth = source(4, rng)
        assert truth is not None
        counterpart = (real.a - truth.b).abs().mean(dim=(1, 2, 3))
        unpaired = (real.a - real.b).abs().mean(dim=(1, 2, 3))
        assert (counterpart < 0.7 * unpaired).all()
        assert ((real.b - truth.a).abs().mean(dim=(1, 2, 3)) < 0.7 * unpaired).all()


@pytest.mark.usefixtures("simple_fields")
def test_a_run_starts_from_a_folder_with_a_file_for_each_direction(
    tmp_path: Path, preset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path / "first", preset, "--steps", "1") == 0
    recipe = build(read_preset("cyclegan", str(preset)).recipe, "synthetic", CPU)
    load_initial_weights(str(tmp_path / "first"), recipe)
    for name in recipe.ema_networks:
        known = load(tmp_path / "first" / f"{name}.safetensors", "cyclegan").network.state_dict()
        own = recipe.networks[name].state_dict()
        assert all(torch.equal(own[key], value) for key, value in known.items())
    (tmp_path / "first" / "zebra2horse.safetensors").unlink()
    assert train(tmp_path / "second", preset, "--weights", str(tmp_path / "first")) == 2
    assert "zebra2horse.safetensors" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("simple_fields")
def test_training_runs_resumes_and_exports_both_directions(tmp_path: Path, preset: Path) -> None:
    assert train(tmp_path / "whole", preset) == 0
    first, *_, last = rows(tmp_path / "whole")
    assert first["truth/truth_a2b"] and not first["generator/cycle_a"]
    assert last["generator/identity_a2b"] and last["discriminator/adversarial_b"]
    for name in ("horse2zebra", "zebra2horse"):
        state, metadata = read_weights(tmp_path / "whole" / f"{name}.safetensors")
        network = Generator(CycleGanConfig(size=32, base=4, blocks=1, blend=True))
        network.load_state_dict({key.removeprefix("cyclegan."): value.float() for key, value in state.items()})
        assert metadata["network"] == "cyclegan" and metadata["training"]
    translator = CycleTranslator.from_pretrained(tmp_path / "whole" / "horse2zebra.safetensors", "cpu")
    kept, trained = translator.discriminator(), dict(tensors(read_checkpoint(tmp_path / "whole" / "checkpoint.pt")))
    assert kept is not None  # the zebras', beside the translator
    for key, value in kept.state_dict().items():
        torch.testing.assert_close(value, trained[f"/networks/zebra.{key}"], atol=1e-3, rtol=1e-3)
    assert not (tmp_path / "whole" / "weights.safetensors").exists()
    assert (tmp_path / "whole" / "samples" / "000006.png").is_file()

    assert train(tmp_path / "broken", preset, "--steps", "4") == 0
    assert train(tmp_path / "broken", preset, "--resume") == 0
    whole, broken = (dict(tensors(read_checkpoint(tmp_path / name / "checkpoint.pt"))) for name in ("whole", "broken"))
    assert all(
        torch.equal(whole[name], broken[name]) for name in whole if name != "/seconds"
    )  # with the pools' pictures
    assert int(whole["/networks/pool_a.held"]) == 3


def test_two_folders_train_without_truth(
    tmp_path: Path, preset: Path, photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (photos / "trainB" / "0.png").write_text("no picture")
    with caplog.at_level("INFO"):
        assert train(tmp_path / "out", preset, "--data", str(photos)) == 0
    assert "no ground truth" in caplog.text and caplog.text.count("0.png") == 1 and "1 so far" in caplog.text
    assert "truth/truth_a2b" not in rows(tmp_path / "out")[0]
    assert (tmp_path / "out" / "a2b.safetensors").is_file() and (tmp_path / "out" / "b2a.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("simple_fields")
def test_the_generators_learn_the_truth() -> None:
    """Forty steps on one batch of drawn fields bring the translations nearer to the counterparts."""
    table = {"network": {"size": 32, "base": 8, "blocks": 1, "blend": True}, "batch": 2, "drawn": 4}
    recipe = build(
        {**table, "learning_rate": 3e-3, "supervision": {"truth": 1.0, "truth_first": 1000}}, "synthetic", CPU
    )
    batch = recipe.batch(torch.Generator().manual_seed(99))
    phase = recipe.phases[0]
    losses = [
        run_phase(phase, batch, step, recipe.networks, "float32").terms[f"{phase.name}/total"] for step in range(40)
    ]
    real, truth = batch.pictures
    assert truth is not None
    unchanged = float((real.a - truth.b).abs().mean() + (real.b - truth.a).abs().mean())
    assert losses[-1] < 0.7 * unchanged < losses[0]


def test_supervision_fades() -> None:
    supervision = Supervision(truth=8.0, truth_first=100, fades=200, floor=0.25)
    weights = [supervision.weights(step)["truth_a2b"] for step in (0, 100, 150, 200, 999)]
    assert weights == [8.0, 8.0, 5.0, 2.0, 2.0]
    assert Supervision().weights(0) == {}


@pytest.mark.usefixtures("simple_fields")
def test_log_likelihood_and_no_identity() -> None:
    table: dict[str, Any] = {"network": {"size": 32, "base": 4, "blocks": 1}, "drawn": 2, "discriminator_base": 4}
    recipe = build({**table, "objective": "log_likelihood", "identity": 0.0}, "synthetic", CPU)
    generator, discriminator = recipe.phases
    batch = recipe.batch(torch.Generator().manual_seed(1))
    terms, batch = generator.losses(batch, 0)
    assert terms.keys() == generator.weights(0).keys() == {"adversarial_a2b", "adversarial_b2a", "cycle_a", "cycle_b"}
    judged, _ = discriminator.losses(batch, 0)
    assert batch.made is not None
    with torch.no_grad():
        real, made = (recipe.networks["zebra"](image) for image in (batch.pictures.real.b, batch.made.b))
    likely = [torch.sigmoid(score).log().mean() for score in (real, made, -made)]
    torch.testing.assert_close(terms["adversarial_a2b"].detach(), -likely[1])
    torch.testing.assert_close(judged["adversarial_b"].detach(), -0.5 * (likely[0] + likely[2]))


@pytest.mark.usefixtures("simple_fields")
def test_no_discriminators_where_nothing_is_asked_of_them() -> None:
    table: dict[str, Any] = {"network": {"size": 32, "base": 4, "blocks": 1}, "drawn": 2, "adversarial": 0.0}
    recipe = build({**table, "supervision": {"truth": 1.0}}, "synthetic", CPU)
    (generator,) = recipe.phases
    terms, _ = generator.losses(recipe.batch(torch.Generator().manual_seed(1)), 0)
    assert set(terms) == set(generator.weights(0)) > {"truth_a2b", "cycle_a"}
    assert not any(name.startswith("adversarial") for name in terms) and recipe.discriminators() == {}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ((), "exactly two folders, one for each domain; got no folder"),
        (("summer",), "got summer"),
        (("summer", "winter", "autumn"), "got autumn, summer, winter"),
        (("summer", "winter"), "there are no images in"),
    ],
)
def test_a_folder_laid_out_otherwise_is_explained(
    tmp_path: Path, preset: Path, capsys: pytest.CaptureFixture[str], folders: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "data").mkdir()
    for name in folders:
        (tmp_path / "data" / name).mkdir()
    assert train(tmp_path / "out", preset, "--data", str(tmp_path / "data")) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"drawn": 1}, "drawn must be at least 2"),
        ({"supervision": {"truth_first": 5}}, "truth_first requires supervision.truth"),
        ({"network": {"channels": 1}}, "channels must be 3"),
    ],
)
def test_settings_that_make_no_sense(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadRequest, match=expected):
        build({"network": {"size": 32}, "drawn": 2, **change}, "synthetic", CPU)


@pytest.mark.parametrize("preset", ["starter", "horse2zebra"])
def test_every_preset_fits_the_recipe(preset: str) -> None:
    tables = read_preset("cyclegan", preset)
    settings = configure(CycleGanTraining, tables.recipe, "[recipe]")
    assert (settings.supervision.truth > 0) == (preset == "starter")
    if preset == "horse2zebra":
        assert settings == CycleGanTraining()
    assert configure(LoopConfig, tables.loop, "[loop]").steps > 1000
