"""What is told about a head is true of the picture: landmarks and their jacobians."""

import torch

from deepfake_core.synthetic.heads import (
    LANDMARKS,
    HeadIdentity,
    HeadState,
    draw,
    neutral_state,
)
from deepfake_core.synthetic.heads.scene import build_scene
from deepfake_core.synthetic.heads.truth import landmark_points
from deepfake_core.synthetic.render.camera import project
from tests.synthetic.heads.people import COUNT, SIZE, moved


def test_landmark_jacobians_are_slopes_of_the_projection(people: HeadIdentity, states: HeadState) -> None:
    """Against finite differences of the landmarks, for a head that is moved in the world along its own axes."""
    drawing, step = draw(people, states, SIZE), 1e-2
    scene = build_scene(people, states, SIZE)
    frame, world = scene.frames.head, landmark_points(people, scene, states)
    assert (torch.linalg.det(drawing.landmark_jacobian) < -0.05).all()  # negative: the picture's y runs down
    for axis in (0, 1):
        along = frame.rotation[:, :, axis] * (step * frame.scale)[:, None]
        ahead, behind = (project(world + sign * along[..., None])[0] for sign in (1, -1))
        slope = (ahead - behind) / (2 * step)
        torch.testing.assert_close(drawing.landmark_jacobian[..., axis], slope, atol=2e-3, rtol=0)
    torch.testing.assert_close(project(world)[0], drawing.landmarks)


def test_mirrored_yaw_mirrors_the_nose(people: HeadIdentity) -> None:
    tip = LANDMARKS.index("nose tip")
    right, left = (draw(people, moved(COUNT, yaw=yaw), SIZE).landmarks[:, tip] for yaw in (0.4, -0.4))
    torch.testing.assert_close(right * torch.tensor((-1.0, 1.0)), left, atol=1e-4, rtol=0)
    assert (right[:, 0] > 0.1).all()  # positive yaw looks to the right of the picture


def test_left_landmarks_are_left_and_hidden_ones_hide(people: HeadIdentity) -> None:
    front = draw(people, neutral_state(COUNT), SIZE)
    for part in ("eye", "brow", "mouth corner", "cheek", "ear"):
        left, right = LANDMARKS.index(f"left {part}"), LANDMARKS.index(f"right {part}")
        assert (front.landmarks[:, left, 0] < front.landmarks[:, right, 0]).all()
    turned = draw(people, moved(COUNT, yaw=0.7), SIZE)
    assert not turned.visible[:, LANDMARKS.index("right ear")].any()
    assert front.visible[:, LANDMARKS.index("nose tip")].all()
