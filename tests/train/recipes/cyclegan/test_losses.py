"""CycleGAN's losses and image pool against stored outputs of the authors' own code."""

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepfake_core.hub.key_maps import cyclegan_state, rename
from deepfake_core.networks.cyclegan import CycleGanConfig, Generator, PatchDiscriminator
from tests.golden_weights import CYCLEGAN_DISCRIMINATOR, DATA, smooth, weights
from train.common.adversarial import least_squares, log_likelihood
from train.loop.config import LoopConfig
from train.loop.recipe import Phase, weighted_sum
from train.loop.step import run_phase
from train.recipes.cyclegan.data import UnpairedImages
from train.recipes.cyclegan.image_pool import Exchange, ImagePool
from train.recipes.cyclegan.losses import Networks, Pair
from train.recipes.cyclegan.recipe import CycleBatch, CycleGanTraining, build_phases

TABLE = "cyclegan.keys.json"
NAMES = {  # the originals' names of our terms, and the lambdas that theirs contain
    "generator/adversarial_a2b": ("loss_G_A", 1.0),
    "generator/adversarial_b2a": ("loss_G_B", 1.0),
    "generator/cycle_a": ("loss_cycle_A", 10.0),
    "generator/cycle_b": ("loss_cycle_B", 10.0),
    "generator/identity_a2b": ("loss_idt_A", 5.0),
    "generator/identity_b2a": ("loss_idt_B", 5.0),
    "generator/total": ("loss_G", 1.0),
    "discriminator/adversarial_b": ("loss_D_A", 1.0),
    "discriminator/adversarial_a": ("loss_D_B", 1.0),
}
NEVER = Exchange(torch.zeros(1, dtype=torch.bool), torch.zeros(1, dtype=torch.int64))


@pytest.fixture(scope="module")
def golden() -> np.lib.npyio.NpzFile:
    return np.load(DATA / "cyclegan.golden.npz")


def originals() -> nn.ModuleDict:
    """Generators and discriminators with the stored runs' first weights; the original calls the judge of b D_A."""
    networks = nn.ModuleDict()
    for name, shift in (("a2b", 0), ("b2a", 1000)):
        networks[name] = Generator(CycleGanConfig())
        networks[name].load_state_dict(cyclegan_state(weights(TABLE, "G_resnet_9blocks", shift=shift)))
    for name, shift in (("a", 3000), ("b", 2000)):
        networks[name] = PatchDiscriminator()
        state = weights(TABLE, "D_basic_70x70", shift=shift)
        networks[name].load_state_dict(rename(state, CYCLEGAN_DISCRIMINATOR))
    return networks


def pictures(size: int) -> UnpairedImages:
    """Half noise, half waves."""
    rng = np.random.default_rng(1234)
    noise = [rng.uniform(-1, 1, (1, 3, size, size)) for _ in range(2)]
    a, b = (torch.from_numpy(0.5 * one + 0.5 * smooth(size, 7 + place)).float() for place, one in enumerate(noise))
    return UnpairedImages(Pair(a, b))


def phases_of(networks: nn.ModuleDict, size: int) -> tuple[nn.ModuleDict, tuple[Phase, ...]]:
    """The recipe's phases with the paper's settings; with the networks come the pools."""
    parts = Networks(*networks.values())
    both = nn.ModuleDict({**networks, "pool_a": ImagePool(50, 3, size), "pool_b": ImagePool(50, 3, size)})
    return both, build_phases(CycleGanTraining(), both, parts)


def training(networks: nn.ModuleDict, size: int) -> Iterator[dict[str, float]]:
    """Take steps of the recipe and yield each one's terms."""
    networks, phases = phases_of(networks, size)
    while True:
        batch = CycleBatch(pictures(size), (NEVER, NEVER))
        terms: dict[str, Tensor] = {}
        for phase in phases:
            result = run_phase(phase, batch, 0, networks, "float32")
            batch, terms = result.batch, terms | result.terms
        yield {name: float(term) for name, term in terms.items()}


