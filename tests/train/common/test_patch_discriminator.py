"""The conditional patch discriminator: what it is shown, what its terms are, and that it tells soft from sharp."""

import pytest
import torch
import torch.nn.functional as F

from deepfake_core.errors import BadRequest
from train.common.adversarial import hinge
from train.common.patch_discriminator import (
    DISCRIMINATOR_WEIGHTS,
    Compared,
    ConditionalPatchDiscriminator,
    PatchDiscriminatorConfig,
    patch_discriminator_terms,
    patch_generator_terms,
)
from train.loop.recipe import weighted_sum

CONFIG = PatchDiscriminatorConfig(adversarial=0.06, base=4, learning_rate=5e-3)


@pytest.fixture
def discriminator() -> ConditionalPatchDiscriminator:
    torch.manual_seed(0)
    return ConditionalPatchDiscriminator(CONFIG, domains=2)


@pytest.fixture
def images(rng: torch.Generator) -> Compared:
    """Sharp noise as truths, blurred as results."""
    truth, source = torch.rand(2, 6, 3, 64, 64, generator=rng) * 2 - 1
    return Compared(F.avg_pool2d(truth, 5, stride=1, padding=2), truth, source, torch.arange(6) % 2)


def test_the_hinge_ends_at_the_target() -> None:
    scores = torch.tensor((-3.0, 0.0, 3.0))
    assert hinge(scores, 1.0) == pytest.approx((4 + 1 + 0) / 3)
    assert hinge(scores, -1.0) == pytest.approx((0 + 1 + 4) / 3)


def test_scores_are_of_patches_at_two_scales_and_depend_on_image_source_and_domain(discriminator, images) -> None:
    discriminator.eval()
    fine, coarse = discriminator(images.truth, images.source, images.domain)
    assert fine.scores.shape == (6, 8, 8) and coarse.scores.shape == (6, 4, 4)
    for other in (
        (images.generated, images.source, images.domain),
        (images.truth, images.generated, images.domain),
        (images.truth, images.source, 1 - images.domain),
    ):
        assert not torch.equal(discriminator(*other)[0].scores, fine.scores)
    damaged = images.truth.clone()
    damaged[:, :, :8, :8] = 1
    changed = discriminator(damaged, images.source, images.domain)[0].scores != fine.scores
    assert changed[:, 0, 0].all() and not changed[:, -1, -1].any(), "a score is of a patch"


def test_the_generator_is_rewarded_for_high_scores_and_matching_features(discriminator, images) -> None:
    discriminator.eval()
    same = patch_generator_terms(discriminator, images._replace(generated=images.truth))
    terms = patch_generator_terms(discriminator, images)
    assert same["patch_features"] == 0 < terms["patch_features"]
    scores = [scale.scores.mean() for scale in discriminator(images.generated, images.source, images.domain)]
    torch.testing.assert_close(terms["patch_adversarial"], -(scores[0] + scores[1]) / 2)
    assert terms.keys() == CONFIG.generator().keys()


def test_no_gradient_of_the_discriminator_reaches_the_generator(discriminator, images) -> None:
    generated = images.generated.requires_grad_()
    terms = patch_discriminator_terms(discriminator, images._replace(generated=generated))
    (terms["real"] + terms["made"]).backward()
    assert generated.grad is None


def test_it_learns_to_tell_soft_from_sharp_and_says_how_often(discriminator, images) -> None:
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3)
    for _ in range(30):
        terms = patch_discriminator_terms(discriminator, images)
        optimizer.zero_grad()
        weighted_sum(terms, DISCRIMINATOR_WEIGHTS).backward()
        optimizer.step()
    assert terms["real_taken_for_real"] > 0.95 and terms["made_taken_for_real"] < 0.05
    assert terms["real"] + terms["made"] < 1


def test_options_out_of_range_are_refused() -> None:
    assert not PatchDiscriminatorConfig().used and PatchDiscriminatorConfig().generator() == {}
    with pytest.raises(BadRequest, match="scales must be at least 1, got 0"):
        PatchDiscriminatorConfig(scales=0)
    with pytest.raises(BadRequest, match="got -1"):
        PatchDiscriminatorConfig(adversarial=-1.0)
