"""Laws of the door: a final name is whole or as it was before, whatever happens, and everything says what it is."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest, UnreadableMedia
from deepfake_core.media.decode import read_frames
from deepfake_core.provenance.label import label as add_label
from deepfake_core.provenance.watermark import embed, payload_of
from deepfake_core.provenance.writer import Origin, Sink, open_frames, open_sink, open_video, save_image
from tests.media.clips import count_frames, describe, duration, gradient, make_clip

ORIGIN = Origin(model="fomm-starter")
RATE = Fraction(25)


def watermarked(frame: np.ndarray) -> np.ndarray:
    return embed(frame, payload_of(ORIGIN.model))


def video(path: Path) -> AbstractContextManager[Sink]:
    return open_video(path, rate=RATE, origin=ORIGIN)


def frames(path: Path) -> AbstractContextManager[Sink]:
    return open_frames(path, origin=ORIGIN)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_picture(tmp_path: Path) -> None:
    path = save_image(gradient(0), tmp_path / "new folder" / "é.png", origin=ORIGIN)
    assert path == tmp_path / "new folder" / "é.png"
    with Image.open(path) as image:
        assert "fomm-starter" in image.info["Comment"]
        assert "Synthetic" in image.info["Comment"]
        assert image.info["Software"] == "Deepfake Lab"
        np.testing.assert_array_equal(np.asarray(image), watermarked(add_label(gradient(0))))
    save_image(gradient(1), path, origin=ORIGIN, label=False)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), watermarked(gradient(1)))
    assert os.listdir(path.parent) == ["é.png"]


def test_video(tmp_path: Path) -> None:
    driver = make_clip(tmp_path / "driver.mp4", frames=20, sound=0.8)
    with open_video(tmp_path / "out.mp4", rate=RATE, origin=ORIGIN, sound_from=driver) as sink:
        assert sink.path == tmp_path / "out.mp4"
        for index in range(20):
            sink.write(gradient(index, 96, 128))
            assert not sink.path.exists()
    assert sorted(os.listdir(tmp_path)) == ["driver.mp4", "out.mp4"]
    assert count_frames(sink.path) == 20
    assert duration(sink.path, "a:0") == pytest.approx(0.8, abs=0.05)
    assert "Synthetic: made with fomm-starter in Deepfake Lab" in describe(sink.path)
    shown = next(read_frames(sink.path)).astype(int)
    assert np.abs(shown - watermarked(add_label(gradient(0, 96, 128)))).mean() < 2.0
    assert np.abs(shown - gradient(0, 96, 128))[-12:, -26:].mean() > 20.0


def test_numbered_frames(tmp_path: Path) -> None:
    with frames(tmp_path / "walk") as sink:
        for index in range(4):
            sink.write(gradient(index))
        assert not sink.path.exists()
    assert sorted(os.listdir(tmp_path / "walk")) == [f"00000{index}.png" for index in range(4)]
    for index in range(4):
        stored = np.asarray(Image.open(tmp_path / "walk" / f"00000{index}.png"))
        np.testing.assert_array_equal(stored, watermarked(add_label(gradient(index))))


def test_shorter_run_replaces_the_set_and_spares_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "walk"
    for count in (5, 2):
        with frames(folder) as sink:
            for index in range(count):
                sink.write(gradient(index + count))
        (folder / "notes.txt").write_text("mine")
        Image.fromarray(gradient(0)).save(folder / "000009.png")
    assert sorted(os.listdir(folder)) == ["000000.png", "000001.png", "000009.png", "notes.txt"]
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "000001.png")), watermarked(add_label(gradient(3))))


class Trouble(Exception):
    """Something in the pipeline."""


def fail_after(sink: Sink, written: int, error: type[BaseException]) -> None:
    for index in range(written):
        sink.write(gradient(index))
    raise error


@pytest.mark.parametrize("error", [Trouble, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("opened", [video, frames])
@pytest.mark.parametrize("written", [0, 3])
def test_failure_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException], opened: Callable[[Path], AbstractContextManager[Sink]], written: int
) -> None:
    (tmp_path / "old.mp4").write_bytes(b"old")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "000000.png").write_bytes(b"old")
    before = everything(tmp_path)
    for name in ("old.mp4" if opened is video else "old", "new.mp4" if opened is video else "new"):
        with pytest.raises(error), opened(tmp_path / name) as sink:
            fail_after(sink, written, error)
    assert everything(tmp_path) == before
    assert sorted(os.listdir(tmp_path)) == ["old", "old.mp4"]
    assert os.listdir(tmp_path / "old") == ["000000.png"]


@pytest.mark.parametrize("opened", [video, frames])
def test_abandoned_generator_leaves_nothing(
    tmp_path: Path, opened: Callable[[Path], AbstractContextManager[Sink]]
) -> None:
    def pipeline() -> Generator[int, None, None]:
        with opened(tmp_path / ("out.mp4" if opened is video else "out")) as sink:
            for index in range(10):
                sink.write(gradient(index))
                yield index

    running = pipeline()
    next(running)
    running.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("opened", [video, frames])
def test_nothing_written_is_an_error(tmp_path: Path, opened: Callable[[Path], AbstractContextManager[Sink]]) -> None:
    with pytest.raises(UnreadableMedia, match="there are no frames"), opened(tmp_path / "out.mp4"):
        pass
    assert not list(tmp_path.iterdir())


def test_output_over_its_own_driver(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=10, sound=0.4)
    with read_frames(clip) as stream, open_video(clip, rate=RATE, origin=ORIGIN, sound_from=clip) as sink:
        for frame in stream:
            sink.write(255 - frame)
    assert count_frames(clip) == 10
    assert duration(clip, "a:0") == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize(
    ("output", "made"),
    [
        ("a.mp4", "a.mp4"),
        ("B.MP4", "B.MP4"),
        ("walk", "walk/000000.png"),
        ("walk.png", "walk/000000.png"),
        ("v.2/", "v.2/000000.png"),
    ],
)
def test_output_is_chosen_by_its_name(tmp_path: Path, output: str, made: str) -> None:
    with open_sink(f"{tmp_path}/{output}", rate=RATE, origin=ORIGIN) as sink:
        sink.write(gradient(0))
    assert list(everything(tmp_path)) == [made]


@pytest.mark.parametrize("output", ["a.exe", "a.gif", "a.jpg"])
def test_other_names_are_refused_at_once(tmp_path: Path, output: str) -> None:
    with pytest.raises(BadRequest, match=r"\.mp4"):
        open_sink(tmp_path / output, rate=RATE, origin=ORIGIN)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for path in (tmp_path / "file" / "a.mp4", tmp_path / ("x" * 300 + ".mp4"), tmp_path / "folder.mp4"):
        with pytest.raises(BadRequest), video(path):
            pytest.fail("opened")
    with pytest.raises(BadRequest, match="use a name ending in"):
        save_image(gradient(0), tmp_path / "a.bmp", origin=ORIGIN)
    with pytest.raises(BadRequest, match="is a file"), frames(tmp_path / "file"):
        pytest.fail("opened")


FILL = """
import resource, sys
import numpy as np
from fractions import Fraction
from pathlib import Path
from deepfake_core.errors import NotEnoughSpace
from deepfake_core.provenance.writer import Origin, open_sink, save_image
folder, output, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
rng, origin = np.random.default_rng(0), Origin(model="fomm-starter")
noise = lambda: rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
(folder / "old.mp4").write_bytes(b"old")
try:
    if output == "picture.png":
        save_image(np.tile(noise(), (2, 2, 1)) ^ np.tile(noise(), (2, 2, 1)), folder / output, origin=origin)
    else:
        sound = Path(sys.argv[5]) if len(sys.argv) > 5 else None
        with open_sink(folder / output, rate=Fraction(25), origin=origin, sound_from=sound) as sink:
            for _ in range(int(sys.argv[4])):
                sink.write(noise())
