"""A GAN in the plane: its losses, what each lesson shows, and changes while it learns."""

import math
from dataclasses import replace

import pytest
import torch

from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.plane_gan.distributions import DISTRIBUTIONS, covered
from deepfake_core.pipelines.plane_gan.lessons import LESSONS
from deepfake_core.pipelines.plane_gan.snapshot import take
from deepfake_core.pipelines.plane_gan.training import Losses, PlaneGan, PlaneGanSettings, mode_seeking


def after(lesson: str, steps: int) -> PlaneGan:
    gan = PlaneGan(LESSONS[lesson].settings)
    for _ in range(steps):
        gan.step()
    return gan


@pytest.mark.parametrize(
    ("objective", "discriminator", "generator"),
    [
        ("log", 2 * math.log(2), math.log(2)),
        ("minimax", 2 * math.log(2), -math.log(2)),
        ("least_squares", 0.5, 0.5),
        ("wasserstein", 0.0, 0.0),
    ],
)
def test_the_losses_where_the_discriminator_cannot_tell(objective: str, discriminator: float, generator: float) -> None:
    """Logits of 0; the mean of the generator's and the real term is what the papers give."""
    losses, logits = Losses(objective), torch.zeros(8)  # type: ignore[arg-type]
    assert losses.discriminator(logits, logits).item() == pytest.approx(discriminator)
    assert losses.generator(logits).item() == pytest.approx(generator)


def test_the_saturating_loss_has_no_gradient_where_the_discriminator_is_sure() -> None:
    logits = torch.full((1,), -20.0, requires_grad=True)
    slopes = {
        name: torch.autograd.grad(Losses(name).generator(logits), logits)[0].item() for name in ("minimax", "log")
    }
    assert abs(slopes["minimax"]) < 1e-8
    assert slopes["log"] == pytest.approx(-1)


def test_mode_seeking_of_a_scaled_identity_is_the_inverse_of_its_scale() -> None:
    latents = torch.rand(64, 2)
    assert mode_seeking(latents, 0.5 * latents).item() == pytest.approx(2, rel=1e-3)


def test_the_same_settings_give_the_same_points() -> None:
    first, second = (take(after("balanced", 3)).made for _ in range(2))
    assert torch.equal(first, second)


def test_a_snapshot_changes_nothing() -> None:
    watched, alone = PlaneGan(PlaneGanSettings()), PlaneGan(PlaneGanSettings())
    for gan in (watched, alone):
        gan.step()
        if gan is watched:
            take(gan)
        gan.step()
    assert watched.history == alone.history


@pytest.mark.slow
def test_a_balanced_gan_covers_the_ring() -> None:
    gan = after("balanced", 1500)
    assert take(gan).modes == (8, 8)
    assert sum(gan.history["discriminator"][-50:]) / 50 == pytest.approx(2 * math.log(2), abs=0.08)


@pytest.mark.slow
def test_mode_collapse_and_its_cure() -> None:
    assert LESSONS["cure"].settings == replace(LESSONS["collapse"].settings, mode_seeking=0.1)
    counts: dict[str, list[int]] = {}
    for name in ("collapse", "cure"):
        gan, counts[name] = after(name, 2000), []
        for _ in range(10):
            for _ in range(100):
                gan.step()
            modes = take(gan).modes
            assert modes
            counts[name].append(modes[0])
    assert max(counts["collapse"]) <= 4
    assert max(counts["cure"]) == 8


def test_vanishing_gradients_and_the_loss_that_has_them_not() -> None:
    gan = after("vanishing", 40)
    before = take(gan)
    assert before.slope < 0.01
    gan.change(replace(gan.settings, objective="log"))
    for _ in range(40):
        gan.step()
    assert take(gan).slope > 1
    assert (take(gan).made - before.made).abs().mean() > 0.1


def test_rates_change_while_it_learns() -> None:
    gan = after("balanced", 1)
    gan.change(replace(gan.settings, generator_rate=1e-6, momentum=0.0, seed=99))
    before = take(gan).made
    gan.step()
    assert (take(gan).made - before).abs().max() < 1e-4
    assert gan.settings.seed == LESSONS["balanced"].settings.seed


@pytest.mark.parametrize(
    ("field", "value"),
    [("batch", 0), ("generator_rate", 5.0), ("discriminator_steps", 21), ("momentum", 1.0), ("distribution", "cube")],
)
def test_a_value_out_of_range_is_refused(field: str, value: object) -> None:
    with pytest.raises(BadRequest, match=field):
        PlaneGanSettings(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_distribution_lies_in_the_plane_that_is_shown(name: str) -> None:
    one = DISTRIBUTIONS[name]
    points = one.sample(2000, torch.Generator().manual_seed(1))
    assert points.abs().max() < 1.2
    if one.modes is not None:
        assert covered(points, one) == len(one.modes)
        assert covered(one.modes[:1].expand(100, 2), one) == 1
