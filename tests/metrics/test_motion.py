"""Laws of the motion measures."""

import torch
from torch.testing import assert_close

from deepfake_core.metrics import average_keypoint_distance, temporal_difference


def test_keypoint_distance_is_that_of_a_shift(rng: torch.Generator) -> None:
    truth = torch.rand(4, 10, 2, generator=rng)
    assert_close(average_keypoint_distance(truth, truth), torch.zeros(4))
    assert_close(average_keypoint_distance(truth + torch.tensor([0.3, -0.4]), truth), torch.full((4,), 0.5))


def test_keypoint_distance_is_symmetric_and_grows(rng: torch.Generator) -> None:
    truth, noise = torch.rand(4, 10, 2, generator=rng), torch.randn(4, 10, 2, generator=rng)
    assert_close(average_keypoint_distance(truth, truth + noise), average_keypoint_distance(truth + noise, truth))
    distances = torch.stack([average_keypoint_distance(truth + level * noise, truth) for level in (0.1, 0.2, 0.4)])
    assert_close(distances, distances[:1] * torch.tensor([[1.0], [2.0], [4.0]]))


def test_still_clip_has_no_temporal_difference(rng: torch.Generator) -> None:
    still = torch.rand(1, 3, 8, 8, generator=rng).expand(5, -1, -1, -1)
    assert_close(temporal_difference(still), torch.zeros(4))


def test_fading_clip_has_a_known_one() -> None:
    fading = torch.tensor([0.0, 0.1, 0.3, 0.2]).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    assert_close(temporal_difference(fading), torch.tensor([0.1, 0.2, 0.1]))
