"""Animation from a request to a finished file: frames, crops, previews and the insides."""

import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from deepfake_core.deadline import Deadline
from deepfake_core.errors import BadRequest, TookTooLong
from deepfake_core.faces import Box, Manual, Whole, cut
from deepfake_core.media.decode import FrameStream, probe, read_frames
from deepfake_core.motion import AbsoluteMotion, RelativeMotion, transfer_motion
from deepfake_core.networks.fomm import Encoded
from deepfake_core.pipelines.animation import SEARCH, AnimationRequest, batches
from deepfake_core.pipelines.animator import ImageAnimator, transfer_named
from deepfake_core.pipelines.insight import InsightRequest, liveliest_frame, look_inside
from deepfake_core.pipelines.motion_session import MotionSession
from tests.media.clips import count_frames, duration
from tests.pipelines.conftest import run


def test_frames_rate_and_sound_are_the_drivers(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path
) -> None:
    combined = tmp_path / "combined.mp4"
    steps, done = run(animator, source=portrait, driving=singer, output=tmp_path / "out.mp4", side_by_side=combined)
    (second,) = done.of("side_by_side")
    assert second.path == combined
    assert (
        len(steps)
        == done.files[0].facts["frames"]
        == count_frames(done.path)
        == count_frames(combined)
        == count_frames(singer)
    )
    assert probe(done.path).rate == probe(singer).rate == Fraction(25)
    assert abs(duration(done.path, "a:0") - duration(singer, "a:0")) < 0.1
    assert (probe(combined).width, probe(combined).height) == (3 * animator.size, animator.size)
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1].seconds_left == 0 and steps[0].rate is not None and steps[0].rate > 0
    assert {step.preview for step in steps} == {None}


def test_python_call_gives_the_frames_of_the_file(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path
) -> None:
    frames = list(animator(portrait, singer))
    run(animator, source=portrait, driving=singer, output=tmp_path / "frames", label=False)
    written = [np.array(Image.open(path)) for path in sorted((tmp_path / "frames").iterdir())]
    assert np.abs(np.stack(frames).astype(int) - np.stack(written)).mean() < 2.5  # the watermark
    assert frames[0].shape == (animator.size, animator.size, 3) and frames[0].dtype == np.uint8


def test_driving_by_the_own_first_frame_leaves_the_portrait_in_its_pose(
    animator: ImageAnimator, face: np.ndarray
) -> None:
    """A static driver gives no relative motion: every frame is the reconstructed portrait."""
    square = cut(face, Box(left=0, top=0, side=len(face)), animator.size)
    still = list(animator(face, [np.roll(square, 5, axis=1)] * 3, crop="none"))
    portrait = animator.portrait(square)
    rebuilt = animator.render(portrait, portrait.keypoints)[0]
    assert max(np.abs(frame.astype(int) - rebuilt).max() for frame in still) <= 1


def test_batches_do_not_change_the_frames(tiny_weights: Path, portrait: Path, singer: Path) -> None:
    one, many = (ImageAnimator.from_pretrained(tiny_weights, "cpu") for _ in range(2))
    one.runtime.batch, many.runtime.batch = 1, 7
    pairs = zip(one(portrait, singer), many(portrait, singer), strict=True)
    assert max(np.abs(a.astype(int) - b).max() for a, b in pairs) <= 1


