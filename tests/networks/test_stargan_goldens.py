"""StarGAN's networks, losses and label targets against stored outputs of the authors' own code."""

import functools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from deepfake_core.errors import BadWeights
from deepfake_core.hub.key_maps import stargan_state
from deepfake_core.networks.stargan import CELEBA, CONFIGS, Discriminator, StarGan, StarGanConfig, flipped
from tests.golden_weights import DATA, smooth, weights
from tests.networks.test_fomm_goldens import check_against
from train.recipes.stargan.config import StarGanTraining
from train.recipes.stargan.losses import classification, critic_terms, generator_terms

TABLE = "stargan.keys.json"
LARGEST, MEAN = 1e-4, 1e-5  # differences allowed, from recipe.md
HERE = torch.tensor([[1.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0, 1.0]])
WANTED = torch.tensor([[0.0, 1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0, 0.0]])


@functools.cache  # a discriminator has 45 million numbers
def state(table: str, lively: bool = False) -> dict[str, Tensor]:
    return stargan_state(weights(TABLE, table, lively=lively))


def generator(running_statistics: bool = False) -> StarGan:
    model = StarGan(StarGanConfig(running_statistics=running_statistics))
    model.load_state_dict(state("G_c5"), strict=True)
    return model


def discriminator(table: str = "D_128_c5", lively: bool = False) -> Discriminator:
    network = Discriminator(StarGanConfig(size=256 if "256" in table else 128))
    own = {key.removeprefix("discriminator."): value for key, value in state(table, lively).items()}
    network.load_state_dict(own, strict=True)
    return network


def pictures(kind: str, shape: tuple[int, ...] = (2, 3, 128, 128)) -> Tensor:
    noise = np.random.default_rng(1234).uniform(-1, 1, shape)
    return torch.from_numpy(noise if kind == "noise" else np.stack([smooth(128, 7), smooth(128, 8)])).float()


@pytest.fixture(scope="module")
def golden() -> np.lib.npyio.NpzFile:
    return np.load(DATA / "stargan.golden.npz")


@pytest.mark.parametrize("kind", ["noise", "smooth"])
@torch.no_grad()
def test_each_picture_is_normalised_by_its_own_statistics_also_in_evaluation(golden, kind: str) -> None:
    model = generator().train()
    check_against(golden, f"G.train.{kind}", model(pictures(kind), HERE), LARGEST, MEAN)
    if kind == "smooth":  # one pass in training mode moved the running statistics by a tenth
        norm = model.generator.first.norm
        for name in ("running_mean", "running_var"):
            expected = golden[f"G.train.smooth.after.main.1.{name}"]
            np.testing.assert_allclose(getattr(norm, name).numpy(), expected, atol=1e-5)
    check_against(golden, f"G.train.{kind}", model.eval()(pictures(kind), HERE), LARGEST, MEAN)


@pytest.mark.parametrize("kind", ["noise", "smooth"])
@torch.no_grad()
def test_running_statistics_when_asked_for(golden, kind: str) -> None:
    model = generator(running_statistics=True).eval()
    check_against(golden, f"G.eval.{kind}", model(pictures(kind), HERE), LARGEST, MEAN)


@pytest.mark.parametrize(("name", "lively"), [("D", False), ("D_lively", True)])
@torch.no_grad()
def test_discriminator(golden, name: str, lively: bool) -> None:
    network = discriminator(lively=lively)
    for kind in ("noise", "smooth"):
        verdict = network(pictures(kind))
        np.testing.assert_allclose(verdict.scores.numpy(), golden[f"{name}.{kind}.src"], atol=1e-5)
        np.testing.assert_allclose(verdict.logits.numpy(), golden[f"{name}.{kind}.cls"], atol=1e-5)


@torch.no_grad()
def test_discriminator_at_256(golden) -> None:
    verdict = discriminator("D_256_c5")(pictures("noise", (1, 3, 256, 256)))
    np.testing.assert_allclose(verdict.scores.numpy(), golden["D256.noise.src"], atol=1e-5)
    np.testing.assert_allclose(verdict.logits.numpy(), golden["D256.noise.cls"], atol=1e-5)


