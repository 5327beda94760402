"""The distance of random features: what any distance obeys, and that it sees what a difference of pixels does not."""

import pytest
import torch

from deepfake_core.metrics.perceptual import RandomFeatureDistance
from deepfake_core.synthetic.heads import draw, neutral_state, sample_identity


@pytest.fixture(scope="module")
def distance() -> RandomFeatureDistance:
    return RandomFeatureDistance()


@pytest.fixture(scope="module")
def heads() -> torch.Tensor:
    return draw(sample_identity(3, torch.Generator().manual_seed(0)), neutral_state(3), 32).image


def test_equal_pictures_are_0_apart_and_others_alike_both_ways(distance, heads) -> None:
    torch.testing.assert_close(distance(heads, heads), torch.zeros(3))
    there, back = distance(heads, heads.roll(1, 0)), distance(heads.roll(1, 0), heads)
    torch.testing.assert_close(there, back)
    assert (there > 0.01).all() and (there <= 2).all()


def test_more_of_a_change_is_farther(distance, heads) -> None:
    other = heads.roll(1, 0)
    steps = [distance(heads, torch.lerp(heads, other, share)) for share in (0.1, 0.3, 1.0)]
    assert (steps[0] < steps[1]).all() and (steps[1] < steps[2]).all()


def test_every_machine_has_the_same_features(distance, heads) -> None:
    torch.testing.assert_close(RandomFeatureDistance()(heads, heads.flip(-1)), distance(heads, heads.flip(-1)))


def test_texture_counts_more_than_a_shade(distance) -> None:
    """Two pictures equally far from grey in pixels: stripes look different, a slightly lighter grey hardly does."""
    grey = torch.full((1, 3, 64, 64), 0.5)
    stripes = grey + 0.1 * torch.where(torch.arange(64) % 4 < 2, 1.0, -1.0)
    assert distance(grey, stripes) > 2 * distance(grey, grey + 0.1)
