"""The losses of StarGAN v2 against stored values of the paper's own training code, at its full size.

A step takes 20 s on one core. Gradients are compared for styles from latents with masks (CelebA-HQ), losses alone for
styles from references without masks (AFHQ). The other two pairs meet no code that these do not; GOLDENS=all runs them.
"""

import os

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deepfake_core.networks.starganv2 import Discriminator, StarGanV2, StarGanV2Config
from tests.golden_weights import DATA
from tests.starganv2_goldens import AFHQ, CELEBA, Stored, discriminator, fan, latents, pictures, starganv2
from train.loop.recipe import weighted_sum
from train.recipes.starganv2.losses import (
    Pictures,
    Synthesized,
    Target,
    discriminator_terms,
    from_latents,
    from_references,
    generator_terms,
    r1_penalty,
    synthesize,
)

GENERATOR = {"adversarial": "adv", "style": "sty", "diversity": "ds", "cycle": "cyc"}
DISCRIMINATOR = {"real": "real", "made": "fake", "r1": "reg"}
thorough = pytest.mark.skipif(os.environ.get("GOLDENS") != "all", reason="GOLDENS=all compares this one too")


def gradient_norm(network: nn.Module) -> float:
    gradients = [p.grad.norm() for p in network.parameters() if p.grad is not None]
    return float(torch.stack(gradients).norm()) if gradients else 0.0


def the_target(model: StarGanV2, variant: str) -> Target:
    domain = torch.tensor([1, 0])
    if variant == "latent":
        return from_latents(model, domain, latents(55), latents(56))
    return from_references(model, domain, pictures("smooth", 9), pictures("smooth", 11))


def compare(golden: np.lib.npyio.NpzFile, name: str, value: float, tolerance: float) -> None:
    exact = f"{name}.float64run"  # free of rounding, where it is stored
    assert value == pytest.approx(float(golden[exact if exact in golden.files else name]), rel=tolerance, abs=1e-9), (
        name
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stored", "name", "variant", "gradients"),
    [
        pytest.param(CELEBA, "celeba_hq", "latent", True, id="celeba_hq-latent"),
        pytest.param(AFHQ, "afhq", "ref", False, id="afhq-ref"),
        pytest.param(CELEBA, "celeba_hq", "ref", True, marks=thorough, id="celeba_hq-ref"),
        pytest.param(AFHQ, "afhq", "latent", True, marks=thorough, id="afhq-latent"),
        pytest.param(AFHQ, "afhq", "ref", True, marks=thorough, id="afhq-ref-gradients"),
    ],
)
def test_one_step(stored: Stored, name: str, variant: str, gradients: bool) -> None:
    golden = np.load(DATA / "starganv2_train.golden.npz")
    model, judge = starganv2(stored, lively=True), discriminator(stored, lively=True).requires_grad_(False)
    image, domain = pictures("smooth"), torch.tensor([0, 1] if stored is CELEBA else [0, 2])
    find_masks = fan(lively=True).masks if stored is CELEBA else None
    with torch.no_grad():
        source = Pictures(image, domain, find_masks(image) if find_masks else None)
    weights = {"adversarial": 1.0, "style": 1.0, "diversity": -1.0 if stored is CELEBA else -2.0, "cycle": 1.0}
    with torch.set_grad_enabled(gradients):
        target = the_target(model, variant)
        seen = synthesize(model, source, target, find_masks)
        terms = generator_terms(judge, seen, source, target)
    total = weighted_sum(terms, weights)
    for term, key in GENERATOR.items():
        compare(golden, f"{name}.{variant}.G.{key}", terms[term].item(), 1e-3)
    compare(golden, f"{name}.{variant}.G.total", total.item(), 1e-3)
    if gradients:
        total.backward()
        parts = {"generator": model.generator, "mapping_network": model.mapping, "style_encoder": model.style_encoder}
        for key, part in parts.items():
            compare(golden, f"{name}.{variant}.G.gradnorm.{key}", gradient_norm(part), 1e-2)
    judged = compare_discriminator(golden, f"{name}.{variant}.D", judge, source, seen, target)
    if gradients:
        judged.backward()
        compare(golden, f"{name}.{variant}.D.gradnorm", gradient_norm(judge), 1e-2)


def compare_discriminator(
    golden: np.lib.npyio.NpzFile, name: str, judge: Discriminator, source: Pictures, seen: Synthesized, target: Target
) -> Tensor:
    """The discriminator's total; it judges what the generator's phase made, as no network has moved since."""
    judge.requires_grad_(True)
    terms = discriminator_terms(judge, source, seen.generated, target.domain)
    for term, key in DISCRIMINATOR.items():
        compare(golden, f"{name}.{key}", terms[term].item(), 1e-3)
    total = weighted_sum(terms, dict.fromkeys(terms, 1.0))
    compare(golden, f"{name}.total", total.item(), 1e-3)
    return total


SMALL = StarGanV2Config(size=64, base=4, widest=16, mapping_hidden=16, high_pass=0.0)


def small_batch(rng: torch.Generator) -> tuple[StarGanV2, Discriminator, Pictures]:
    image = torch.rand(2, 3, 64, 64, generator=rng) * 2 - 1
    return StarGanV2(SMALL), Discriminator(SMALL), Pictures(image, torch.tensor([0, 1]))


def moved(network: nn.Module) -> bool:
    return any(p.grad is not None and bool(p.grad.any()) for p in network.parameters())


def test_only_the_chosen_source_of_styles_learns_the_style(rng: torch.Generator) -> None:
    model, _, source = small_batch(rng)
    first, second = torch.randn(2, 2, 16, generator=rng)
    target = from_latents(model, source.domain, first, second)
    target.style.sum().backward()
    assert moved(model.mapping) and not moved(model.style_encoder)
    model.zero_grad()
    from_references(model, source.domain, source.image, source.image).style.sum().backward()
    assert moved(model.style_encoder) and not moved(model.mapping)


def test_equal_styles_have_no_diversity_and_a_perfect_rebuilding_no_cycle(rng: torch.Generator) -> None:
    model, judge, source = small_batch(rng)
    latent = torch.randn(2, 16, generator=rng)
    target = from_latents(model, source.domain, latent, latent)
    seen = synthesize(model, source, target)._replace(rebuilt=source.image, style=target.style)
    terms = generator_terms(judge, seen, source, target)
    assert terms["diversity"] < 1e-5 and terms["cycle"] == 0 and terms["style"] == 0
    assert not target.second.requires_grad and not seen.other.requires_grad


def test_the_discriminator_teaches_no_generator(rng: torch.Generator) -> None:
    model, judge, source = small_batch(rng)
    target = from_references(model, source.domain.flip(0), source.image.flip(0), source.image.flip(0))
    seen = synthesize(model, source, target)
    torch.stack(list(discriminator_terms(judge, source, seen.generated, target.domain).values())).sum().backward()
    assert moved(judge) and not moved(model)


def test_r1_of_a_linear_score_is_half_its_squared_slope() -> None:
    slope = torch.linspace(-1, 1, 3 * 4 * 4).view(3, 4, 4)
    image = torch.rand(5, 3, 4, 4, requires_grad=True)
    scores: Tensor = (image * slope).sum(dim=(1, 2, 3))
    torch.testing.assert_close(r1_penalty(scores, image), 0.5 * slope.square().sum())
