"""The camera: where points of the world appear, and that its rays go back through them."""

import pytest
import torch
from torch.testing import assert_close

from deepfake_core.synthetic.render.camera import DISTANCE, FOCAL, Frame, pencil, project, rotation

FACE, CROWN = torch.tensor((0.0, 0.0, 1.0)), torch.tensor((0.0, 1.0, 0.0))


def test_points_appear_where_the_pinhole_camera_puts_them() -> None:
    world = torch.tensor([(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, DISTANCE / 2)])
    points, depth = project(world.T[None])
    near = FOCAL / DISTANCE
    assert_close(points[0], torch.tensor([(0.0, 0.0), (near, 0.0), (0.0, -near), (2 * near, 0.0)]))
    assert_close(depth[0], torch.tensor([0.0, 0.0, 0.0, -DISTANCE / 2]))


@pytest.mark.parametrize(
    ("angles", "point", "turned"),
    [
        ((0.5, 0.0, 0.0), FACE, (0.4794, 0.0, 0.8776)),  # yaw: the face to the right
        ((0.0, 0.5, 0.0), FACE, (0.0, 0.4794, 0.8776)),  # pitch: the face up
        ((0.0, 0.0, 0.5), CROWN, (0.4794, 0.8776, 0.0)),  # roll: the crown to the right
    ],
)
def test_positive_angles_turn_as_stated(
    angles: tuple[float, float, float], point: torch.Tensor, turned: tuple[float, float, float]
) -> None:
    matrix = rotation(*(torch.tensor([angle]) for angle in angles))
    assert_close(matrix[0] @ point, torch.tensor(turned), atol=1e-4, rtol=0)


def test_rays_of_a_frame_go_back_through_the_points_they_show(rng: torch.Generator) -> None:
    turn = rotation(torch.tensor([0.4]), torch.tensor([-0.2]), torch.tensor([0.3]))
    frame = Frame(turn, torch.tensor([(0.1, -0.2, 0.3)]), torch.tensor([1.2]))
    world = torch.rand(1, 3, 20, generator=rng) * 2 - 1
    points, depth = project(world)
    rays = pencil(frame)
    h = torch.cat((points.mT, torch.ones(1, 1, 20)), 1)
    assert_close(frame.to_world(rays.origin @ h + depth[:, None] * (rays.direction @ h)), world, atol=1e-5, rtol=0)
