"""The StarGAN recipe: drawn heads with their truth, CelebA's layout, one folder a domain, and a few steps of each."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.networks.stargan import CELEBA, ConvNormReLU, Discriminator, StarGan, StarGanConfig, Verdict
from train.__main__ import main
from train.loop.config import LoopConfig
from train.loop.presets import configure, read_preset
from train.loop.step import run_phase
from train.recipes.stargan.config import StarGanTraining
from train.recipes.stargan.data import LIST, draw_edits, labelled_folder
from train.recipes.stargan.losses import gradient_penalty
from train.recipes.stargan.recipe import build
from train.recipes.stargan.supervision import Supervision, truth_terms

CPU = torch.device("cpu")
TINY = {"size": 32, "base": 8, "blocks": 1, "critic_base": 8, "critic_layers": 4, "critic": True}


def table(**changes: Any) -> dict[str, Any]:
    network = TINY | {"difference": True, "conditional": True, "relative": True, "skips": True}
    return {"network": network, "batch": 4, "heads": 8, **changes}


def preset(folder: Path, recipe: str, steps: int) -> str:
    """A preset file of a tiny network; `recipe` is TOML that goes before the network's table."""
    network = "\n".join(f"{name} = {str(value).lower()}" for name, value in TINY.items())
    loop = f"steps = {steps}\nlog_every = 1\nsamples_every = 0"
    path = folder / "tiny.toml"
    path.write_text(f"[recipe]\nbatch = 4\nheads = 8\n{recipe}\n[recipe.network]\n{network}\n[loop]\n{loop}\n")
    return str(path)


def picture(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((44, 36, 3), colour, np.uint8)).save(path)


def celeba(folder: Path, lines: list[str] | None = None, images: str = "img_align_celeba") -> Path:
    """A folder in CelebA's layout: dark pictures are of men, light ones of women."""
    names = ("Bald", *CELEBA)
    written = []
    for index in range(6):
        male = index % 2
        picture(folder / images / f"{index:06}.png", (60, 60, 60) if male else (200, 200, 200))
        written.append(f"{index:06}.png -1 1 -1 -1  {1 if male else -1}  1")
    (folder / LIST).write_text("\n".join(lines or [f"{len(written)}", " ".join(names), *written]) + "\n")
    return folder


def domains(folder: Path) -> Path:
    for index in range(3):
        picture(folder / "red" / f"{index}.png", (220, 30, 30))
        picture(folder / "blue" / f"{index}.png", (30, 30, 220))
    return folder


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_drawn_edits_know_their_labels_and_change_little_else(rng: torch.Generator) -> None:
    *images, labels = draw_edits(12, 32, 0.8, rng)
    assert labels.shape == (12, 3, 5) and len(images) == 3
    for source, edited, edit in ((0, 1, "one change"), (0, 2, "some changes")):
        moved = (labels[:, source] - labels[:, edited]).abs()
        named = labels[:, edited, :3].sum(1)
        assert bool((named <= 1).all()), "hair colours exclude each other"
        if edit == "one change":
            sex_or_age, hair = moved[:, 3:].sum(1), moved[:, :3].sum(1)
            assert bool(((sex_or_age == 1) & (hair == 0) | (sex_or_age == 0) & (hair >= 1)).all())
        same = (images[source] - images[edited]).abs().amax(dim=1) < 0.02
        assert same.float().mean(dim=(1, 2)).min() > 0.3, "the background stays"


@pytest.mark.slow
def test_supervision_teaches_the_edit_of_one_batch() -> None:
    supervision = {"truth": 10.0, "truth_changed": 1.0}
    recipe = build(table(supervision=supervision, truth_first=1000, learning_rate=3e-3), "synthetic", CPU)
    batch, phase = recipe.batch(torch.Generator().manual_seed(9)), recipe.phases[0]
    assert phase.name == "truth"

    def distance() -> float:
        with torch.no_grad():
            return float(phase.losses(batch, 0)[0]["truth_changed"])

    before = distance()
    for step in range(90):
        run_phase(phase, batch, step, recipe.networks, "float32")
    assert distance() < 0.5 * before


def test_the_truth_weighs_edits_by_what_is_missing_of_them() -> None:
    """Half of the way leaves a quarter of the energy; a faint, small change counts as much."""
    real = torch.zeros(1, 3, 64, 64)
    for rows, depth in ((32, 1.0), (16, 0.6)):
        truth = real.clone()
        truth[:, :, :rows:2] = depth  # lines, so that there are edges to miss
        for way, left in ((0.0, 1.0), (0.5, 0.25), (1.0, 0.0)):
            terms = truth_terms(real, way * truth, truth)
            for name in ("truth_changed", "truth_edges"):
                assert terms[name].item() == pytest.approx(left, abs=0.02)


