"""The StarGAN v2 recipe: drawn blocks and their truth, folders, styles for latents, and runs from the command line."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.hub.store import load
from deepfake_core.networks.starganv2 import StarGanV2, StarGanV2Config
from tests.train.conftest import tensors
from train.__main__ import load_initial_weights, main
from train.common.augment import augmented
from train.loop.checkpoint import read_checkpoint
from train.loop.config import LoopConfig
from train.loop.presets import configure, read_preset
from train.loop.step import run_phase
from train.recipes.cyclegan.recipe import build as build_cyclegan
from train.recipes.starganv2.config import StarGanV2Training
from train.recipes.starganv2.data import DrawnData, DrawnSet, FolderData
from train.recipes.starganv2.domain_classifier import DomainClassifier, classifier_terms
from train.recipes.starganv2.recipe import build
from train.recipes.starganv2.supervision import StyleMemory, colour_difference, energy_distance

pytestmark = pytest.mark.usefixtures("without_tensorboard")
CPU = torch.device("cpu")
NETWORK = {
    "size": 64, "base": 4, "widest": 8, "style": 6, "mapping_hidden": 12,
    "high_pass": 0.0, "blend": True, "skips": True,
}  # fmt: skip
SUPERVISION = {"truth": 5.0, "features": 2.0, "styles": 1.0}
PRESET = """
[recipe]
world = "{world}"
batch = 2
learning_rate = 1e-3
drawn = {{ blocks = 1, looks = 1, states = 2 }}
supervision = {{ truth = 5.0, features = 2.0, styles = 1.0, truth_first = 1, every = 2 }}
network = {{ size = 64, base = 4, widest = 8, style = 6, mapping_hidden = 12, high_pass = 0.0, blend = true }}
[loop]
steps = 3
log_every = 2
samples_every = 0
save_every = 0
"""


def table(**changes: Any) -> dict[str, Any]:
    few = {"blocks": 1, "looks": 2, "states": 2}
    return {"network": NETWORK, "batch": 4, "drawn": few, "learning_rate": 2e-3, "mapping_rate": 2e-3, **changes}


def train(preset: Path, out: Path, *more: str) -> int:
    return main(["starganv2", "--preset", str(preset), "--out", str(out), "--device", "cpu", *more])


def domains_of(out: Path) -> tuple[str, ...]:
    """The domains of the weights that a run wrote."""
    loaded = load(out / "weights.safetensors", "starganv2")
    assert isinstance(loaded.network, StarGanV2) and loaded.metadata["training"]
    return loaded.network.config.domains


@pytest.fixture
def preset(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(PRESET.format(world="heads"))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three domains of different sizes, each of its own brightness; one file is no picture."""
    for brightness, (name, count) in enumerate({"apple": 1, "pear": 3, "plum": 2}.items()):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(count):
            picture = np.full((70, 80, 3), 100 * brightness, np.uint8)
            Image.fromarray(picture).save(tmp_path / "photos" / name / f"{index}.png")
    (tmp_path / "photos" / "pear" / "broken.png").write_text("no picture")
    return tmp_path / "photos"


@pytest.mark.parametrize("world", ["heads", "animals"])
def test_blocks_hold_the_truth(world: str, rng: torch.Generator) -> None:
    """Within a state the background is everybody's, and what changes with looks lies around the middle."""
    data = DrawnData(world, 64, DrawnSet(blocks=1, looks=2, states=2), CPU)
    pictures = data.blocks[0].float() / 255
    assert len(pictures) == 2 * len(data.domains)
    corner = pictures[..., :4, :4]
    looks, scenes = (corner[1:] - corner[:-1]).abs().mean(), (corner[:, 0] - corner[:, 1]).abs().mean()
    assert looks < 0.02 < scenes
    samples = data.sample(12, rng)
    assert samples.truth is not None
    for source, truth in zip(samples.source, samples.truth, strict=True):
        torch.testing.assert_close(source[:, :2, :2], truth[:, :2, :2], atol=0.05, rtol=0.0)
    itself = torch.tensor([torch.equal(*pair) for pair in zip(samples.source, samples.truth, strict=True)])
    shown, coats = pictures.flatten(0, 1) * 2 - 1, data.coats.flatten(0, 2)
    assert samples.coat is not None and 0.02 < coats.float().mean() < 0.6
    for truth, coat in zip(samples.truth, samples.coat, strict=True):
        turned = [(shown - each).abs().mean(dim=(1, 2, 3)) for each in (truth, truth.flip(-1))]
        assert torch.equal(
            coat, coats[turned[0].argmin()] if turned[0].min() == 0 else coats[turned[1].argmin()].flip(-1)
        )
    assert 0 < itself.sum() < 12  # some references show the source's own looks, most do not


