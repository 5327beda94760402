"""Losses by the drawn truth: colours of hair and fur, and styles for latents."""

import pytest
import torch

from deepfake_core.metrics.distribution import energy_distance
from deepfake_core.networks.starganv2 import StarGanV2, StarGanV2Config
from train.recipes.starganv2.supervision import StyleMemory, changed_region, colour_difference, mask_difference


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


def test_a_mask_is_wanted_where_the_truth_differs_from_the_source(rng: torch.Generator) -> None:
    """A pixel counts as different from four of 255 levels on, in any channel."""
    source = torch.rand(2, 3, 8, 8, generator=rng)
    truth = source.clone()
    truth[:, 1, :2] += 0.04
    truth[:, :, 4] += 0.02
    wanted = torch.full((2, 1, 8, 8), -20.0)
    wanted[:, :, :2] = 20.0
    assert mask_difference(wanted, source, truth) < 1e-6
    torch.testing.assert_close(mask_difference(-wanted, source, truth), torch.tensor(20.0))
    torch.testing.assert_close(mask_difference(wanted * 0, source, truth), torch.tensor(2.0).log())


def test_narrow_gaps_between_changed_pixels_are_changed_as_well() -> None:
    """Gaps of up to eight pixels; the outline stays where it is, but for gaps of half that at the edge."""
    source = torch.zeros(1, 3, 40, 40)
    truth = source.clone()
    truth[..., 5:10] = truth[..., 18:30] = 1.0  # a gap of 8 columns, and 10 at the end
    region = changed_region(source, truth)[0, 0]
    assert region[:, 5:30].all() and not region[:, :5].any() and not region[:, 30:].any()
    truth[..., 18] = 0.0
    assert not changed_region(source, truth)[0, 0, :, 10:19].any()


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
