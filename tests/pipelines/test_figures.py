"""The figures show what the tensors contain."""

import numpy as np
import torch

from deepfake_core.faces import Box
from deepfake_core.motion import Keypoints, coordinate_grid
from deepfake_core.pipelines.figures import (
    BACKGROUND,
    CELLS,
    CIRCLE,
    crop_picture,
    ellipses,
    grid_picture,
    keypoints_picture,
    mask_picture,
    occlusion_picture,
)

SIZE = 64


def test_a_jacobian_is_the_ellipse_that_it_makes_of_a_circle():
    place, turned = torch.tensor([[[0.5, -0.5], [0.0, 0.0]]]), torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    stretched = torch.tensor([[2.0, 0.0], [0.0, 0.5]])
    wide, tall = ellipses(Keypoints(place, torch.stack((stretched, turned @ stretched))[None]), SIZE)
    half = (SIZE - 1) / 2
    for outline, centre, axes in ((wide, (0.5, -0.5), (2.0, 0.5)), (tall, (0.0, 0.0), (0.5, 2.0))):
        middle = torch.tensor([(share + 1) * half for share in centre])
        reach = (outline - middle).abs().amax(0) / (CIRCLE * half)
        torch.testing.assert_close(reach, torch.tensor(axes), atol=0.01, rtol=0)
    assert len(ellipses(Keypoints(place), SIZE)) == 0  # a model with translations only


def test_keypoints_stand_where_their_coordinates_say():
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    corners = torch.tensor([[[-1.0, -1.0], [1.0, -1.0], [0.0, 1.0]]])
    picture = keypoints_picture(black, Keypoints(corners))
    drawn = picture.max(axis=-1) > 0
    assert drawn[0, 0] and drawn[0, -1] and drawn[-1, SIZE // 2]
    assert not drawn[SIZE // 2].any()
    assert len({tuple(picture[y, x]) for y, x in ((0, 0), (0, -1), (-1, SIZE // 2))}) == 3  # a colour each
    assert not black.any()  # the input is left alone


def test_a_mask_of_one_channel_has_its_colour_alone():
    mask = torch.zeros(1, 4, 16, 16)
    mask[:, 0, :, :8] = 1
    mask[:, 2, :, 8:] = 1
    picture = mask_picture(mask, SIZE)
    np.testing.assert_allclose(picture[:, :24], np.full((SIZE, 24, 3), BACKGROUND) * 255, atol=1)
    assert np.ptp(picture[:, 40:].reshape(-1, 3), axis=0).max() == 0
    assert picture[0, -1].max() == 255


def test_the_identity_leaves_the_grid_straight_and_a_shift_moves_it():
    size = 16 * CELLS
    still = coordinate_grid(size, size)[None]
    white = torch.ones(1, 3, size, size)
    straight, moved = (
        grid_picture(still + torch.tensor([shift, 0.0]), white) for shift in (0.0, 2 / CELLS * 0.5)
    )  # by half a cell
    row = size * 5 // (2 * CELLS)  # between two horizontal lines
    lines, shifted_lines = (np.flatnonzero(picture[row, :, 0] < 128) for picture in (straight, moved))
    assert (straight[row] == straight[row + 1]).all()
    assert len(lines) and len(shifted_lines) and not set(lines) & set(shifted_lines)


def test_occlusion_runs_from_black_to_white():
    occlusion = torch.linspace(0, 1, 16).expand(1, 1, 16, 16)
    picture = occlusion_picture(occlusion, SIZE)
    assert picture[0, 0].tolist() == [0, 0, 0] and picture[0, -1].tolist() == [255, 255, 255]
    assert (np.diff(picture[0, :, 0].astype(int)) >= 0).all()


def test_a_crop_is_bright_inside_and_dim_outside_even_where_it_reaches_over_the_edge():
    image = np.full((80, 100, 3), 200, np.uint8)
    picture = crop_picture(image, Box(left=-10, top=20, side=50))
    assert (picture[40, 20] == 200).all() and (picture[20, 20] == 255).all() and (picture[5, 60] < 100).all()
