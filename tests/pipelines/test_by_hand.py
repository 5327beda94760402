"""Laws of driving by hand: rest is the still picture, the equation of the transfer, and what each control does."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepfake_core.errors import BadRequest
from deepfake_core.media.decode import probe
from deepfake_core.media.images import ImageLike
from deepfake_core.motion import RelativeMotion, apply, transfer_motion
from deepfake_core.pipelines import by_hand
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.by_hand import (
    HandRequest,
    clip_by_hand,
    pose_by_hand,
    posed,
    transferred,
)
from deepfake_core.pipelines.controls import LIMITS, MOST_POSES, MOVE, REST, Controls, in_words, path_through, poses_of
from deepfake_core.pipelines.cropped import Cropped, crop_image
from deepfake_core.pipelines.drawn_driver import detected, follows_landmarks, landmarks
from deepfake_core.pipelines.events import Finished
from deepfake_core.pipelines.sitter import Sitter, Sitters
from deepfake_core.provenance.verify import verify
from tests.pipelines.conftest import EXAMPLES

twentieths = {
    name: st.sampled_from([least + (most - least) * step / 20 for step in range(21)])
    for name, (least, most) in LIMITS.items()
}
controls = st.builds(Controls, **twentieths)
LEFT_EYE, RIGHT_EYE, NOSE, LEFT_CORNER, RIGHT_CORNER, LOWER_LIP, CHIN = range(7)


@pytest.fixture(scope="module")
def starter() -> ImageAnimator:
    return ImageAnimator.from_pretrained("fomm-starter", device="cpu", precision="float32")


def test_at_rest_the_portrait_is_the_still_picture(starter: ImageAnimator, face: np.ndarray) -> None:
    image = np.ascontiguousarray(face[: starter.size, : starter.size])
    portrait = starter.portrait(image)
    (still,) = starter.render(portrait, portrait.keypoints)
    (made,) = posed(starter, image, [REST])
    assert np.abs(made.astype(int) - still).max() <= 1


def test_the_keypoints_are_those_of_the_papers_equation(starter: ImageAnimator) -> None:
    source = apply(lambda part: part * 0.8, landmarks(starter, (Controls(yaw=5),)))
    poses = (Controls(yaw=20, smile=0.5), Controls(roll=-10, mouth_open=1.0))
    moved, there, initial = transferred(starter, source, poses), landmarks(starter, poses), landmarks(starter, (REST,))
    wanted = transfer_motion(source, there, initial, RelativeMotion())
    assert torch.equal(moved.position, wanted.position)
    assert moved.jacobian is not None and wanted.jacobian is not None and torch.equal(moved.jacobian, wanted.jacobian)


def test_every_control_moves_what_it_names(starter: ImageAnimator) -> None:
    rest = landmarks(starter, (REST,)).position[0]

    def moved(**values: float | int) -> torch.Tensor:
        return landmarks(starter, (Controls(**values),)).position[0] - rest

    eyes = [LEFT_EYE, RIGHT_EYE]
    turned, nodded, tilted = moved(yaw=20), moved(pitch=15), moved(roll=15)
    assert turned[NOSE, 0] > turned[eyes, 0].mean() > 0 and moved(yaw=-20)[NOSE, 0] < 0  # to the right of the picture
    assert nodded[NOSE, 1] < 0 and tilted[LEFT_EYE, 1] < tilted[RIGHT_EYE, 1]  # y points down
    assert moved(mouth_open=1)[LOWER_LIP, 1] > moved(mouth_open=1)[CHIN, 1] * 0.5 > 0
    smile, corners = moved(smile=1), [LEFT_CORNER, RIGHT_CORNER]
    assert (smile[corners, 1] < 0).all() and (moved(smile=-1)[corners, 1] > 0).all()
    assert torch.allclose(moved(shift_x=0.1, shift_y=-0.05)[: CHIN + 1], torch.tensor((0.2, -0.1)), atol=0.04)
    wide = rest[RIGHT_EYE, 0] - rest[LEFT_EYE, 0]
    grown = moved(scale=1.2)
    assert (grown[RIGHT_EYE, 0] - grown[LEFT_EYE, 0]) / wide == pytest.approx(0.2, abs=0.05)  # a larger head is nearer


def test_the_starters_keypoints_are_landmarks_and_those_of_others_are_detected(
    starter: ImageAnimator, animator: ImageAnimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert follows_landmarks(starter) and not follows_landmarks(animator)
    source, poses = starter.keypoints([_drawing(starter)]), (Controls(yaw=20),)
    exact = transferred(starter, source, poses).position
    monkeypatch.setattr(by_hand, "follows_landmarks", lambda animator: False)
    assert torch.allclose(transferred(starter, source, poses).position, exact, atol=0.1)
    assert len(detected(animator, (REST, *poses)).position) == 2


def test_a_region_needs_keypoints_with_names(animator: ImageAnimator, portrait: Path, singer: Path) -> None:
    with pytest.raises(BadRequest, match="have no names"):
        next(animator(portrait, singer, region="mouth"))


def test_only_the_mouth_of_a_portrait_sings(starter: ImageAnimator) -> None:
    portrait, clip = EXAMPLES / "portraits" / "chloe.png", EXAMPLES / "clips" / "sing.mp4"
    whole, mouth = (
        np.stack([frame for frame, _ in zip(starter(portrait, clip, region=region), range(40), strict=False)])
        for region in ("all", "mouth")
    )
    moves = [np.abs(frames.astype(float) - frames[0]).mean(axis=(0, 3)) for frames in (whole, mouth)]
    top, lips = np.s_[20:120], np.s_[140:200]
    assert moves[1][top].mean() < 0.5 * moves[0][top].mean()  # hair and eyes rest
    assert moves[1][lips, 90:166].mean() > 0.5 * moves[0][lips, 90:166].mean()


@pytest.mark.parametrize("name", ["chloe.png", "photo-astronaut.jpg"])
def test_a_portrait_turns_and_opens_its_mouth(starter: ImageAnimator, name: str) -> None:
    portrait = EXAMPLES / "portraits" / name
    still, left, right, open_ = starter.by_hand(
        portrait, REST, Controls(yaw=-20), Controls(yaw=20), Controls(mouth_open=1.0)
    )
    found = starter.keypoints([still, left, right, open_]).position
    assert found[1, NOSE, 0] < found[0, NOSE, 0] - 0.05 and found[2, NOSE, 0] > found[0, NOSE, 0] + 0.05
    assert found[3, LOWER_LIP, 1] > found[0, LOWER_LIP, 1] + 0.03


@given(poses=st.lists(controls, min_size=1, max_size=MOST_POSES))
def test_poses_survive_their_text(poses: list[Controls]) -> None:
    read = poses_of("\n\n".join(map(in_words, poses)))
    for one, pose in zip(read, poses, strict=True):
        assert all(getattr(one, name) == pytest.approx(getattr(pose, name), abs=1e-4) for name in LIMITS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frown 1", "unknown control 'frown'; choose from yaw"),
        ("yaw", "'yaw' is not a control and its number"),
        ("yaw much", "'yaw much' is not a control"),
        ("yaw 31", "yaw must be between -30 and 30"),
        ("yaw nan", "yaw must be between"),
        ("rest\n" * (MOST_POSES + 1), "at most 8 poses"),
    ],
)
def test_what_is_wrong_with_a_pose_is_said(text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        poses_of(text)


@given(poses=st.lists(controls, min_size=1, max_size=3))
def test_a_clip_goes_from_rest_through_every_pose_and_back_without_a_jump(poses: list[Controls]) -> None:
    frames = path_through(poses)
    assert frames[0] == REST and len(frames) == 1 + (len(poses) + 1) * MOVE
    for number, pose in enumerate((*poses, REST), 1):
        assert frames[number * MOVE].yaw == pytest.approx(pose.yaw)
        assert frames[number * MOVE].scale == pytest.approx(pose.scale)
    steps = np.diff([frame.yaw for frame in frames])
    assert np.abs(steps).max() <= 1.6 * 60 / MOVE  # the steepest part of a move from -30 to 30 degrees
    assert np.abs(steps[::MOVE]).max() <= 0.5  # and its slow beginning


def test_a_clip_and_a_picture_are_labelled_and_signed(animator: ImageAnimator, portrait: Path, tmp_path: Path) -> None:
    poses = (Controls(yaw=20), Controls(smile=1))
    *steps, done = clip_by_hand(animator, HandRequest(source=portrait, poses=poses, output=tmp_path / "out.mp4"))
    assert isinstance(done, Finished) and steps
    assert probe(done.path).frames == done.files[0].facts["frames"] == 1 + 3 * MOVE
    still = pose_by_hand(animator, HandRequest(source=portrait, poses=poses[:1], output=tmp_path / "out.jpg"))
    for path in (done.path, still.path):
        credential = verify(path).credential
        assert credential is not None and credential.state == "valid" and len(credential.inputs) == 1


def test_a_portrait_is_read_once_until_its_file_changes(
    animator: ImageAnimator, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []

    def crop(source: ImageLike, *rest: Any, **how: Any) -> Cropped:
        read.append(source)
        return crop_image(source, *rest, **how)

    monkeypatch.setattr(by_hand, "crop_image", crop)
    monkeypatch.setattr(by_hand, "SITTERS", Sitters(most=2))
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(portrait.read_bytes())

    def pose(number: int) -> None:
        source = tmp_path / f"{number}.png"
        pose_by_hand(animator, HandRequest(source=source, poses=(REST,), output=tmp_path / "out.jpg"))

    pose(0)
    pose(0)
    assert len(read) == 1
    (tmp_path / "0.png").write_bytes((EXAMPLES / "portraits" / "ben.png").read_bytes())
    pose(0)
    assert len(read) == 2
    for number in (1, 2, 3):
        pose(number)
    assert len(by_hand.SITTERS) == 2
    pose(0)
    assert len(read) == 6  # displaced by the others


def test_a_portrait_is_forgotten_soon_after_its_last_use(animator: ImageAnimator, face: np.ndarray) -> None:
    sitters = Sitters(seconds=0.2)
    one = Sitter(portrait=animator.portrait(np.ascontiguousarray(face[: animator.size, : animator.size])), notes=())
    assert sitters.get("key", lambda: one) is one
    began = time.monotonic()
    while len(sitters) and time.monotonic() - began < 5:
        time.sleep(0.02)
    assert time.monotonic() - began < 0.2 * 1.5 + 0.5


def test_a_clip_that_is_stopped_leaves_no_file(animator: ImageAnimator, portrait: Path, tmp_path: Path) -> None:
    events = clip_by_hand(animator, HandRequest(source=portrait, poses=(REST,), output=tmp_path / "out.mp4"))
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def _drawing(animator: ImageAnimator) -> np.ndarray:
    from deepfake_core.pixels import from_batch, from_unit
    from deepfake_core.synthetic.heads import draw, neutral_state, sample_identity

    identity = sample_identity(1, torch.Generator().manual_seed(3))
    return from_batch(from_unit(draw(identity, neutral_state(1), animator.size).image))[0]
