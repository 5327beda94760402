"""The StarGAN v2 recipe: its phases, its presets, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import torch

from deepfake_core.errors import BadRequest
from deepfake_core.hub.store import load
from deepfake_core.networks.starganv2 import StarGanV2
from tests.train.recipes.starganv2.conftest import PRESET, train
from train.loop.checkpoint import read_checkpoint
from train.loop.config import LoopConfig
from train.loop.presets import configure, read_preset
from train.loop.step import run_phase
from train.recipes.starganv2.config import StarGanV2Training
from train.recipes.starganv2.domain_classifier import DomainClassifier, classifier_terms
from train.recipes.starganv2.recipe import build
from train.recipes.starganv2.supervision import colour_difference

pytestmark = pytest.mark.usefixtures("without_tensorboard")
CPU = torch.device("cpu")
NETWORK = {
    "size": 64, "base": 4, "widest": 8, "style": 6, "mapping_hidden": 12,
    "high_pass": 0.0, "blend": True, "skips": True,
}  # fmt: skip
SUPERVISION = {"truth": 5.0, "features": 2.0, "styles": 1.0}


def table(**changes: Any) -> dict[str, Any]:
    few = {"blocks": 1, "looks": 2, "states": 2}
    return {"network": NETWORK, "batch": 4, "drawn": few, "learning_rate": 2e-3, "mapping_rate": 2e-3, **changes}


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


@pytest.mark.slow
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
