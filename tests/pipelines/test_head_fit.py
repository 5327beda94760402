"""Laws of the head fit: it finds the controls that drew a head, and takes a region's motion apart from the rest."""

import math

import pytest
import torch
from torch.testing import assert_close

from deepfake_core.errors import BadRequest
from deepfake_core.motion import AbsoluteMotion, frame_at
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.controls import LIMITS, REST, Controls
from deepfake_core.pipelines.drawn_driver import landmarks, values_of
from deepfake_core.pipelines.head_fit import MOUTH, HeadFit, only
from deepfake_core.pipelines.motion_session import MotionSession
from deepfake_core.pixels import from_batch, from_unit
from deepfake_core.synthetic.heads import draw, sample_identity
from deepfake_core.synthetic.heads.motions import turning_clip

POSES = (
    Controls(yaw=12, pitch=-4),
    Controls(yaw=20, roll=8, mouth_open=0.5),
    Controls(scale=1.1, shift_x=0.05, smile=0.6),
)


@pytest.fixture(scope="module")
def starter() -> ImageAnimator:
    return ImageAnimator.from_pretrained("fomm-starter", device="cpu", precision="float32")


def test_the_controls_that_moved_the_landmarks_are_found(starter: ImageAnimator) -> None:
    fit = HeadFit(starter, landmarks(starter, (REST,)))
    steady = [pose for pose in POSES for _ in range(3)]  # each step begins at the last one
    found = fit.follow(landmarks(starter, steady))[2::3]
    spans = torch.tensor([most - least for least, most in LIMITS.values()])
    assert ((found - values_of(POSES)).abs() / spans).max() < 0.03
    assert_close(HeadFit(starter, landmarks(starter, (REST,))).follow(landmarks(starter, (REST,))), values_of((REST,)))


@pytest.mark.parametrize("seed", [4, 8])
def test_the_motion_of_another_head_is_read_from_its_pictures(starter: ImageAnimator, seed: int) -> None:
    """Detected keypoints of a head of other proportions; its true pose is known."""
    clip = turning_clip(36, torch.Generator().manual_seed(5)).pick(slice(0, 36, 3))
    head = sample_identity(1, torch.Generator().manual_seed(seed)).pick(torch.zeros(12, dtype=torch.long))
    seen = starter.keypoints(from_batch(from_unit(draw(head, clip, starter.size).image)))
    found = dict(zip(LIMITS, HeadFit(starter, frame_at(seen, 0)).follow(seen).unbind(1), strict=True))
    for name in ("yaw", "pitch", "roll"):
        true = getattr(clip, name) * 180 / math.pi
        assert (found[name] - (true - true[0])).abs().mean() < 1.0  # degrees
    assert (found["mouth_open"] - (clip.mouth_open - clip.mouth_open[0])).abs().mean() < 0.12


def test_a_region_leaves_the_rest_at_rest() -> None:
    values = values_of(POSES)
    mouth, pose = only("mouth", values), only("pose", values)
    assert torch.equal(only("all", values), values)
    for place, name in enumerate(LIMITS):
        moved, still = (mouth, pose) if name in MOUTH else (pose, mouth)
        assert torch.equal(moved[:, place], values[:, place])
        assert torch.equal(still[:, place], values_of((REST,))[:, place].expand(len(values)))


def test_only_relative_motion_has_regions(starter: ImageAnimator) -> None:
    portrait = starter.portrait(torch.zeros(starter.size, starter.size, 3, dtype=torch.uint8).numpy())
    with pytest.raises(BadRequest, match="relative motion alone"):
        MotionSession(animator=starter, portrait=portrait, transfer=AbsoluteMotion(), region="mouth")
