"""Motion starts at the first face, pauses while there is none, and starts anew at a cut."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deepfake_core.errors import BadRequest, NoFaceFound
from deepfake_core.faces import Crop, Face, Whole, centerface
from deepfake_core.faces.resample import fit
from deepfake_core.hub.manifest import manifest
from deepfake_core.media.decode import read_frames
from deepfake_core.media.images import Image, read_image
from deepfake_core.pipelines.animation import AnimationRequest, animate, find_starts
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.crop_preview import preview_clip_crop
from deepfake_core.pipelines.driving import open_clip
from deepfake_core.pipelines.events import Finished
from deepfake_core.pipelines.face_watch import SEARCH_SECONDS, FaceWatch
from deepfake_core.pipelines.motion_session import MotionSession
from deepfake_core.pipelines.motion_start import Motion
from tests.media.clips import ffmpeg
from tests.pipelines.conftest import EXAMPLES

CLIPS = EXAMPLES / "clips"
RATE = Fraction(25)
BLACK = np.zeros((256, 256, 3), np.uint8)


def frames_of(name: str, count: int) -> list[Image]:
    with read_frames(CLIPS / f"{name}.mp4") as stream:
        return [next(stream) for _ in range(count)]


@pytest.fixture(scope="module")
def looking() -> list[Image]:
    return frames_of("look-around", 30)


@pytest.fixture(scope="module")
def room() -> Image:
    """A wide picture without a face."""
    field, _ = fit(read_image(EXAMPLES / "fields" / "horse-grey.png"), 256)
    return np.hstack((field, field[:, ::-1]))


def beside(frame: Image, room: Image) -> Image:
    """The frame at the left of the picture `room`."""
    return np.hstack((frame, room[:, 256:]))


def watched(
    frames: list[Image], crop: Crop = Face(), *, rate: Fraction = RATE, start: float = 0.0
) -> tuple[str, list[str]]:
    """The initials of what the frames do, and the notes."""
    watch = FaceWatch(crop, rate, "clip.mp4", start=start)
    motions = "".join(watch.see(frame)[0] for frame in frames)
    watch.end()
    return motions, watch.notes()


@pytest.mark.parametrize(("rate", "black"), [(Fraction(30), 30), (Fraction(60), 15), (RATE, 8)])
def test_motion_starts_at_the_first_face_within_seconds(looking: list[Image], rate: Fraction, black: int) -> None:
    motions, notes = watched([BLACK] * black + looking[:5], rate=rate)
    assert motions == "h" * black + "smmmm"
    assert notes == [f"Motion starts at {float(black / rate):.1f} s; before that the portrait is still."]


def test_a_title_is_looked_at_once_and_the_face_after_it_at_once(looking: list[Image], room: Image) -> None:
    watch = FaceWatch(Face(), RATE, "clip.mp4")
    assert [watch.see(room) for _ in range(20)] == ["hold"] * 20
    assert watch._looks == 1
    assert watch.see(beside(looking[0], room)) == "start"
    assert watch.box.left < 10 and watch.box.side > 200


def test_a_clip_without_a_face_is_refused_as_a_clip(room: Image) -> None:
    rng = np.random.default_rng(0)
    moving = [np.roll(room, int(rng.integers(500)), axis=1) for _ in range(2 * SEARCH_SECONDS + 4)]
    for frames, seconds in (([BLACK] * 50, "25.0"), (moving, f"{SEARCH_SECONDS + 0.5}")):
        with pytest.raises(NoFaceFound, match=rf"no face found in {seconds} s of clip.mp4; use a clip that shows"):
            watched(frames, rate=Fraction(2))


def test_the_last_pose_is_kept_while_the_face_is_away(looking: list[Image], room: Image) -> None:
    frames = [beside(frame, room) for frame in looking[:20]]
    motions, notes = watched(frames[:10] + [room] * 10 + frames[10:])
    assert motions == "s" + "m" * 9 + "h" * 10 + "m" * 10
    assert notes == ["No face from 0.4 s to 0.8 s: the last pose is kept."]


@pytest.mark.parametrize("pixels", [20, 40])
def test_a_face_that_leaves_and_comes_back_goes_on_as_before(looking: list[Image], room: Image, pixels: int) -> None:
    """Neither its quick movement nor its return at the edge is a cut."""

    def at(offset: int) -> Image:
        frame = room.copy()
        frame[:, offset : offset + 256] = looking[0][:, : max(0, 512 - offset)]
        return frame

    steps = [at(offset) for offset in range(0, 512, pixels)]
    motions, notes = watched([at(0)] * 5 + steps + [room] * 10 + steps[::-1] + [at(0)] * 3)
    assert motions[0] == "s" and motions.count("s") == 1
    assert "h" * 10 in motions and motions.endswith("mmm")
    assert len(notes) == 1 and notes[0].startswith("No face from 0.")


def test_black_frames_pause_the_motion_under_every_crop(looking: list[Image]) -> None:
    for crop, what in ((Face(), "No face"), (Whole(), "A blank picture")):
        motions, notes = watched(looking[:5] + [BLACK] * 10 + looking[5:10], crop)
        assert motions == "smmmm" + "h" * 10 + "mmmmm"
        assert notes == [f"{what} from 0.2 s to 0.6 s: the last pose is kept."]


def test_motion_starts_anew_at_a_cut(looking: list[Image], room: Image) -> None:
    nodding = [np.hstack((room[:, :256], frame)) for frame in frames_of("nod", 10)]
    watch = FaceWatch(Face(), RATE, "clip.mp4")
    motions = [watch.see(frame)[0] for frame in [beside(frame, room) for frame in looking[:10]] + nodding]
    assert "".join(motions) == "s" + "m" * 9 + "s" + "m" * 9
    assert watch.box.left > 200, "the crop follows the second person"
    assert watch.notes() == ["Cut at 0.4 s: motion starts anew."]


@pytest.mark.parametrize("name", ["look-around", "nod", "sing", "smile-and-tilt"])
def test_an_ordinary_clip_costs_one_run_of_the_finder(name: str) -> None:
    watch = FaceWatch(Face(), RATE, "clip.mp4")
    motions = "".join(watch.see(frame)[0] for frame in read_frames(CLIPS / f"{name}.mp4"))
    assert motions == "s" + "m" * 99
    assert watch._looks == 1 and watch.notes() == []


def test_a_later_start_can_be_chosen(looking: list[Image]) -> None:
    motions, notes = watched(looking[:10], start=0.2)
    assert motions == "hhhhhsmmmm"
    assert notes == ["Motion starts at 0.2 s; before that the portrait is still."]
    with pytest.raises(BadRequest, match=r"before the end of clip.mp4 at 0.4 s, got 2.0 s"):
        watched(looking[:10], start=2.0)


def test_weights_of_other_things_look_for_nothing(looking: list[Image], monkeypatch: pytest.MonkeyPatch) -> None:
    assert [manifest()[f"fomm-{name}"].subject == "face" for name in ("vox", "taichi", "fashion", "mgif", "bair")] == [
        True, False, False, False, False
    ]  # fmt: skip
    monkeypatch.setattr(centerface, "find_faces", lambda *_, **__: pytest.fail("faces were looked for"))
    frames = [BLACK, *looking[:2], BLACK]
    for start, motions in ((0.0, "smmm"), (0.08, "hhsm")):
        with open_clip(frames, 64, crop=Whole(), shows_faces=False, start=start) as clip:
            assert "".join(frame.motion[0] for frame in clip.frames) == motions


@pytest.fixture(scope="module")
def starter() -> ImageAnimator:
    return ImageAnimator.from_pretrained("fomm-starter", "cpu")


@pytest.fixture(scope="module")
def unfaded(starter: ImageAnimator, portrait: Path) -> list[Image]:
    return [frame for frame, _ in zip(starter(portrait, CLIPS / "look-around.mp4"), range(20), strict=False)]


@pytest.mark.parametrize(
    ("how", "first", "fade"),
    [("fade=t=in:d=0.35", 0, 10), ("tpad=start=8:color=black", 8, 0), ("tpad=start=6:color=gray", 6, 0)],
)
def test_a_clip_that_does_not_begin_with_a_face_gives_the_same_result(
    starter: ImageAnimator,
    unfaded: list[Image],
    portrait: Path,
    tmp_path: Path,
    how: str,
    first: int,
    fade: int,
) -> None:
    clip = tmp_path / "clip.mp4"
    ffmpeg("-i", CLIPS / "look-around.mp4", "-vf", how, "-an", "-crf", "12", "-frames:v", str(20 + first), clip)
    made = list(starter(portrait, clip))
    differences = [np.abs(a.astype(int) - b).mean() for a, b in zip(made[first:], unfaded, strict=True)]
    assert max(differences[fade:]) < 3.0
    still = starter.portrait(read_image(portrait)[::2, ::2])
    (still_frame,) = starter.render(still, still.keypoints)
    assert np.abs(made[0].astype(int) - still_frame).mean() < 3.0, "the portrait is still before the start"


def test_the_preview_of_a_clip_shows_its_first_face(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    ffmpeg("-i", CLIPS / "nod.mp4", "-vf", "tpad=start_duration=1:color=black", "-an", "-frames:v", "30", clip)
    preview = preview_clip_crop(clip, Face(), tmp_path / "crop.jpg")
    assert read_image(preview.path).mean() > 50 and preview.note.startswith("1 face found")
    ffmpeg("-f", "lavfi", "-i", "color=black:s=64x64:r=25:d=1", clip)
    assert preview_clip_crop(clip, Whole(), tmp_path / "crop.jpg").note == "The whole picture is used."
    with pytest.raises(NoFaceFound, match="use a clip"):
        preview_clip_crop(clip, Face(), tmp_path / "crop.jpg")


def test_notes_of_the_clip_are_in_the_result(
    animator: ImageAnimator, portrait: Path, looking: list[Image], tmp_path: Path
) -> None:
    request = AnimationRequest(source=portrait, driving=[BLACK] * 5 + looking[:5], output=tmp_path / "frames")
    *_, done = animate(animator, request)
    assert isinstance(done, Finished)
    assert "Motion starts at 0.2 s; before that the portrait is still." in done.notes


def session(animator: ImageAnimator, square: Image) -> MotionSession:
    return MotionSession(animator=animator, portrait=animator.portrait(square))


def test_a_session_holds_and_starts_anew(animator: ImageAnimator, square: Image) -> None:
    """The same pictures as two sessions, one for each shot, with the last pose between them."""
    shots = [[np.roll(square, shift, axis) for shift in (0, 3, 6)] for axis in (0, 1)]
    motions: list[Motion] = ["hold", "start", "move", "move", "hold", "hold", "start", "move", "move"]
    made = session(animator, square).step([square, *shots[0], *shots[1][:2], *shots[1]], motions)
    apart = [session(animator, square).step(shot) for shot in shots]
    still = animator.render(animator.portrait(square), animator.portrait(square).keypoints)
    expected = [*still, *apart[0], apart[0][-1], apart[0][-1], *apart[1]]
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(made, expected, strict=True)) <= 1


def test_motion_can_be_measured_from_another_picture(animator: ImageAnimator, square: Image) -> None:
    turned = np.roll(square, 6, axis=1)
    (made,) = session(animator, square).step([turned], ["start"], [square])
    assert np.abs(made.astype(int) - session(animator, square).step([square, turned])[1]).max() <= 1


def test_the_best_frame_is_sought_in_every_shot(
    animator: ImageAnimator, portrait: Path, looking: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [*looking[:4], *frames_of("nod", 4)]
    request = AnimationRequest(source=portrait, driving=frames, driving_crop=Whole())
    source = animator.portrait(read_image(portrait)[::8, ::8]).keypoints

    def found(search: Iterator[object]) -> int:
        while True:
            try:
                next(search)
            except StopIteration as end:
                return len(end.value)

    assert found(find_starts(animator, request, source)) == 2
    assert found(find_starts(animator, replace(request, driving=frames[:4]), source)) == 1