def test_the_source_is_encoded_once(
    animator: ImageAnimator, portrait: Path, singer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    encode = animator.network.encode

    def counted(image: Tensor) -> Encoded:
        calls.append(1)
        return encode(image)

    monkeypatch.setattr(animator.network, "encode", counted)
    assert len(list(animator(portrait, singer))) == 25 and len(calls) == 1


def test_best_frame_starts_where_the_poses_agree(animator: ImageAnimator, face: np.ndarray, tmp_path: Path) -> None:
    """The driver's third frame is the source: measured from it, this frame gives the source's keypoints."""
    square = cut(face, Box(left=0, top=0, side=len(face)), animator.size)
    clip = [np.rot90(square).copy(), np.rot90(square, 2).copy(), square, np.rot90(square, 3).copy()]
    made = list(animator(square, clip, crop="none", best_frame=True))
    portrait = animator.portrait(square)
    rebuilt = animator.render(portrait, portrait.keypoints)[0]
    assert np.abs(made[2].astype(int) - rebuilt).max() <= 1
    whole = {"source_crop": Whole(), "driving_crop": Whole()}
    steps, _ = run(animator, source=square, driving=clip, **whole, best_frame=True, output=tmp_path / "frames")
    assert steps[0].task == SEARCH and sum(not step.task for step in steps) == len(clip)
    with pytest.raises(BadRequest, match="twice"):
        list(animator(square, iter(clip), crop="none", best_frame=True))


def test_absolute_transfer_uses_the_drivers_keypoints(animator: ImageAnimator, face: np.ndarray) -> None:
    square = cut(face, Box(left=0, top=0, side=len(face)), animator.size)
    turned = np.rot90(square).copy()
    made = list(animator(square, [turned, square], crop="none", transfer="absolute"))
    expected = animator.render(animator.portrait(square), animator.keypoints([turned]))[0]
    assert np.abs(made[0].astype(int) - expected).max() <= 1
    with pytest.raises(BadRequest, match="relative"):
        transfer_named("sideways", True)


def test_paste_back_changes_the_face_alone(
    animator: ImageAnimator, face: np.ndarray, singer: Path, tmp_path: Path
) -> None:
    wide = np.pad(face, ((0, 0), (200, 200), (0, 0)), constant_values=77)
    crop = Manual(left=200 / 912, top=0, side=1)
    frames = tmp_path / "frames"
    run(animator, source=wide, driving=singer, output=frames, source_crop=crop, paste_back=True, label=False)
    first = np.array(Image.open(frames / "000000.png"))
    assert first.shape == wide.shape
    change = np.abs(first.astype(int) - wide)
    assert change[:, :200].mean() < 2.5 and change[:, :200].max() < 20  # the watermark
    assert change[:, 200:-200].max() > 40


def test_a_manual_crop_is_the_same_square_in_every_size_of_the_picture() -> None:
    crop = Manual(left=0.25, top=0.1, side=0.5)
    assert crop.box(height=400, width=800) == Box(left=200, top=40, side=200)
    assert Manual.of(Box(left=50, top=10, side=50), height=100, width=200) == crop


def test_a_preview_shows_driver_and_result(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path
) -> None:
    preview = tmp_path / "live.jpg"
    steps, _ = run(animator, source=portrait, driving=singer, output=tmp_path / "out.mp4", preview=preview)
    assert steps[0].preview == preview
    with Image.open(preview) as picture:
        assert picture.size == (2 * animator.size, animator.size)


def test_a_session_goes_on_where_the_last_step_ended(animator: ImageAnimator, face: np.ndarray) -> None:
    """Single frames give the same as one batch: initial pose, scale and smoothing are kept."""
    square = cut(face, Box(left=0, top=0, side=len(face)), animator.size)
    clip = [np.roll(square, shift, axis=1) for shift in (0, 3, 6, 9)]
    portrait = animator.portrait(square)
    one, many = (MotionSession(animator=animator, portrait=portrait, smoothing=0.5) for _ in range(2))
    apart = [frame for driver in clip for frame in one.step([driver])]
    pairs = zip(apart, many.step(clip), strict=True)
    assert max(np.abs(a.astype(int) - b).max() for a, b in pairs) <= 1


def test_the_insides_are_six_labelled_pictures(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path
) -> None:
    animation = AnimationRequest(source=portrait, driving=singer)
    (done,) = look_inside(animator, InsightRequest(animation=animation, output=tmp_path, moment=1.0))
    assert [file.caption for file in done.files] == [
        "source", "driving", "mask", "deformation", "occlusion", "prediction"
    ]  # fmt: skip
    assert {file.role for file in done.files} == {"inside"} and all(file.path.is_file() for file in done.files)
    with pytest.raises(BadRequest, match=r"between 0 .* got 2.0"):
        list(look_inside(animator, InsightRequest(animation=animation, output=tmp_path, moment=2.0)))


@pytest.mark.parametrize("place", [1, 6])
def test_a_look_inside_opens_at_the_frame_of_largest_motion(
    animator: ImageAnimator, portrait: Path, square: np.ndarray, tmp_path: Path, place: int
) -> None:
    clip = [square] * 9
    clip[place] = np.roll(square, len(square) // 4, axis=1)
    animation = AnimationRequest(source=portrait, driving=clip, driving_crop=Whole())
    request = InsightRequest(animation=animation, output=tmp_path, moment=None)
    frame, moment = liveliest_frame(animator, request)
    assert moment == place / 8
    np.testing.assert_array_equal(frame, clip[place])
    (done,) = look_inside(animator, request)
    assert {file.facts["moment"] for file in done.files} == {place / 8}


def test_a_clip_that_is_too_slow_to_look_inside_is_given_up_early(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = FrameStream._read

    def slow(self: FrameStream) -> np.ndarray | None:
        time.sleep(2.0)
        return read(self)

    monkeypatch.setattr(FrameStream, "_read", slow)
    animation = AnimationRequest(source=portrait, driving=singer, driving_crop=Whole())
    request, began = InsightRequest(animation=animation, output=tmp_path, moment=1.0), time.monotonic()
    with pytest.raises(TookTooLong, match=r"would take about \d+ seconds, and the time limit is 20; choose a shorter"):
        list(look_inside(animator, request, Deadline.after(20)))
    assert time.monotonic() - began < 18


def test_batches_cover_the_stream() -> None:
    frames = [np.full((2, 2, 3), value, np.uint8) for value in range(10)]
    parts = list(batches(iter(frames), 4))
    assert [len(part) for part in parts] == [1, 4, 4, 1]
    assert [int(frame[0, 0, 0]) for part in parts for frame in part] == list(range(10))


def test_inspection_explains_the_prediction(animator: ImageAnimator, portrait: Path, singer: Path) -> None:
    frame = next(iter(read_frames(singer)))
    seen = animator.inspect(portrait, frame)
    assert torch.allclose(seen.mask.sum(dim=1), torch.ones(1), atol=1e-5)
    assert seen.mask.shape[1] == seen.source_keypoints.position.shape[1] + 1
    still = transfer_motion(seen.source_keypoints, seen.driving_keypoints, seen.driving_keypoints, RelativeMotion())
    torch.testing.assert_close(still.position, seen.source_keypoints.position)
    assert transfer_motion(seen.source_keypoints, seen.driving_keypoints, seen.driving_keypoints, AbsoluteMotion()) is (
        seen.driving_keypoints
    )
