"""The First Order Motion recipe: drawn pairs and their truth, folders of clips, and a few steps of training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from deepfake_core.errors import BadRequest, BadWeights
from deepfake_core.hub.store import load
from deepfake_core.networks.fomm import FommConfig
from deepfake_core.networks.layers import resize_like, warp
from tests.media.clips import make_clip
from tests.train.conftest import run
from train.__main__ import load_initial_weights
from train.loop.config import LoopConfig
from train.loop.presets import configure, read_preset
from train.loop.step import run_phase
from train.recipes.fomm.data import Truth, sample_clips
from train.recipes.fomm.recipe import FommTraining, build
from train.recipes.fomm.supervision import Supervision, feature_difference
from train.recipes.fomm.synthetic import draw_pairs

CPU = torch.device("cpu")
HOURGLASS = {"base": 8, "widest": 16, "levels": 2}
NETWORK = {"size": 32, "keypoints": 6, "base": 8, "residual_blocks": 1, "detector": HOURGLASS, "motion": HOURGLASS}
SUPERVISION = {"keypoints": 20.0, "jacobians": 2.0, "flow": 20.0, "occlusion": 1.0}


def table(**changes: Any) -> dict[str, Any]:
    return {"network": NETWORK | {"blend": True}, "batch": 4, "supervision": SUPERVISION, **changes}


def test_drawn_pairs_and_their_truth_agree(rng: torch.Generator) -> None:
    """The true flow carries the source into the driving frame, where the source shows it."""
    pairs = draw_pairs(4, FommConfig(size=128), rng, CPU, spread=0.7, truth=True)
    assert pairs.truth is not None
    grid = resize_like(pairs.truth.flow.permute(0, 3, 1, 2), (128, 128)).permute(0, 2, 3, 1)
    shown = F.interpolate(pairs.truth.shown[:, None], (128, 128))
    warped = ((warp(pairs.source, grid) - pairs.driving).abs() * shown).sum() / shown.sum()
    copied = ((pairs.source - pairs.driving).abs() * shown).sum() / shown.sum()
    assert warped < 0.6 * copied
    assert pairs.truth.source.jacobian is not None
    assert torch.linalg.det(pairs.truth.source.jacobian).min() > 0.1
    torch.testing.assert_close(pairs.source[:2], pairs.driving[2:])  # every pair is used both ways


@pytest.mark.slow
def test_a_few_steps_train_and_export(tmp_path: Path) -> None:
    recipe = build(table(motion_first=2), "synthetic", CPU)
    config = LoopConfig(steps=4, log_every=2, samples_every=0)
    run(recipe, config, tmp_path)
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 2 and "motion/truth_flow" in header and "generator/perceptual" in header
    loaded = load(tmp_path / "weights.safetensors", "fomm")
    assert loaded.metadata["training"] and (tmp_path / "samples" / "000004.png").is_file()


@pytest.mark.slow
def test_a_pool_randomised_and_no_equivariance(tmp_path: Path) -> None:
    """The starter's way: heads drawn once, changed at random, a packed generator that paints its mask."""
    packed = NETWORK | {"blend": True, "paints_mask": True, "patch": 2}
    shares = dict.fromkeys(("colours", "textures", "noise", "blur", "objects"), 0.5)
    asked = table(network=packed, drawn={"heads": 2, "states": 2}, randomisation=shares)
    asked |= {
        "equivariance_position": 0.0,
        "equivariance_jacobian": 0.0,
        "supervision": SUPERVISION | {"features": 5.0},
    }
    run(build(asked, "synthetic", CPU), LoopConfig(steps=2, log_every=1), tmp_path)
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert "generator/truth_features" in header and "equivariance" not in header
    assert load(tmp_path / "weights.safetensors", "fomm").metadata["training"]