def gradient_norm(loss: Tensor, network: torch.nn.Module) -> float:
    gradients = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)
    return float(torch.stack([gradient.norm() for gradient in gradients]).norm())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lively"), [("loss", False), ("loss_lively", True)])
def test_losses_and_their_gradients(golden, name: str, lively: bool) -> None:
    model, critic, real = generator().train(), discriminator(lively=lively), pictures("smooth")
    settings = StarGanTraining()
    share = torch.from_numpy(golden["loss.alpha"]).float()
    made = model(real, WANTED)
    judged = critic_terms(critic, real, HERE, made.detach(), share, exclusive=False)
    told = generator_terms(critic, real, made, WANTED, model(made, HERE), exclusive=False)
    for phase, network, terms, weighed, names in (
        ("D", critic, judged, settings.critic(), {"real": "loss_real", "made": "loss_fake", "classes": "loss_cls",
                                                  "gradient_penalty": "loss_gp"}),
        ("G", model, told, settings.generator(), {"adversarial": "loss_fake", "classes": "loss_cls",
                                                  "reconstruction": "loss_rec"}),
    ):  # fmt: skip
        assert terms.keys() == names.keys() == weighed.keys()
        for term, stored in names.items():
            assert terms[term].item() == pytest.approx(float(golden[f"{name}.{phase}.{stored}"]), rel=1e-3), term
        total = torch.stack([weighed[term] * terms[term] for term in terms]).sum()
        assert total.item() == pytest.approx(float(golden[f"{name}.{phase}.loss"]), rel=1e-3)
        assert gradient_norm(total, network) == pytest.approx(float(golden[f"{name}.{phase}.gradnorm"]), rel=1e-2)
    logits = critic(real).logits
    domains = torch.eye(5)[[3, 1]]
    expected = float(golden[f"{name}.cls_RaFD"])
    assert classification(logits, domains, exclusive=True).item() == pytest.approx(expected, rel=1e-3)


def test_label_targets(golden) -> None:
    attributes = torch.from_numpy(golden["create_labels.in"])
    np.testing.assert_array_equal(flipped(attributes, CELEBA).numpy(), golden["create_labels.out"])


def test_files_of_older_versions_of_torch_load_as_well() -> None:
    old = {key: value for key, value in weights(TABLE, "G_c5").items() if not key.endswith("num_batches_tracked")}
    assert stargan_state(old).keys() == generator().state_dict().keys()


def test_generator_and_discriminator_fill_one_model() -> None:
    model = StarGan(StarGanConfig(critic=True))
    model.load_state_dict(state("G_c5") | state("D_128_c5"), strict=True)
    assert CONFIGS["stargan-celeba-256"].size == 256


def mirrored() -> dict[str, Any]:
    """Lornatang's copy of the generator, which counts the layers of each part anew."""
    parts = {"0": "first_layer.0", "1": "first_layer.1", "21": "last_layer.0"}
    parts |= {str(3 + i): f"down_sampling.{i}" for i in (0, 1, 3, 4)}
    parts |= {str(15 + i): f"up_sampling.{i}" for i in (0, 1, 3, 4)}
    parts |= {str(9 + i): f"trunk.{i}" for i in range(6)}
    authors = weights(TABLE, "G_c5").items()
    return {
        "epoch": 1,
        "state_dict": {f"{parts[key.split('.')[1]]}.{key.split('.', 2)[2]}": value for key, value in authors},
    }


def test_the_mirrors_names_are_the_same_network() -> None:
    expected, got = stargan_state(weights(TABLE, "G_c5")), stargan_state(mirrored())
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[key], got[key]) for key in expected)


def test_what_is_no_stargan_is_refused() -> None:
    with pytest.raises(BadWeights, match="dict of tensors"):
        stargan_state([1, 2])
    with pytest.raises(BadWeights, match="residual blocks"):
        stargan_state({"main.0.weight": torch.zeros(1)})
