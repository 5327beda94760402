"""Puppets: a portrait moved, and the truth of its motion. The portrait is a drawn head, so that it needs no file."""

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
from deepfake_core.networks.layers import warp
from deepfake_core.synthetic.heads import LANDMARKS, sample_identity
from deepfake_core.synthetic.heads import draw as draw_head
from deepfake_core.synthetic.photos.expression import Face, calm, displaced
from deepfake_core.synthetic.photos.fit import EYE, MOUTH, fit, from_face, to_face
from deepfake_core.synthetic.photos.matte import filled, person_matte
from deepfake_core.synthetic.photos.portrait import CANVAS, REACH, Portrait, prepare
from deepfake_core.synthetic.photos.puppet import Puppet, draw, flow
from deepfake_core.synthetic.photos.states import as_it_is, sample_puppet
from deepfake_core.synthetic.render.pose import neutral_state

SEEN = ("left eye", "right eye", "nose tip", "left mouth corner", "right mouth corner")
PIXEL = 2 / 255
FRAME = slice(39, 39 + 256)  # of the canvas


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    """Two drawn heads, as if somebody had photographed them."""
    identity = sample_identity(2, torch.Generator().manual_seed(4))
    drawing = draw_head(identity, neutral_state(2)._replace(scale=torch.full((2,), 1 / REACH)), CANVAS)
    points = drawing.landmarks[:, [LANDMARKS.index(name) for name in SEEN]] * REACH
    return prepare(drawing.image, (drawing.mask > 0.5).float(), points)


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


def puppet(portrait: Portrait, **changed: float) -> Puppet:
    state, view = as_it_is(2)
    moved = {name: torch.full((2,), value) for name, value in changed.items()}
    return draw(
        portrait,
        state._replace(**{name: value for name, value in moved.items() if name in state._fields}),
        view._replace(**{name: value for name, value in moved.items() if name in view._fields}),
    )


@pytest.fixture(scope="module")
def still(portrait: Portrait) -> Puppet:
    return puppet(portrait)


@pytest.fixture(scope="module")
def turned(portrait: Portrait) -> Puppet:
    return puppet(portrait, yaw=0.35, pitch=-0.1, roll=0.1, shift_x=0.1, mouth_open=0.7, pan_x=-0.05, zoom=1.05)


def mean_where(difference: Tensor, where: Tensor) -> Tensor:
    """Mean over the channels and the chosen pixels, of every picture."""
    return (difference.abs().mean(1) * where).sum((1, 2)) / where.sum((1, 2))


def test_the_neutral_state_shows_the_portrait_itself(portrait: Portrait, still: Puppet) -> None:
    photograph, matte = portrait.image[:, :, FRAME, FRAME], portrait.matte[:, :, FRAME, FRAME]
    inside = -F.max_pool2d(-matte, 7, 1, 3)[:, 0]
    assert mean_where(still.image - photograph, inside).max() < 1e-3  # the person, exactly
    outside = 1 - F.max_pool2d(matte, 13, 1, 6)[:, 0]
    assert mean_where(still.image - photograph, outside).max() < 1e-3  # and what stands beside
    assert (still.image - photograph).abs().mean() < 0.01  # between them, the outline


def test_a_fit_puts_eyes_and_mouth_where_drawn_heads_have_them() -> None:
    points = torch.tensor([[(-0.3, -0.2), (0.2, -0.1), (0.0, 0.1), (-0.3, 0.3), (0.1, 0.4)]])
    fitted = fit(points)
    u, v = to_face(fitted, points)
    assert_close(u[0, :2], torch.tensor([-EYE[0], EYE[0]]), atol=0.03, rtol=0)
    assert_close(v[0, :2].mean(), torch.tensor(EYE[1]), atol=1e-5, rtol=0)
    assert_close(torch.stack((u[0, 3:].mean(), v[0, 3:].mean())), torch.tensor([0.0, MOUTH]), atol=1e-5, rtol=0)
    assert 0.05 < float(fitted.roll) < 0.3
    assert_close(from_face(fitted, u, v), points)


def test_a_nose_that_stands_aside_tells_a_turned_head() -> None:
    straight = torch.tensor([[(-0.2, 0.0), (0.2, 0.0), (0.0, 0.15), (-0.15, 0.4), (0.15, 0.4)]])
    aside = straight.clone()
    aside[:, 2, 0] += 0.08
    assert_close(fit(straight).yaw, torch.zeros(1), atol=1e-4, rtol=0)
    assert 0.2 < float(fit(aside).yaw) < 0.45


def test_an_expression_and_its_inverse_cancel() -> None:
    generator = torch.Generator().manual_seed(0)
    state, _ = sample_puppet(torch.zeros(6), generator)
    face = Face(torch.full((6,), 0.24), torch.full((6,), 0.06), torch.tensor([0.0, 1.0] * 3))
    u = torch.rand(6, 500, generator=generator) * 1.2 - 0.6
    v = torch.rand(6, 500, generator=generator) * 2 - 1.2
    skin = calm(face, state, *displaced(face, state, u, v))
    assert (skin.u - u).abs().max() < 0.01
    assert ((skin.v - v).abs() < 0.01).float().mean() > 0.995  # but on the line between the lips, where it tears


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


def test_what_a_turn_hides_is_not_visible(portrait: Portrait, still: Puppet, turned: Puppet) -> None:
    grid, shown = flow(portrait, still, turned, 256)
    background = ~still.trace.hit
    covered = F.grid_sample(turned.trace.hit[:, None].float(), grid, mode="nearest", align_corners=True)[:, 0] > 0.5
    assert (background & covered).sum() > 300
    hidden = background & covered
    assert (shown & hidden).sum() < 0.01 * hidden.sum()  # but what rounds to the next pixel
    assert not shown[(grid.abs() > 1).any(-1)].any()


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


def test_a_person_is_cut_out_of_the_background(portrait: Portrait) -> None:
    grid = (coordinate_grid(CANVAS, CANVAS) * REACH).flatten(0, 1)[None]
    u, v = to_face(Portrait.pick(portrait, slice(0, 1)).fit, grid)
    image = (portrait.image[0].permute(1, 2, 0) * 255).round().byte().numpy()
    matte = person_matte(image, v.view(CANVAS, CANVAS).numpy(), u.view(CANVAS, CANVAS).numpy()) > 0
    head = (portrait.matte[0, 0] > 0.5).numpy()
    assert matte[head].mean() > 0.9
    assert matte[:40, :40].mean() < 0.2