def assert_terms(golden: np.lib.npyio.NpzFile, run: str, terms: dict[str, float], tolerance: float) -> None:
    for name, (original, weight) in NAMES.items():
        assert weight * terms[name] == pytest.approx(float(golden[f"{run}.{original}"]), rel=tolerance), name


def gradient_norm(network: nn.Module) -> float:
    return float(
        torch.stack([parameter.grad.norm() for parameter in network.parameters() if parameter.grad is not None]).norm()
    )


@pytest.mark.slow
def test_two_steps_at_128_pixels(golden: np.lib.npyio.NpzFile) -> None:
    networks = originals()
    steps = training(networks, 128)
    assert_terms(golden, "train128.step1", next(steps), 1e-3)
    for name, original in (("a2b", "G_A"), ("b2a", "G_B"), ("b", "D_A"), ("a", "D_B")):
        stored = f"train128.step1.gradnorm_{original}"
        assert gradient_norm(networks[name]) == pytest.approx(float(golden[stored]), rel=1e-2), name
        moved = sum(float(parameter.detach().double().abs().sum()) for parameter in networks[name].parameters())
        stored = f"train128.step1.param_abs_sum_after_{original}"
        assert moved == pytest.approx(float(golden[stored]), rel=2e-6), name
    assert_terms(golden, "train128.step2", next(steps), 1e-2)


@pytest.mark.slow
@torch.no_grad()
def test_one_step_at_256_pixels(golden: np.lib.npyio.NpzFile) -> None:
    """The terms of the stored first step; its gradients, and the second step, would take half a minute."""
    batch = CycleBatch(pictures(256), (NEVER, NEVER))
    terms: dict[str, float] = {}
    for phase in phases_of(originals(), 256)[1]:
        losses, batch = phase.losses(batch, 0)
        terms |= {f"{phase.name}/{name}": float(term) for name, term in losses.items()}
        terms[f"{phase.name}/total"] = float(weighted_sum(losses, phase.weights(0)))
    assert_terms(golden, "train256.step1", terms, 1e-3)


def test_adversarial_objectives(golden: np.lib.npyio.NpzFile) -> None:
    scores = torch.from_numpy(np.random.default_rng(3).standard_normal((2, 1, 30, 30))).float()
    for objective, name in ((least_squares, "lsgan"), (log_likelihood, "vanilla")):
        for wanted, kind in ((1.0, "real"), (0.0, "fake")):
            assert float(objective(scores, wanted)) == pytest.approx(float(golden[f"ganloss.{name}.{kind}"]), rel=1e-5)


def test_the_pool_shows_what_the_original_shows(golden: np.lib.npyio.NpzFile) -> None:
    """60 pictures through a pool of 5, with the decisions that Python's generator made for the original."""
    chance = random.Random(0)
    pool, shown = ImagePool(5, 1, 1), []
    for number in range(60):
        older = number >= 5 and chance.uniform(0, 1) > 0.5  # nothing is decided before the pool is full
        place = chance.randint(0, 4) if older else 0
        decisions = Exchange(torch.tensor([older]), torch.tensor([place]))
        shown.append(int(pool.exchange(torch.full((1, 1, 1, 1), float(number)), decisions)))
    assert shown == golden["imagepool.size5.seed0.inputs0to59.outputs"].tolist()


def test_the_pool_decides_by_its_generator(rng: torch.Generator) -> None:
    pool = ImagePool(50, 1, 1)
    older, place = pool.decide(4000, rng)
    assert abs(float(older.float().mean()) - 0.5) < 0.05
    assert place.unique().tolist() == list(range(50))
    images = torch.rand(3, 1, 1, 1, generator=rng)
    assert torch.equal(ImagePool(0, 1, 1).exchange(images, pool.decide(3, rng)), images)


def test_the_rate_falls_as_in_the_original(golden: np.lib.npyio.NpzFile) -> None:
    """100 epochs at the full rate, 100 in which it falls to zero; one step here is one of the original's epochs."""
    config = LoopConfig(steps=200, decay="linear", decay_from=99)
    rates = [2e-4 * config.rate(step) for step in range(200)]
    np.testing.assert_allclose(rates, golden["linear_lr_200_epochs"], atol=1e-12)
