"""Fine detail, grids and distances of distributions: what is known of drawings, blurred and patterned ones."""

import math

import pytest
import torch
import torch.nn.functional as F

from deepfake_core.metrics.detail import fine_detail, grid_peaks, laplacian
from deepfake_core.metrics.distribution import kernel_distance
from deepfake_core.synthetic.heads import draw, sample_identity, sample_state

COUNT, SIZE = 12, 64


@pytest.fixture(scope="module")
def drawings() -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return draw(sample_identity(2 * COUNT, generator), sample_state(2 * COUNT, generator), SIZE).image


def blurred(image: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)


def test_the_laplacian_of_a_slope_is_zero_and_of_a_dot_is_known() -> None:
    slope = torch.linspace(0, 1, 9).expand(1, 3, 9, 9)
    torch.testing.assert_close(laplacian(slope), torch.zeros(1, 9, 9), atol=1e-6, rtol=0.0)
    dot = torch.zeros(1, 3, 9, 9)
    dot[..., 4, 4] = 1
    found = laplacian(dot)[0]
    assert found[3:6, 3:6].tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]


def test_the_truth_has_all_detail_and_a_blurred_one_less(drawings: torch.Tensor) -> None:
    truth, source = drawings[:COUNT], drawings[COUNT:]
    assert fine_detail(truth, truth, source) == 1
    assert fine_detail(blurred(truth), truth, source) < 0.7


def test_detail_outside_of_what_changes_does_not_count(drawings: torch.Tensor) -> None:
    truth, source = drawings[:COUNT], drawings[:COUNT].clone()
    source[:, :, 20:40] = 1 - source[:, :, 20:40]
    made = blurred(truth)
    made[:, :, 15:45] = truth[:, :, 15:45]
    assert fine_detail(made, truth, source) == 1
    assert math.isnan(fine_detail(truth, truth, truth))


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_is_found_at_its_period_in_either_direction(drawings: torch.Tensor, period: int) -> None:
    plain, place = grid_peaks(drawings), (2, 4, 8).index(period)
    lines = (torch.arange(SIZE) % period == 0).float() * 0.1
    for grid in (lines, lines[:, None]):
        assert grid_peaks(drawings + grid)[place] > 3 * plain[place]
    sharper = torch.where(lines > 0, drawings, blurred(drawings))
    assert grid_peaks(sharper)[place] > 3 * plain[place]


def test_equal_sets_are_0_apart_halves_of_one_world_nearer_than_blurred_ones(drawings: torch.Tensor) -> None:
    first, second = drawings[:COUNT], drawings[COUNT:]
    assert kernel_distance(first, first) == pytest.approx(0, abs=1e-9)
    assert kernel_distance(blurred(first), first) > abs(kernel_distance(first, second))
    near, far = (kernel_distance(first * gain, first) for gain in (0.9, 0.5))
    assert 0 < near < far


def test_a_feature_that_no_real_image_shows_does_not_outweigh_all_others() -> None:
    plain = torch.rand(8, 3, 1, 1, generator=torch.Generator().manual_seed(1)).expand(8, 3, 32, 32) * 0.2
    made = plain.clone()
    made[0, 0], made[1, 2] = 1 - made[0, 0], 1 - made[1, 2]
    assert abs(kernel_distance(made, plain)) < 1e6


def test_sets_of_different_sizes_are_refused(drawings: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="got 3 and 2"):
        kernel_distance(drawings[:3], drawings[:2])
    with pytest.raises(ValueError, match="at least 2"):
        kernel_distance(drawings[:1], drawings[:1])