def test_folders_are_sampled_in_balance(photos: Path, rng: torch.Generator, caplog: pytest.LogCaptureFixture) -> None:
    """The smallest domain comes as often as the largest, and every picture is of its domain."""
    data = FolderData(photos, 64)
    assert data.domains == ("apple", "pear", "plum")
    samples = data.sample(300, rng)
    assert samples.truth is None and torch.bincount(samples.domain).min() > 75
    for image, domain in ((samples.source, samples.source_domain), (samples.second, samples.domain)):
        torch.testing.assert_close(image.mean((1, 2, 3)), domain.float() * 100 / 127.5 - 1)
    assert "broken.png" in caplog.text


def test_phases_move_what_the_paper_says(preset: Path) -> None:
    """Mapping network and style encoder learn from latents alone; the generator in both of its phases."""
    recipe = build(table(), "synthetic", CPU)
    batch, networks = recipe.batch(torch.Generator().manual_seed(0)), recipe.networks
    parts = {**dict(networks["starganv2"].named_children()), "discriminator": networks["discriminator"]}
    moved = {}
    for phase in recipe.phases:
        before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
        result = run_phase(phase, batch, 0, networks, "float32")
        assert result.finite
        moved[phase.name] = {
            name
            for name, part in parts.items()
            if any(not torch.equal(now, then) for now, then in zip(part.parameters(), before[name], strict=True))
        }
    assert moved == {
        "discriminator_latent": {"discriminator"},
        "discriminator_reference": {"discriminator"},
        "generator_latent": {"generator", "mapping", "style_encoder"},
        "generator_reference": {"generator"},
    }


@pytest.mark.slow
def test_supervision_teaches_the_truth() -> None:
    """On one batch, some steps with the truth alone come far nearer to it than the source is."""
    settings = table(supervision=SUPERVISION | {"truth_first": 1000}, learning_rate=5e-3, betas=[0.9, 0.99])
    torch.manual_seed(0)
    recipe = build(settings, "synthetic", CPU)
    batch = recipe.batch(torch.Generator().manual_seed(3))
    phase = recipe.phases[0]
    assert batch.samples.truth is not None and [phase.active(0) for phase in recipe.phases] == [True] * 2 + [False] * 4
    copied = float((batch.samples.source - batch.samples.truth).abs().mean())
    for step in range(90):
        result = run_phase(phase, batch, step, recipe.networks, "float32")
    assert result.terms["truth/truth"] < 0.75 * copied


def test_a_patch_discriminator_learns_from_the_results_of_the_truth_phase(tmp_path: Path, preset: Path) -> None:
    """Its terms join those of the truth, it is trained in a phase of its own, and the checkpoint holds it."""
    patches = "patch_discriminator = { adversarial = 0.06, base = 2 }"
    preset.write_text(PRESET.format(world="heads").replace("[loop]", f"{patches}\n[loop]"))
    assert train(preset, tmp_path / "out", "--steps", "2") == 0
    header = (tmp_path / "out" / "log.csv").read_text().splitlines()[0].split(",")
    logged = {"truth/patch_adversarial", "truth/patch_features", "patch_discriminator/made_taken_for_real"}
    assert logged <= set(header)
    saved = read_checkpoint(tmp_path / "out" / "checkpoint.pt")
    assert any(name.startswith("patch_discriminator.patches.1.") for name in saved["networks"])
    loaded = load(tmp_path / "out" / "weights.safetensors", "starganv2")
    assert '"adversarial": 0.06' in loaded.metadata["recipe"]
    with pytest.raises(BadRequest, match=r"requires supervision\.truth"):
        build(table(patch_discriminator={"adversarial": 0.06}), "synthetic", CPU)