def test_at_first_the_difference_is_nothing_and_attributes_reach_every_pixel() -> None:
    torch.manual_seed(0)
    image, wanted = torch.rand(1, 3, 32, 32) * 2 - 1, torch.tensor([[1.0, 0.0, 0.0, 1.0, 1.0]])
    generator = StarGan(StarGanConfig(size=32, base=4, blocks=1, conditional=True, difference=True)).generator
    torch.testing.assert_close(generator(image, wanted), image)
    torch.nn.init.normal_(generator.final.weight)
    assert ((generator(image, wanted) - generator(image, 1 - wanted)).abs().sum(dim=1) > 1e-4).all()


@pytest.mark.parametrize("exclusive", [False, True])
def test_a_relative_generator_is_told_the_change_and_reads_what_is_shown_by_itself(exclusive: bool) -> None:
    config = StarGanConfig(size=64, base=4, blocks=1, critic_base=4, critic=True, relative=True, exclusive=exclusive)
    model, image = StarGan(config), torch.rand(2, 3, 64, 64) * 2 - 1
    assert model.discriminator is not None
    logits = model.discriminator(image).logits
    shown = (logits == logits.amax(dim=1, keepdim=True)).float() if exclusive else (logits > 0).float()
    wanted = shown.roll(1, dims=1)
    torch.testing.assert_close(model(image, wanted), model.generator(image, wanted - shown))
    torch.testing.assert_close(model(image, shown), model.generator(image, torch.zeros_like(shown)))
    strong = StarGan(replace(config, strengths=(1.0, 1.0, 1.0, 1.0, 2.0)))
    strong.load_state_dict(model.state_dict())
    told = (wanted - shown) * torch.tensor([1.0, 1.0, 1.0, 1.0, 2.0])
    torch.testing.assert_close(strong(image, wanted), model.generator(image, told))


def test_skips_carry_what_the_bottleneck_cannot() -> None:
    """With the residual path cut off, a change of one pixel still reaches the picture; without skips it does not."""
    torch.manual_seed(0)
    image, wanted = torch.zeros(1, 3, 32, 32), torch.zeros(1, 5)
    dotted = image.clone()
    dotted[..., 16, 16] = 1.0
    for skips in (False, True):
        generator = StarGan(StarGanConfig(size=32, base=4, blocks=1, skips=skips)).generator
        double = generator.up[0]
        assert isinstance(double, ConvNormReLU)
        torch.nn.init.zeros_(double.norm.weight)
        torch.nn.init.ones_(double.norm.bias)
        changed = bool(((generator(dotted, wanted) - generator(image, wanted)).abs() > 1e-6).any())
        assert changed == skips


def test_at_full_size_the_class_head_is_listened_to() -> None:
    supervision = {"truth": 1.0, "classes": 0.1}
    recipe = build(table(supervision=supervision, truth_first=9, half_size_first=4), "synthetic", CPU)
    batch, truth = recipe.batch(torch.Generator().manual_seed(0)), recipe.phases[0]
    for step, terms in ((3, {"truth"}), (4, {"truth", "classes"})):
        assert set(truth.losses(batch, step)[0]) == set(truth.weights(step)) == terms


def test_gradient_penalty_of_a_critic_with_a_known_slope() -> None:
    class Slope(Discriminator):
        def forward(self, image: torch.Tensor) -> Verdict:
            return Verdict(3 * image[:, :1, :1, :1], image.new_zeros(len(image), 1))

    real, made = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 8)
    penalty = gradient_penalty(Slope(StarGanConfig(critic_base=1)), real, made, torch.rand(4, 1, 1, 1))
    assert float(penalty) == pytest.approx(4.0)  # (3 - 1)^2