@pytest.mark.slow
def test_a_wider_network_begins_with_what_fits(tmp_path: Path) -> None:
    run(build(table(), "synthetic", CPU), LoopConfig(steps=1), tmp_path)
    weights = str(tmp_path / "weights.safetensors")
    wider = build(table(network=NETWORK | {"blend": True, "base": 12}), "synthetic", CPU)
    with pytest.raises(BadWeights, match="does not fit"):
        load_initial_weights(weights, wider)
    load_initial_weights(weights, wider, fitting=True)
    known = load(weights, "fomm").network.state_dict()
    same = {key for key, value in wider.networks["fomm"].state_dict().items() if torch.equal(value, known[key])}
    assert any(key.startswith("dense_motion") for key in same) and "generator.final.weight" not in same


@pytest.mark.slow
def test_supervision_teaches_the_landmarks() -> None:
    """Two hundred steps on the truth alone bring the keypoints to the landmarks of one batch."""
    recipe = build(table(motion_first=1000, learning_rate=3e-3), "synthetic", CPU)
    batch = recipe.batch(torch.Generator().manual_seed(99))
    phase = recipe.phases[0]

    def distance() -> float:
        with torch.no_grad():
            return float(phase.losses(batch, 0)[0]["truth_keypoints"])

    before = distance()
    for step in range(200):
        run_phase(phase, batch, step, recipe.networks, "float32")
    assert distance() < 0.5 * before


def test_eyes_and_mouth_are_looked_at_closely(rng: torch.Generator) -> None:
    """A change at an eye counts; far from eyes and mouth none does, nor where there is no face."""
    pairs = draw_pairs(2, FommConfig(size=64), rng, CPU, spread=0.5, truth=True)
    assert pairs.truth is not None
    x, y = ((pairs.truth.driving.position[0, 0] + 1) * 31.5).round().long().tolist()

    def difference(x: int, y: int, truth: Truth) -> float:
        made = pairs.driving.clone()
        made[0, :, y, x] += 0.5
        return float(feature_difference(made, pairs.driving, truth, [0, 1]))

    assert difference(x, y, pairs.truth) > 100 * difference(0, 63, pairs.truth)
    assert difference(x, y, pairs.truth._replace(named=torch.tensor([0.0, 1.0]))) == 0


def test_supervision_fades() -> None:
    supervision = Supervision(keypoints=10.0, flow=4.0, fades=100, floor=0.25)
    assert supervision.weights(0) == {"truth_keypoints": 10.0, "truth_flow": 4.0}
    assert supervision.weights(100) == supervision.weights(500) == {"truth_keypoints": 2.5, "truth_flow": 1.0}


@pytest.mark.slow
def test_a_folder_of_clips_with_a_discriminator(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_clip(tmp_path / "a.mp4", frames=10)
    (tmp_path / "frames").mkdir()
    for index in range(3):
        Image.fromarray(np.full((40, 50, 3), 60 * index, np.uint8)).save(tmp_path / "frames" / f"{index}.png")
    (tmp_path / "broken.mp4").write_text("no clip")
    make_clip(tmp_path / "single.mp4", frames=1)
    big = NETWORK | {"size": 64}
    recipe = build(table(network=big, adversarial=1.0, motion_first=5), str(tmp_path), CPU)  # left out: no truth
    assert "broken.mp4" in caplog.text and "single.mp4" in caplog.text
    terms, batch = recipe.phases[0].losses(recipe.batch(torch.Generator().manual_seed(0)), 0)
    assert terms.keys() == recipe.phases[0].weights(0).keys() and "adversarial" in terms
    judged, _ = recipe.phases[1].losses(batch, 0)
    assert all(term.isfinite() for term in (*terms.values(), *judged.values()))


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no clip"):
        sample_clips(str(tmp_path), 2, 32, CPU)
    with pytest.raises(BadRequest, match="supervision"):
        build(table(motion_first=5, supervision={}), "synthetic", CPU)
    with pytest.raises(BadRequest, match="even"):
        build(table(batch=3), "synthetic", CPU)


@pytest.mark.parametrize("preset", ["starter", "starter-gpu", "vox", "vox-adv"])
def test_every_preset_fits_the_recipe(preset: str) -> None:
    tables = read_preset("fomm", preset)
    settings = configure(FommTraining, tables.recipe, "[recipe]")
    assert (settings.adversarial > 0) == (preset == "vox-adv")
    assert configure(LoopConfig, tables.loop, "[loop]").steps > 1000