except NotEnoughSpace as error:
    print("refused:", error)
print(sorted(p.name for p in folder.rglob("*")), (folder / "old.mp4").read_bytes())
"""


@pytest.mark.parametrize(
    ("output", "count"), [("new.mp4", 60), ("old.mp4", 60), ("new.mp4", 5), ("picture.png", 0), ("walk", 9)]
)
@pytest.mark.parametrize("how", ["full disk", "limit"])
def test_full_disk_leaves_nothing(tmp_path: Path, how: str, output: str, count: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = how == "full disk" and _mount(disk, kilobytes=200)
    limit = 0 if mounted else 150_000  # where nothing may be mounted the limit fails the same system calls
    try:
        refusal, left = _fill(disk, output, limit, count)
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)
    assert refusal.startswith("refused: the disk is full")
    assert ".part-" not in refusal
    assert left == "['old.mp4'] b'old'"


def test_disk_that_fills_up_with_the_sound(tmp_path: Path) -> None:
    driver = make_clip(tmp_path / "driver.mp4", frames=50, sound=2.0)
    disk = tmp_path / "disk"
    disk.mkdir()
    assert _fill(disk, "silent.mp4", 0, 4) == ["['old.mp4', 'silent.mp4'] b'old'"]
    limit = (disk / "silent.mp4").stat().st_size + 500
    (disk / "silent.mp4").unlink()
    refusal, left = _fill(disk, "loud.mp4", limit, 4, driver)
    assert refusal.startswith("refused: the disk is full")
    assert left == "['old.mp4'] b'old'"


def _fill(disk: Path, output: str, limit: int, count: int, *sound: Path) -> list[str]:
    """Write `count` frames of noise from another process, whose files end at `limit` bytes unless that is 0."""
    command = [sys.executable, "-c", FILL, disk, output, limit, count, *sound]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _mount(folder: Path, *, kilobytes: int) -> bool:
    """Mount a small disk at `folder`; False where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_what_a_killed_run_left_goes_with_a_later_one_and_fresh_drafts_stay(tmp_path: Path):
    old, fresh, other = (tmp_path / f".{name}" for name in ("a.part-1.mp4", "a.part-2.png", "ab.part-3.png"))
    frames = tmp_path / ".a.part-4"
    frames.mkdir()
    for file in (old, fresh, other, frames / "000000.png"):
        file.write_bytes(b"half")
    for file in (old, other, frames):
        os.utime(file, (time.time() - 4000,) * 2)
    save_image(np.zeros((64, 64, 3), np.uint8), tmp_path / "a.png", origin=Origin(model="m"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [fresh.name, other.name, "a.png"]