@pytest.mark.slow
def test_drawn_heads_train_resume_and_export(tmp_path: Path, without_tensorboard: None) -> None:
    supervision = "[recipe.supervision]\ntruth = 10.0\ntruth_changed = 1.0"
    supervised = f"truth_first = 3\nhalf_size_first = 1\ncritic_steps = 2\n{supervision}"
    asked = ["stargan", "--preset", preset(tmp_path, supervised, 8), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert main([*asked, "--steps", "5"]) == 0
    assert main([*asked, "--resume"]) == 0
    log = rows(tmp_path / "run")
    assert [int(row["step"]) for row in log] == list(range(1, 9))
    assert [bool(row["truth/truth"]) for row in log] == [True] * 3 + [False] * 5
    assert [bool(row["generator/adversarial"]) for row in log] == [False] * 3 + [True, False, True, False, True]
    assert all(row["critic/gradient_penalty"] for row in log[3:])
    assert (tmp_path / "run" / "weights.safetensors").is_file()
    assert (tmp_path / "run" / "samples" / "000008.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["celeba", "domains"])
def test_folders_train_and_the_critic_learns_their_classes(
    tmp_path: Path, kind: str, without_tensorboard: None
) -> None:
    data = celeba(tmp_path / "data") if kind == "celeba" else domains(tmp_path / "data")
    if kind == "celeba":
        (data / "img_align_celeba" / "000005.png").write_text("no picture")
    made = preset(tmp_path, "learning_rate = 1e-3\ncritic_steps = 5", 40)
    out = tmp_path / "run"
    assert main(["stargan", "--preset", made, "--data", str(data), "--out", str(out), "--device", "cpu"]) == 0
    classes = [float(row["critic/classes"]) for row in rows(out)]
    assert np.mean(classes[-5:]) < 0.5 * np.mean(classes[:3])
    assert (out / "weights.safetensors").is_file()


def test_folders_say_what_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labelled = labelled_folder(celeba(tmp_path / "a", images="images"), ("Male", "Bald"))
    assert labelled.names == ("Male", "Bald") and not labelled.exclusive
    assert labelled.attributes[:, 0].tolist() == [0, 1] * 3 and not labelled.attributes[:, 1].any()
    recipe = build(table(), str(domains(tmp_path / "b")), CPU)
    network = recipe.settings.network
    assert network.attributes == ("blue", "red") and network.exclusive and network.critic
    batch = recipe.batch(torch.Generator().manual_seed(1))
    blue = batch.samples.image[:, 2] > batch.samples.image[:, 0]
    assert torch.equal(blue.all(dim=(1, 2)).float(), batch.samples.attributes[:, 0])
    assert sorted(batch.samples.wanted[:, 0].tolist()) == sorted(batch.samples.attributes[:, 0].tolist())
    (tmp_path / "b" / "red" / "broken.png").write_text("no picture")
    recipe = build(table(), str(tmp_path / "b"), CPU)
    generator = torch.Generator().manual_seed(1)
    for _ in range(12):
        recipe.batch(generator)
    assert "broken.png" in caplog.text and "skipped (1 so far)" in caplog.text
    (tmp_path / "a" / "images" / "000003.png").unlink()
    assert len(labelled_folder(tmp_path / "a", ("Male",)).paths) == 5 and "000003.png" in caplog.text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["6"], "begin with a count"),
        (["Bald Male", "a.png -1 1", "b.png 1 1"], "begin with a count"),
        (["1", "Bald Male", "000000.png -1 1"], "has no attributes Black_Hair.* it has: Bald, Male"),
        (["1", " ".join(CELEBA), "000000.png -1 1"], "line 3 .* 5 values"),
        (["1", " ".join(CELEBA), "000000.png -1 1 0 1 1"], "line 3 .* -1 or 1"),
        (["1", " ".join(CELEBA), "other.png -1 1 -1 1 1"], "none of the images"),
    ],
)
def test_a_bad_list_is_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        labelled_folder(celeba(tmp_path, lines), CELEBA)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no folder"):
        build(table(), str(tmp_path), CPU)
    picture(tmp_path / "images" / "a.png", (0, 0, 0))
    with pytest.raises(BadRequest, match=LIST):
        build(table(), str(tmp_path), CPU)
    (tmp_path / LIST).write_text("1\nMale\na.png 1\n")
    (tmp_path / "images" / "a.png").unlink()
    (tmp_path / "images").rmdir()
    with pytest.raises(BadRequest, match="img_align_celeba"):
        build(table(), str(tmp_path), CPU)
    picture(tmp_path / "one" / "red" / "a.png", (0, 0, 0))
    with pytest.raises(BadRequest, match="only the folder red"):
        build(table(), str(tmp_path / "one"), CPU)
    with pytest.raises(BadRequest, match="for drawn heads"):
        build(table(network=TINY | {"attributes": ["Male"]}), "synthetic", CPU)
    with pytest.raises(BadRequest, match="supervision"):
        build(table(truth_first=5), "synthetic", CPU)
    with pytest.raises(BadRequest, match="critic_steps"):
        build(table(critic_steps=0), "synthetic", CPU)


def test_supervision_fades() -> None:
    supervision = Supervision(truth=10.0, truth_changed=4.0, fades=100, floor=0.25)
    assert supervision.weights(0) == {"truth": 10.0, "truth_changed": 4.0}
    assert supervision.weights(100) == supervision.weights(500) == {"truth": 2.5, "truth_changed": 1.0}


@pytest.mark.parametrize("name", ["starter", "celeba-128", "celeba-256"])
def test_every_preset_fits_the_recipe(name: str) -> None:
    tables = read_preset("stargan", name)
    settings = configure(StarGanTraining, tables.recipe, "[recipe]")
    loop = configure(LoopConfig, tables.loop, "[loop]")
    assert settings.network.critic and (settings.critic_steps == 5) == (name != "starter")
    if name == "starter":
        parameters = sum(parameter.numel() for parameter in StarGan(settings.network).parameters())
        assert parameters * 2 < 12e6  # bytes in float16
    else:
        assert loop.rate(99_999) == 1 and loop.rate(150_000) == pytest.approx(0.5)
