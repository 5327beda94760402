"""A still picture as driver: the portrait in its pose, as one labelled and signed picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest, NoFaceFound
from deepfake_core.faces import Box, cut
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import read_image
from deepfake_core.motion import AbsoluteMotion
from deepfake_core.pipelines.animation_request import AnimationRequest, still_driver
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.insight import InsightRequest, look_inside
from deepfake_core.provenance.verify import verify
from tests.pipelines.conftest import EXAMPLES, run

DRIVER = EXAMPLES / "portraits" / "ben.png"


def test_the_result_is_one_signed_picture_of_the_portrait_in_the_drivers_pose(
    animator: ImageAnimator, portrait: Path, tmp_path: Path
) -> None:
    steps, done = run(
        animator, source=portrait, driving=DRIVER, output=tmp_path / "out.png", side_by_side=tmp_path / "three.png"
    )
    assert steps == [] and done.path == tmp_path / "out.png" and done.files[0].facts == {"frames": 1}
    (frame,) = animator(portrait, DRIVER)
    made = read_image(done.path)
    assert made.shape == frame.shape == (animator.size, animator.size, 3)
    assert np.median(np.abs(made.astype(int) - frame)) <= 2  # all but the label and the watermark
    three = read_image(tmp_path / "three.png")
    assert three.shape == (animator.size, 3 * animator.size, 3)
    for path in (done.path, tmp_path / "three.png"):
        credential = verify(path).credential
        assert credential is not None and credential.state == "valid" and len(credential.inputs) == 2


def test_a_pose_is_the_frame_of_a_clip_of_that_picture_by_absolute_motion(
    animator: ImageAnimator, face: np.ndarray
) -> None:
    driver = cut(face, Box(left=0, top=0, side=len(face) // 2), animator.size)
    (still,) = animator(face, driver, crop="none")
    (clip,) = animator(face, [driver], crop="none", transfer="absolute")
    assert np.abs(still.astype(int) - clip).max() <= 1


def test_options_of_a_motion_play_no_part(animator: ImageAnimator, portrait: Path) -> None:
    (plain,) = animator(portrait, Image.open(DRIVER))
    (other,) = animator(
        portrait, DRIVER, transfer="relative", adapt_scale=False, best_frame=True, smoothing=1.0, start=3.0
    )
    np.testing.assert_array_equal(plain, other)


def test_pasted_back_into_the_whole_picture_of_a_folder(
    animator: ImageAnimator, portrait: Path, tmp_path: Path
) -> None:
    whole = read_image(portrait)
    wide = np.hstack((whole, np.full_like(whole, 90)))
    Image.fromarray(wide).save(tmp_path / "wide.png")
    _, done = run(
        animator,
        source=tmp_path / "wide.png",
        driving=DRIVER,
        output=tmp_path / "results",
        paste_back=True,
        label=False,
    )
    assert done.path == tmp_path / "results" / "wide.png"
    assert read_image(done.path).shape == wide.shape
    assert np.abs(read_image(done.path)[:, -60:].astype(int) - 90).max() < 12


def test_what_is_a_still_driver(singer: Path) -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    assert still_driver(DRIVER) == DRIVER and still_driver(frame) is frame
    assert still_driver(singer) is None and still_driver([frame]) is None and still_driver(frame[None]) is None


def test_what_cannot_be_done_is_said(animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path) -> None:
    wanted = r"ben\.png is a picture and gives a picture, not out\.mp4; choose a driving clip, or an output ending in"
    for output, second in (("out.mp4", None), ("out.png", tmp_path / "out.mp4")):
        with pytest.raises(BadRequest, match=wanted):
            run(animator, source=portrait, driving=DRIVER, output=tmp_path / output, side_by_side=second)
    with pytest.raises(BadRequest, match=r"would overwrite its source"):
        run(animator, source=portrait, driving=DRIVER, output=portrait)
    empty = EXAMPLES / "fields" / "horse-grey.png"
    with pytest.raises(NoFaceFound, match=r"^no face found in horse-grey\.png"):
        run(animator, source=portrait, driving=empty, output=tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


def test_the_network_can_be_looked_into(animator: ImageAnimator, portrait: Path, tmp_path: Path) -> None:
    request = AnimationRequest(source=portrait, driving=DRIVER, transfer=AbsoluteMotion())
    (done,) = look_inside(animator, InsightRequest(animation=request, output=tmp_path, moment=1.0))
    assert len(done.files) == 6


def test_a_frame_of_a_clip_drives_like_its_file(animator: ImageAnimator, portrait: Path, singer: Path) -> None:
    with read_frames(singer) as frames:
        first = next(frames)
    (still,) = animator(portrait, first)
    clip = next(iter(animator(portrait, singer, transfer="absolute")))
    assert np.abs(still.astype(int) - clip).max() <= 1
