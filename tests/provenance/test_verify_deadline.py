"""Verification within a time: what could be read by then is told, and what could not is never told as damage."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from deepfake_core.deadline import Deadline
from deepfake_core.errors import TookTooLong
from deepfake_core.media.images import read_image
from deepfake_core.provenance import verify as verifying
from deepfake_core.provenance.origin import Origin
from deepfake_core.provenance.verify import verify
from deepfake_core.provenance.watermark import embed, payload_of
from deepfake_core.provenance.writer import save_image
from tests.media.clips import make_clip
from tests.pipelines.conftest import EXAMPLES

MODEL = "fomm-starter"


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return read_image(EXAMPLES / "portraits" / "mei.png")


class SlowStream(Iterator[np.ndarray]):
    """Marked frames, of which so many come before the deadline."""

    info = SimpleNamespace(frames=16)

    def __init__(self, frame: np.ndarray, count: int) -> None:
        self.frame, self.left = embed(frame, payload_of(MODEL)), count

    def __enter__(self) -> "SlowStream":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __next__(self) -> np.ndarray:
        if self.left == 0:
            raise TookTooLong("that took more than 1 seconds")
        self.left -= 1
        return self.frame


def test_a_slow_clip_is_judged_by_the_frames_that_came_in_time(
    face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    for count in (verifying.ENOUGH, 16):
        monkeypatch.setattr(verifying, "read_frames", lambda *_, count=count, **__: SlowStream(face, count))
        found = verify(clip, [MODEL])
        assert found.watermark is not None and found.watermark.model == MODEL
        assert any(f"only {count} frames" in note for note in found.notes) is (count < 16)
    monkeypatch.setattr(verifying, "read_frames", lambda *_, **__: SlowStream(face, verifying.ENOUGH - 1))
    with pytest.raises(TookTooLong):  # nothing else is in this file
        verify(clip, [MODEL])


def test_a_credential_is_told_though_the_pixels_took_too_long(
    face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*_: object, **__: object) -> np.ndarray:
        raise TookTooLong("that took more than 1 seconds, the limit here; choose a smaller one")

    ours = save_image(face, tmp_path / "ours.png", origin=Origin(model=MODEL))
    monkeypatch.setattr(verifying, "read_image", slowly)
    found = verify(ours)
    assert found.state == "valid" and found.watermark is None
    assert any("more than 1 seconds" in note for note in found.notes)


def test_a_credential_that_could_not_be_read_in_time_is_not_called_damaged(
    face: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = save_image(face, tmp_path / "ours.png", origin=Origin(model=MODEL))
    monkeypatch.setattr(verifying, "WORKER", "import time; time.sleep(60)")
    with pytest.raises(TookTooLong, match="more than 1 seconds"):
        verify(ours, deadline=Deadline.after(1))