def test_latents_and_references_alternate_and_r1_is_lazy() -> None:
    settings = configure(
        StarGanV2Training,
        {"alternate": True, "r1": 0.5, "r1_every": 2, "supervision": {"truth": 1.0, "truth_first": 10, "every": 2}},
        "[recipe]",
    )
    of = {kind: [step for step in range(20) if settings.published(step, kind)] for kind in ("latent", "reference")}
    assert of == {"latent": [10, 14, 18], "reference": [12, 16]}
    assert [settings.discriminator(step).get("r1") for step in (10, 12, 14, 16, 18)] == [1.0, 1.0, None, None, 1.0]
    plain = StarGanV2Training()
    assert plain.published(0, "latent") and plain.published(0, "reference")
    assert all(plain.discriminator(step) == {"real": 1.0, "made": 1.0, "r1": 1.0} for step in range(3))


@pytest.mark.slow
def test_supervision_hears_the_colour_of_hair() -> None:
    recipe = build(table(supervision=SUPERVISION | {"colours": 1.0, "truth_first": 1000}), "synthetic", CPU)
    batch, model, phase = recipe.batch(torch.Generator().manual_seed(3)), recipe.networks["starganv2"], recipe.phases[0]
    source, reference, domain, truth, coat = (
        getattr(batch.samples, name) for name in ("source", "reference", "domain", "truth", "coat")
    )
    assert isinstance(model, StarGanV2)
    with torch.no_grad():
        made = model.generator(source, model.style_encoder(reference, domain), None)
    names = phase.losses(batch, 0)[0]["colours"].detach()
    assert phase.weights(0)["colours"] == 1.0 and names > 0
    torch.testing.assert_close(names, colour_difference(made, truth, coat))


def test_half_of_the_blocks_hold_twins_who_differ_in_sex_alone() -> None:
    """So that the domain classifier and the styles do not rely on typical hairstyles."""
    data = DrawnData("heads", 64, DrawnSet(blocks=12, looks=1, states=1), CPU)
    apart = (data.blocks[:, 0, 0].float() - data.blocks[:, 1, 0].float()).abs().amax(dim=1) > 25
    shares = apart.float().mean(dim=(1, 2))
    assert 2 <= int((shares < 0.12).sum()) <= 10, "twins share hair and clothes"


@pytest.mark.slow
def test_the_domain_classifier_learns_domains() -> None:
    names = {"domain_features", "domain"}
    settings = table(supervision=SUPERVISION | dict.fromkeys(names, 1.0) | {"classifier_from": 2, "truth_first": 1000})
    torch.manual_seed(0)
    recipe = build(settings | {"world": "animals"}, "synthetic", CPU)
    batch = recipe.batch(torch.Generator().manual_seed(3))
    phases = {phase.name: phase for phase in recipe.phases if phase.active(0)}
    assert list(phases) == ["domain_classifier", "truth", "mapping"]
    for step, terms in ((1, {"truth", "features"}), (2, {"truth", "features"} | names)):
        assert set(phases["truth"].losses(batch, step)[0]) == set(phases["truth"].weights(step)) == terms
    for step in range(40):
        result = run_phase(phases["domain_classifier"], batch, step, recipe.networks, "float32")
    assert result.terms["domain_classifier/domain"] < 0.3
    domain_classifier, samples = recipe.networks["domain_classifier"], batch.samples
    assert isinstance(domain_classifier, DomainClassifier) and samples.truth is not None
    right = classifier_terms(domain_classifier, samples.truth, samples.truth, samples.domain)
    wrong = classifier_terms(domain_classifier, samples.truth, samples.truth, (samples.domain + 1) % 3)
    assert right["domain_features"] == 0 and right["domain"] < 0.3 < 1 < wrong["domain"]


def test_only_the_colour_of_hair_and_fur_counts(rng: torch.Generator) -> None:
    """Wherever within it: what is too dark here may be too light there."""
    truth, coat = torch.rand(3, 3, 20, 20, generator=rng), torch.zeros(3, 20, 20, dtype=torch.bool)
    coat[0, :5], coat[1, 5:9], coat[2, 0, 0] = True, True, True  # the third shows hardly any
    elsewhere = torch.where(coat[:, None], truth, 0.0)
    torch.testing.assert_close(colour_difference(elsewhere, truth, coat), torch.tensor(0.0))
    redder = truth + 0.3 * torch.tensor((1.0, 0.0, 0.0))[:, None, None] * coat[:, None]
    torch.testing.assert_close(colour_difference(redder, truth, coat), torch.tensor(0.1))
    assert colour_difference(truth.flip(-1), truth, coat) < 1e-6
    assert colour_difference(redder[2:], truth[2:], coat[2:]) == 0


