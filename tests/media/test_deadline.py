"""Decoders end at the deadline of whoever asked, whatever their own limits, and leave no process."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.deadline import Deadline
from deepfake_core.errors import MediaTooLarge, TookTooLong
from deepfake_core.media import image_worker
from deepfake_core.media.child_process import ChildProcess
from deepfake_core.media.decode import probe, read_frames
from deepfake_core.media.images import pixels_of, read_image
from tests.media.clips import child_processes, make_slow_clip
from tests.media.test_limits import scans

pytestmark = pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_slow_clip(tmp_path_factory.mktemp("slow") / "slow.mp4")


@pytest.fixture
def within() -> Iterator[float]:
    """Seconds of the test's deadline, by which (and two more) it must be over, with nothing left behind."""
    seconds, started = 1.0, time.monotonic()
    yield seconds
    assert time.monotonic() - started < seconds + 2
    assert not child_processes()


def test_a_clip_of_small_size_and_much_work(slow: Path, within: float) -> None:
    assert slow.stat().st_size < 25_000_000
    with pytest.raises(TookTooLong, match="more than 1 seconds, the time limit"):
        for _ in read_frames(slow, deadline=Deadline.after(within)):
            pass


def test_a_decoder_that_never_answers(clips: Path, within: float) -> None:
    deadline = Deadline.after(within)
    with read_frames(clips / "long.mp4", deadline=deadline) as stream:
        stream._ffmpeg._process.send_signal(19)  # SIGSTOP
        with pytest.raises(TookTooLong):
            list(stream)


def test_whoever_is_slow_between_two_frames(clips: Path, within: float) -> None:
    with read_frames(clips / "long.mp4", deadline=Deadline.after(within)) as stream:
        next(stream)
        time.sleep(within)
        with pytest.raises(TookTooLong):
            next(stream)
        assert not child_processes()


def test_a_picture_of_much_work(tmp_path: Path, within: float) -> None:
    (tmp_path / "scans.jpg").write_bytes(scans(3000))
    with pytest.raises(TookTooLong):
        read_image(tmp_path / "scans.jpg", deadline=Deadline.after(within))


def test_nothing_is_started_once_it_is_over(clips: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "one.png")
    over = Deadline.after(0)
    for question in (
        lambda: read_image(tmp_path / "one.png", deadline=over),
        lambda: pixels_of(tmp_path / "one.png", deadline=over),
        lambda: probe(clips / "plain.mp4", deadline=over),
        lambda: read_frames(clips / "plain.mp4", deadline=over),
    ):
        with pytest.raises(TookTooLong):
            question()
    assert not child_processes()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_stream_may_use_no_more_of_the_processor_than_its_threads_could(slow: Path) -> None:
    with read_frames(slow, deadline=Deadline.after(30)) as stream:
        limits = Path(f"/proc/{stream._ffmpeg._process.pid}/limits").read_text()
    seconds = next(line.split()[3] for line in limits.splitlines() if line.startswith("Max cpu time"))
    assert 4 * 25 <= int(seconds) <= 4 * 30


def test_the_guard_of_a_process_is_never_longer_than_its_deadline() -> None:
    child = ChildProcess(
        ["/bin/sleep", "60"], source=subprocess.DEVNULL, pipe_output=True, deadline=Deadline.after(0.3)
    )
    started = time.monotonic()
    assert child.wait(60) < 0 and child.timed_out
    assert time.monotonic() - started < 5
    with pytest.raises(TookTooLong):
        child.check_deadline()
    child.kill()


def test_a_header_tells_the_pixels_and_nothing_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tmp_path / "whole.png"
    Image.new("RGB", (300, 200)).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:50])  # the header and no pixel
    assert pixels_of(whole) == pixels_of(cut) == 60_000
    monkeypatch.setenv("DEEPFAKE_LONGEST_SIDE", "256")
    with pytest.raises(MediaTooLarge):
        pixels_of(whole)


def test_a_large_photograph_is_decoded_small_and_a_large_png_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JPEG can be decoded at a fraction of its size, so `photo_pixels` counts; where it would be whole it does not."""
    grey = Image.new("L", (1200, 900), 128)
    for name in ("photo.jpg", "whole.png"):
        grey.save(tmp_path / name)
    monkeypatch.setenv("DEEPFAKE_PICTURE_PIXELS", "500000")
    assert read_image(tmp_path / "photo.jpg", longest=600).shape == (450, 600, 3)
    assert pixels_of(tmp_path / "photo.jpg") == 1_080_000
    for name, longest in (("photo.jpg", 601), ("photo.jpg", None), ("whole.png", 600)):
        with pytest.raises(MediaTooLarge, match="1200 x 900 pixels and the limit is 500,000 pixels"):
            read_image(tmp_path / name, longest=longest)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16"])
def test_reducing_in_strips_changes_little(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ramp = np.add.outer(np.arange(300), np.arange(700)) % 256
    grey = Image.fromarray(ramp.astype(np.uint8))
    image = Image.fromarray((ramp * 257).astype(np.uint16)) if mode == "I;16" else grey.convert(mode)
    whole = np.asarray(image_worker.as_seen(image.copy(), 90), float)
    monkeypatch.setattr(image_worker, "LARGE", 0)
    monkeypatch.setattr(image_worker, "STRIP", 4)
    strips = np.asarray(image_worker.as_seen(image.copy(), 90), float)
    assert strips.shape == whole.shape
    assert np.abs(strips - whole).mean() < 0.02 * np.ptp(whole)


@pytest.mark.parametrize(("size", "shown"), [((400, 200), (50, 100)), ((100, 40), (40, 100)), ((90, 400), (100, 22))])
def test_a_large_picture_is_shrunk_in_the_decoder(
    tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, size[0]).astype(np.uint8)[None, :, None], (size[1], size[0], 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "ramp.png")
    seen = read_image(tmp_path / "ramp.png", longest=100)
    assert seen.shape == (*shown, 3)
    assert abs(float(seen.mean()) - float(ramp.mean())) < 1
    assert (np.diff(seen[0, :, 0].astype(int)) >= 0).all()
