"""The flow between two states is what the pictures show."""

import torch
from torch.nn.functional import grid_sample

from deepfake_core.synthetic.heads import (
    LANDMARKS,
    HeadIdentity,
    HeadState,
    draw,
    flow,
    sample_state,
)
from tests.synthetic.heads.people import COUNT, SIZE, dressed, moved

FACE = LANDMARKS.index("forehead") + 1  # the landmarks on the face come first


def test_flow_takes_one_state_back_to_the_other(people: HeadIdentity, states: HeadState) -> None:
    there = sample_state(COUNT, torch.Generator().manual_seed(9))
    a, b = draw(people, states, 128).image, draw(people, there, 128).image
    grid, valid = flow(people, states, there, 128)
    warped = grid_sample(b, grid, align_corners=True)  # grid spans pixel centres
    error, still = ((picture - a).abs().mean(1)[valid].mean() for picture in (warped, b))
    assert valid.float().mean() > 0.5
    assert error < 0.025  # the light stays in the world while the head turns, so shading differs a little
    assert error < 0.5 * still


def test_hats_and_scarves_flow_as_everything_else_does(people: HeadIdentity, states: HeadState) -> None:
    worn, there = dressed(people), sample_state(COUNT, torch.Generator().manual_seed(9))
    a, b = draw(worn, states, 128).image, draw(worn, there, 128).image
    grid, valid = flow(worn, states, there, 128)
    warped = grid_sample(b, grid, align_corners=True)
    bare = worn._replace(hat=torch.zeros_like(worn.hat), scarf=torch.zeros_like(worn.scarf))
    cloth = (a - draw(bare, states, 128).image).abs().amax(1) > 0.1  # where hat and scarf show
    error, still = ((picture - a).abs().mean(1)[valid & cloth].mean() for picture in (warped, b))
    assert (valid & cloth).flatten(1).sum(1).min() > 50
    assert valid[cloth].float().mean() > 0.4
    assert error < 0.04
    assert error < 0.5 * still


def test_flow_is_exact_where_shading_cannot_differ(people: HeadIdentity) -> None:
    """Moving aside without turning keeps nearly all shading: what is left is interpolation."""
    a, b = moved(COUNT), moved(COUNT, shift_x=0.12, mouth_open=0.5, brow_raise=0.8)
    grid, valid = flow(people, a, b, 128)
    error = (
        (grid_sample(draw(people, b, 128).image, grid, align_corners=True) - draw(people, a, 128).image).abs().mean(1)
    )
    assert error[valid].mean() < 0.008


def test_flow_between_equal_states_stands_still(people: HeadIdentity, states: HeadState) -> None:
    grid, valid = flow(people, states, states, SIZE)
    line = torch.linspace(-1, 1, SIZE)
    expected = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).expand_as(grid)
    torch.testing.assert_close(grid[valid], expected[valid], atol=2e-4, rtol=0)
    assert valid.float().mean() > 0.9  # all but the pixels that layers share


def test_visible_landmarks_go_with_the_flow(people: HeadIdentity) -> None:
    size, a = 128, moved(COUNT, yaw=-0.2)
    b = moved(COUNT, yaw=0.25, pitch=0.15, roll=0.2, shift_x=0.05, mouth_open=0.4, brow_raise=0.5)
    here, there = draw(people, a, size), draw(people, b, size)
    grid, valid = flow(people, a, b, size)
    points = here.landmarks[:, None]
    carried = grid_sample(grid.movedim(-1, 1), points, align_corners=True)[:, :, 0].mT
    trusted = grid_sample(valid[:, None].float(), points, align_corners=True)[:, 0, 0] > 0.99
    both = trusted & here.visible & there.visible
    both[:, FACE:] = False  # ears, crown and neck stand at outlines, where pixels mix
    assert both.float().sum() > 14
    pixel = 2 / (size - 1)
    assert (carried - there.landmarks)[both].norm(dim=-1).max() < 1.0 * pixel