def test_augmentation_uses_the_generator_only_and_is_small(rng: torch.Generator) -> None:
    image = torch.rand(4, 3, 128, 128, generator=rng) * 2 - 1
    smooth = torch.nn.functional.avg_pool2d(image, 31, stride=1, padding=15)
    one, same, other = (augmented(smooth, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert one.shape == smooth.shape and torch.equal(one, same) and not torch.equal(one, other)
    assert 0 < float((one - smooth).abs().mean()) < 0.15


@pytest.mark.slow
def test_latents_take_on_the_styles_that_are_read(rng: torch.Generator) -> None:
    """The mapping network learns each domain's own distribution of styles, without a picture."""
    config = StarGanV2Config(size=64, base=4, widest=4, style=3, mapping_hidden=32)
    torch.manual_seed(0)
    mapping, memory = StarGanV2(config).mapping, StyleMemory(2, 3, capacity=100)
    places = torch.tensor(((2.0, 0.0, 0.0), (-1.0, 1.0, 0.0)))
    for _ in range(60):
        domain = torch.randint(2, (8,), generator=rng)
        memory.keep(places[domain] + torch.randn(8, 3, generator=rng) * torch.tensor((0.2, 0.5, 0.0)), domain)
    optimizer = torch.optim.Adam(mapping.parameters(), lr=3e-3)
    for _ in range(300):
        distance = memory.distance(mapping, torch.randn(2, 64, config.latent, generator=rng))
        optimizer.zero_grad()
        distance.backward()
        optimizer.step()
    assert distance < 0.1
    styles = mapping(torch.randn(400, 16, generator=rng), torch.arange(400) % 2)
    for index in range(2):
        own = styles[index::2]
        torch.testing.assert_close(own.mean(0), memory.styles[index].mean(0), atol=0.15, rtol=0.0)
        torch.testing.assert_close(own.std(0), memory.styles[index].std(0), atol=0.15, rtol=0.0)


def test_energy_distance_is_zero_for_one_distribution(rng: torch.Generator) -> None:
    first, second = torch.randn(2, 500, 4, generator=rng)
    assert abs(energy_distance(first, second)) < 0.03
    torch.testing.assert_close(energy_distance(first, second + 100), torch.tensor(2 * 200.0), atol=8.0, rtol=0.0)


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


def test_what_makes_no_sense_is_refused(
    tmp_path: Path, preset: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def complaint(folder: Path) -> str:
        assert train(preset, tmp_path / "out", "--data", str(folder)) == 2
        return capsys.readouterr().err

    (tmp_path / "one" / "apple").mkdir(parents=True)
    assert "at least two" in complaint(tmp_path / "one")
    (tmp_path / "one" / "pear").mkdir()
    assert "there are no images in" in complaint(tmp_path / "one")
    for name in ("apple", "pear"):
        (tmp_path / "one" / name / "broken.png").write_text("no picture")
    assert "can be read" in complaint(tmp_path / "one")
    assert "no folder" in complaint(tmp_path / "nowhere")
    with pytest.raises(BadRequest, match="fan"):
        build(table(network={"size": 256}), "synthetic", CPU)
    with pytest.raises(BadRequest, match="256"):
        build(table(network=NETWORK | {"high_pass": 1.0}, fan="fan-wing"), "synthetic", CPU)
    with pytest.raises(BadRequest, match=r"supervision\.truth"):
        build(table(supervision={"domain_features": 1.0}), "synthetic", CPU)
    with pytest.raises(BadRequest, match="world"):
        build(table(world="cars"), "synthetic", CPU)


@pytest.mark.parametrize(
    "name", ["celeba-hq", "afhq", "starter-heads", "starter-animals", "starter-heads-gan", "starter-animals-gan"]
)
def test_every_preset_fits_the_recipe(name: str) -> None:
    tables = read_preset("starganv2", name)
    settings = configure(StarGanV2Training, tables.recipe, "[recipe]")
    assert bool(settings.supervision.truth) == name.startswith("starter") and bool(settings.fan) == (
        name == "celeba-hq"
    )
    assert settings.patch_discriminator.used == name.endswith("-gan")
    steps = configure(LoopConfig, tables.loop, "[loop]").steps
    assert steps > 500 and (not name.startswith("starter") or settings.supervision.truth_first == steps)
