"""Laws of regions: the parts add up to the whole, and what does not move stays."""

import pytest
import torch
from torch.testing import assert_close

from deepfake_core.errors import BadRequest
from deepfake_core.motion import AbsoluteMotion, Keypoints
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.controls import REST, Controls
from deepfake_core.pipelines.drawn_driver import landmarks, names
from deepfake_core.pipelines.motion_session import MotionSession
from deepfake_core.regions import MOUTH, STEADY, head_motion, only

NAMES = ("left eye", "right eye", "nose tip", "left mouth corner", "right mouth corner", "lower lip", "chin", "crown",
         "neck base", "forehead")  # fmt: skip
LIPS = torch.tensor([name in MOUTH for name in NAMES])


@pytest.fixture(scope="module")
def starter() -> ImageAnimator:
    return ImageAnimator.from_pretrained("fomm-starter", device="cpu", precision="float32")


def head(*poses: Controls, starter: ImageAnimator) -> Keypoints:
    return landmarks(starter, poses)


def test_everything_is_the_motion_itself(starter: ImageAnimator) -> None:
    driving, initial = head(Controls(yaw=10), starter=starter), head(REST, starter=starter)
    assert only("all", driving, initial, NAMES) is driving


def test_only_the_mouth_moves_with_the_mouth_of_a_head_that_turns(starter: ImageAnimator) -> None:
    initial = head(REST, starter=starter)
    turned = head(Controls(roll=10, shift_x=0.1), Controls(roll=10, shift_x=0.1, mouth_open=1.0), starter=starter)
    found = only("mouth", turned, initial, NAMES)
    steady = ~LIPS
    assert_close(found.position[:, steady], initial.position[:, steady].expand(2, -1, -1))
    assert found.jacobian is not None and initial.jacobian is not None
    assert_close(found.jacobian[:, steady], initial.jacobian[:, steady].expand(2, -1, -1, -1))
    closed, opened = found.position
    assert (closed - initial.position[0]).norm(dim=1).max() < 0.035  # but for perspective, the head's own motion is out
    straight = head(Controls(mouth_open=1.0), starter=starter).position[0]
    assert (opened - straight)[LIPS].norm(dim=1).max() < 0.05
    assert (opened - closed)[NAMES.index("lower lip"), 1] > 0.05


def test_only_the_pose_leaves_the_mouth_as_it_was(starter: ImageAnimator) -> None:
    initial = head(REST, starter=starter)
    singing, silent = (
        head(Controls(roll=10, shift_x=0.1, mouth_open=mouth, smile=mouth), starter=starter) for mouth in (1.0, 0.0)
    )
    found = only("pose", singing, initial, NAMES)
    assert torch.equal(found.position[:, ~LIPS], singing.position[:, ~LIPS])
    assert (found.position - silent.position)[0, LIPS].norm(dim=1).max() < 0.035
    assert (singing.position - silent.position)[0, LIPS].norm(dim=1).max() > 0.05


def test_the_motion_of_a_head_is_the_affine_map_of_its_steady_landmarks() -> None:
    torch.manual_seed(0)
    initial = Keypoints(torch.rand(1, 10, 2) - 0.5)
    linear, offset = torch.tensor(((1.1, 0.2), (-0.1, 0.9))), torch.tensor((0.05, -0.1))
    moved = Keypoints(initial.position @ linear.mT + offset)
    steady = torch.tensor([name in STEADY for name in NAMES])
    back, shift = head_motion(moved, initial, steady)
    assert_close(moved.position @ back.mT + shift[:, None], initial.position, atol=1e-5, rtol=0)
    for region in ("mouth", "pose"):  # all moves as one: the mouth does nothing besides
        still = only(region, moved, initial, NAMES)
        assert_close(still.position, initial.position if region == "mouth" else moved.position, atol=1e-5, rtol=0)
        assert still.jacobian is None


def test_what_cannot_be_told_apart_is_refused(starter: ImageAnimator) -> None:
    portrait = starter.portrait(torch.zeros(256, 256, 3, dtype=torch.uint8).numpy())
    with pytest.raises(BadRequest, match="relative motion alone"):
        MotionSession(animator=starter, portrait=portrait, transfer=AbsoluteMotion(), region="mouth")
    assert names(starter) == NAMES
