"""Animation from a request to a finished file: results; errors for invalid input."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from deepfake_core.errors import (
    BadRequest,
    LabError,
    MediaTooLarge,
    MediaTooSmall,
    MissingFile,
    NoFaceFound,
    UnreadableMedia,
)
from deepfake_core.faces import Box, Manual, Whole, cut
from deepfake_core.media.decode import probe, read_frames
from deepfake_core.motion import AbsoluteMotion, RelativeMotion, transfer_motion
from deepfake_core.networks.fomm import Encoded
from deepfake_core.pipelines.animation import SEARCH, AnimationRequest, animate, batches
from deepfake_core.pipelines.animator import ImageAnimator, transfer_named
from deepfake_core.pipelines.events import Finished, Progress
from deepfake_core.pipelines.insight import InsightRequest, look_inside
from deepfake_core.pipelines.motion_session import MotionSession
from tests.media.clips import count_frames, duration, ffmpeg


def run(animator: ImageAnimator, **fields: object) -> tuple[list[Progress], Finished]:
    events = list(animate(animator, AnimationRequest(**fields)))  # type: ignore[arg-type]
    assert isinstance(events[-1], Finished)
    return [event for event in events if isinstance(event, Progress)], events[-1]


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


def test_stopping_leaves_nothing(animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path) -> None:
    request = AnimationRequest(source=portrait, driving=singer, output=tmp_path / "out.mp4")
    events = animate(animator, request)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(animator, "render", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(animator, source=portrait, driving=singer, output=tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


class TestBadInput:
    """Each case gives one sentence, and leaves no files."""

    @pytest.fixture(autouse=True)
    def _setup(self, animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path) -> None:
        self.animator, self.folder, self.out = animator, tmp_path, tmp_path / "results"
        self.good = {"source": portrait, "driving": singer, "output": self.out / "out.mp4"}

    def refused(self, error: type[LabError], **changes: object) -> str:
        with pytest.raises(error) as caught:
            run(self.animator, **(self.good | changes))
        sentence = str(caught.value)
        assert "\n" not in sentence and "Traceback" not in sentence and len(sentence) < 300
        assert not self.out.exists() or list(self.out.iterdir()) == []
        return sentence

    def test_no_face_in_the_portrait(self) -> None:
        grey = self.folder / "grey.png"
        Image.new("RGB", (300, 300), "grey").save(grey)
        assert "whole picture" in self.refused(NoFaceFound, source=grey)
        run(self.animator, **(self.good | {"source": grey, "source_crop": Whole()}))  # what the sentence offers works

    def test_no_face_in_the_clip(self, faceless: Path) -> None:
        assert "pattern.mp4" in self.refused(NoFaceFound, driving=faceless)

    def test_several_faces(self, face: np.ndarray) -> None:
        small = cut(face, Box(left=0, top=0, side=len(face)), 256)
        pair = np.full((512, 800, 3), 200, np.uint8)
        pair[:512, :512] = face
        pair[128:384, 530:786] = small
        _, done = run(self.animator, **(self.good | {"source": pair}))
        assert "faces found; the largest is used" in done.notes[0]

    def test_truncated_clip_gives_what_decodes(self, singer: Path) -> None:
        broken = self.folder / "broken.mp4"
        broken.write_bytes(singer.read_bytes()[: int(singer.stat().st_size * 0.6)])
        steps, done = run(self.animator, **(self.good | {"driving": broken}))
        assert 1 <= len(steps) < 25 and any("damaged" in note for note in done.notes)

    def test_corrupt_clip(self) -> None:
        noise = self.folder / "noise.mp4"
        noise.write_bytes(np.random.default_rng(0).bytes(20_000))
        assert "noise.mp4" in self.refused(UnreadableMedia, driving=noise)

    def test_text_named_mp4(self) -> None:
        text = self.folder / "text.mp4"
        text.write_text("this is no video\n" * 50)
        assert "text.mp4" in self.refused(UnreadableMedia, driving=text)

    def test_zero_frames(self) -> None:
        assert "no frame" in self.refused(UnreadableMedia, driving=[])

    def test_one_frame(self) -> None:
        one = self.folder / "one.mp4"
        ffmpeg("-i", self.good["driving"], "-frames:v", "1", "-an", one)
        steps, done = run(self.animator, **(self.good | {"driving": one}))
        assert len(steps) == 1 == count_frames(done.path)

    def test_sound_only(self) -> None:
        sound = self.folder / "sound.mp4"
        ffmpeg("-i", self.good["driving"], "-vn", "-c:a", "copy", sound)
        assert "sound.mp4" in self.refused(UnreadableMedia, driving=sound)

    def test_enormous_portrait(self) -> None:
        huge = self.folder / "huge.png"
        Image.new("1", (20_000, 20_000)).save(huge)
        assert "50 million pixels" in self.refused(MediaTooLarge, source=huge)

    def test_one_pixel(self) -> None:
        dot = self.folder / "dot.png"
        Image.new("RGB", (1, 1)).save(dot)
        self.refused(MediaTooSmall, source=dot)

    def test_missing_files(self) -> None:
        assert "gone.png" in self.refused(MissingFile, source=self.folder / "gone.png")
        assert "gone.mp4" in self.refused(MissingFile, driving=self.folder / "gone.mp4")

    def test_spaces_and_other_letters(self, singer: Path, portrait: Path) -> None:
        folder = self.folder / "Grüße an 李雷 – été"
        folder.mkdir()
        source, driving = folder / "mein Bild.png", folder / "-clip 'ü'.mp4"
        source.write_bytes(portrait.read_bytes())
        driving.write_bytes(singer.read_bytes())
        _, done = run(self.animator, source=source, driving=driving, output=folder / "résultat.mp4")
        assert count_frames(done.path) == 25

    def test_no_output(self) -> None:
        with pytest.raises(BadRequest, match=r"result\.mp4"):
            run(self.animator, **(self.good | {"output": None}))

    def test_one_name_for_two_results(self) -> None:
        assert "different names" in self.refused(BadRequest, side_by_side=self.good["output"])

    def test_unknown_output(self) -> None:
        assert "out.xyz" in self.refused(BadRequest, output=self.out / "out.xyz")


def test_full_disk_leaves_no_half_file(
    animator: ImageAnimator, portrait: Path, singer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The encoder's reaction to a full disk is tested in tests/media."""
    from deepfake_core.media.encode import VideoEncoder

    write, count = VideoEncoder.write, iter(range(100))

    def full_after_ten(self: VideoEncoder, frame: np.ndarray) -> None:
        if next(count) >= 10:
            raise OSError(28, "No space left on device")
        write(self, frame)

    monkeypatch.setattr(VideoEncoder, "write", full_after_ten)
    with pytest.raises(LabError, match="full"):
        run(animator, source=portrait, driving=singer, output=tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


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
