"""The flow between two states of a puppet is the truth of its motion."""

import pytest
import torch.nn.functional as F

from deepfake_core.networks.layers import warp
from deepfake_core.synthetic.photos.portrait import Portrait
from deepfake_core.synthetic.photos.puppet import Puppet, flow
from tests.synthetic.photos.portraits import PIXEL, mean_where


@pytest.mark.parametrize("back", [False, True])
def test_the_flow_carries_pixels_to_where_they_are_rendered(
    portrait: Portrait, still: Puppet, turned: Puppet, back: bool
) -> None:
    here, there = (turned, still) if back else (still, turned)
    grid, shown = flow(portrait, here, there, 256)
    still_error = mean_where(there.image - here.image, shown)
    assert (mean_where(warp(there.image, grid) - here.image, shown) < 0.25 * still_error).all()
    assert 0.5 < shown.float().mean() < 0.97


def test_a_small_flow_is_the_large_one_seen_from_afar(portrait: Portrait, still: Puppet, turned: Puppet) -> None:
    large, _ = flow(portrait, turned, still, 256)
    small, shown = flow(portrait, turned, still, 64)
    there = F.interpolate(large.permute(0, 3, 1, 2), size=(64, 64), mode="bilinear", align_corners=True)
    gap = (small - there.permute(0, 2, 3, 1)).norm(dim=-1)[shown]
    assert gap.median() < 0.25 * PIXEL


def test_what_a_turn_hides_is_not_visible(portrait: Portrait, still: Puppet, turned: Puppet) -> None:
    grid, shown = flow(portrait, still, turned, 256)
    background = ~still.trace.hit
    covered = F.grid_sample(turned.trace.hit[:, None].float(), grid, mode="nearest", align_corners=True)[:, 0] > 0.5
    assert (background & covered).sum() > 300
    hidden = background & covered
    assert (shown & hidden).sum() < 0.01 * hidden.sum()  # but what rounds to the next pixel
    assert not shown[(grid.abs() > 1).any(-1)].any()
