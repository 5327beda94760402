"""A portrait moved: the picture, its landmarks and their jacobians."""

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from deepfake_core.faces.box import Box
from deepfake_core.faces.resample import cut
from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads import LANDMARKS
from deepfake_core.synthetic.photos.fit import fit, to_face
from deepfake_core.synthetic.photos.matte import filled, person_matte
from deepfake_core.synthetic.photos.portrait import CANVAS, REACH, Portrait, prepare
from deepfake_core.synthetic.photos.puppet import Puppet, draw, flow
from deepfake_core.synthetic.photos.states import as_it_is
from tests.synthetic.photos.portraits import FRAME, PIXEL, mean_where, puppet


@pytest.fixture(scope="module")
def astronaut() -> Portrait:
    """A photograph that comes with scikit-image (NASA, public domain); the points are CenterFace's."""
    centre, side = (225.0, 130.0), 200.0
    points = torch.tensor([(203.2, 101.7), (247.0, 104.5), (223.3, 125.1), (203.4, 142.3), (241.3, 144.4)])
    placed = (points - torch.tensor(centre)) / (side / 2)
    wide = side * CANVAS / 256
    box = Box(left=centre[0] - wide / 2, top=centre[1] - wide / 2, side=wide)
    canvas = cut(np.asarray(skimage.data.astronaut()), box, CANVAS)
    grid = (coordinate_grid(CANVAS, CANVAS) * REACH).flatten(0, 1)[None]
    u, v = (part.view(CANVAS, CANVAS).numpy() for part in to_face(fit(placed[None]), grid))
    matte = torch.from_numpy(person_matte(canvas, v, u))[None, None].float() / 255
    return prepare(torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255, matte, placed[None])


def test_the_neutral_state_shows_the_portrait_itself(portrait: Portrait, still: Puppet) -> None:
    photograph, matte = portrait.image[:, :, FRAME, FRAME], portrait.matte[:, :, FRAME, FRAME]
    inside = -F.max_pool2d(-matte, 7, 1, 3)[:, 0]
    assert mean_where(still.image - photograph, inside).max() < 1e-3  # the person, exactly
    outside = 1 - F.max_pool2d(matte, 13, 1, 6)[:, 0]
    assert mean_where(still.image - photograph, outside).max() < 1e-3  # and what stands beside
    assert (still.image - photograph).abs().mean() < 0.01  # between them, the outline


def test_every_pixel_shows_the_point_that_stands_there(turned: Puppet, portrait: Portrait) -> None:
    from deepfake_core.synthetic.photos.portrait import sampled
    from deepfake_core.synthetic.photos.relief import carried

    found = turned.trace
    point = found.point.flatten(1, 2)
    height = found.side.flatten(1) * sampled(portrait.height, point)[:, 0]
    place, _ = carried(portrait.fit, turned.pose, point, height)
    gap = (place - coordinate_grid(256, 256).flatten(0, 1)).norm(dim=-1)[found.hit.flatten(1)]
    assert gap.median() < 0.1 * PIXEL
    assert gap.quantile(0.95) < PIXEL


def test_landmarks_move_with_the_skin(portrait: Portrait, still: Puppet, turned: Puppet) -> None:
    known = [LANDMARKS.index(name) for name in ("left eye", "right eye", "nose tip", "forehead", "chin")]
    grid, _ = flow(portrait, still, turned, 256)
    where = F.grid_sample(grid.permute(0, 3, 1, 2), still.landmarks[:, known][:, None], align_corners=True)[:, :, 0].mT
    assert (where - turned.landmarks[:, known]).norm(dim=-1).max() < 2 * PIXEL
    assert_close(still.landmarks[:, known[2]], portrait.points[:, 2], atol=1e-4, rtol=0)


def test_the_jacobian_of_landmarks_turns_with_the_head(portrait: Portrait) -> None:
    before, after = puppet(portrait), puppet(portrait, roll=0.3)
    turn = after.landmark_jacobian[:, 0] @ torch.linalg.inv(before.landmark_jacobian[:, 0])
    cos, sin = torch.tensor(0.3).cos(), torch.tensor(0.3).sin()
    assert_close(
        turn, torch.stack((torch.stack((cos, -sin)), torch.stack((sin, cos)))).expand(2, 2, 2), atol=0.03, rtol=0
    )


def test_a_mouth_that_opens_shows_what_no_photograph_showed(portrait: Portrait, still: Puppet) -> None:
    opened = puppet(portrait, mouth_open=0.9)
    middle = opened.landmarks[:, [LANDMARKS.index("upper lip"), LANDMARKS.index("lower lip")]]
    assert ((middle[:, 1, 1] - middle[:, 0, 1]) > 0.12).all()
    _, shown = flow(portrait, opened, still, 256)
    inside = F.grid_sample(shown[:, None].float(), middle.mean(1)[:, None, None], mode="nearest", align_corners=True)
    assert not inside.any()
    assert (opened.image - still.image).abs().mean() > 1e-3


def test_closed_lids_have_the_colour_of_skin(astronaut: Portrait) -> None:
    state, view = as_it_is(1)
    opened = draw(astronaut, state, view)
    closed = draw(astronaut, state._replace(lids=torch.ones(1)), view)

    def from_skin(image: Tensor) -> Tensor:
        eyes = F.grid_sample(image, opened.landmarks[:, :2][:, None], align_corners=True)[:, :, 0]
        return (eyes - astronaut.skin[..., None]).abs().mean()

    assert from_skin(closed.image) < 0.6 * from_skin(opened.image)


def test_a_background_is_filled_smoothly_and_does_not_stretch(portrait: Portrait) -> None:
    line = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    known = torch.ones(1, 1, 64, 64)
    known[..., 20:44, 20:44] = 0
    hidden = line * known + (1 - known) * 5
    painted = filled(hidden, known)
    assert_close(painted * known, line * known)
    assert (painted - line).abs().max() < 0.25
    moved = puppet(portrait, shift_x=0.2, yaw=0.3)
    corner = (slice(None), slice(None), slice(0, 20), slice(0, 20))
    assert_close(moved.image[corner], portrait.image[:, :, FRAME, FRAME][corner], atol=2e-3, rtol=0)
