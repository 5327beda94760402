"""Animation that fails or is stopped: one sentence for each invalid input, and no file stays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import (
    BadRequest,
    LabError,
    MediaTooLarge,
    MediaTooSmall,
    MissingFile,
    NoFaceFound,
    UnreadableMedia,
)
from deepfake_core.faces import Box, Whole, cut
from deepfake_core.pipelines.animation import AnimationRequest, animate
from deepfake_core.pipelines.animator import ImageAnimator
from tests.media.clips import count_frames, ffmpeg
from tests.pipelines.conftest import run


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
