"""Checkpoints in archives: nothing is written outside, no bomb fills disk or memory."""

import errno
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from deepfake_core.errors import BadWeights, NotEnoughSpace
from deepfake_core.hub import reading
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.reading import unpacked
from tests.hub.checkpoints import NAME, refusal, zipped

pytestmark = pytest.mark.usefixtures("home")


def test_a_zip_without_a_checkpoint_says_so(tmp_path: Path) -> None:
    said = refusal(tmp_path / "weights.zip", zipped({"README.md": b"see below", "models.ckpt/": b""}))
    assert said.startswith("weights.zip is an archive without a checkpoint") and ".ckpt" in said


@pytest.mark.parametrize("sizes", [(1_000_001,), (400_000, 400_000, 400_000)], ids=["one", "together"])
def test_what_would_fill_the_disk_is_not_unpacked(
    sizes: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1_000_000)
    packed = zipped({f"{place}.ckpt": bytes(size) for place, size in enumerate(sizes)})
    said = refusal(tmp_path / "weights.zip", packed)
    assert said.startswith("weights.zip") and "GiB" in said


def test_a_member_ends_where_its_archive_says(tmp_path: Path) -> None:
    """A bomb that declares few bytes and unpacks to many."""
    packed = bytearray(zipped({"net.ckpt": bytes(10_000_000)}))
    place = packed.index(b"PK\x01\x02") + 24  # of the size in the list at the end
    packed[place : place + 4] = (100).to_bytes(4, "little")
    assert "net.ckpt" in refusal(tmp_path / "weights.zip", bytes(packed))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unpacking_takes_little_memory(method: int, tmp_path: Path) -> None:
    """However much a member was compressed: it is written piece by piece, or refused."""
    path, size = tmp_path / "weights.zip", 48 * 2**20
    path.write_bytes(zipped({"zeros.ckpt": bytes(size)}, method))
    tracemalloc.start()
    try:
        with suppress(BadWeights), unpacked(path) as files:
            assert files[0].stat().st_size == size
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()


def test_nothing_is_written_outside(tmp_path: Path, home: Path) -> None:
    path = tmp_path / "weights.zip"
    for name in ("../../evil.ckpt", "a/../../../evil.ckpt", str(tmp_path / "evil.ckpt")):
        path.write_bytes(zipped({name: b"x"}))
        with unpacked(path) as files:
            assert list(tmp_path.rglob("evil.ckpt")) == files
            assert files[0].is_relative_to(home)
        assert not list(home.iterdir())


def test_members_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    """As in a zip of CycleGAN's folder of checkpoints: the two are told apart, or refused."""
    path = tmp_path / "checkpoints.zip"
    path.write_bytes(zipped({f"{folder}/latest_net_G.pth": folder.encode() for folder in ("horse2zebra", "sat2map")}))
    with suppress(BadWeights), unpacked(path) as files:
        assert [file.read_bytes() for file in files] == [b"horse2zebra", b"sat2map"]


def test_an_encrypted_zip_is_called_one(tmp_path: Path) -> None:
    packed = bytearray(zipped({"net.ckpt": b"x" * 1000}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(mark) + flags] |= 1
    assert "encrypted" in refusal(tmp_path / "weights.zip", bytes(packed))


def test_a_disk_that_fills_up_meanwhile_is_called_full(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = tmp_path / "weights.zip", Path.open
    path.write_bytes(zipped({"net.ckpt": b"x" * 1000}))

    def no_room(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if "w" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", no_room)
    with pytest.raises(NotEnoughSpace):
        import_checkpoint(NAME, path)
    assert not list(home.iterdir())


def test_a_name_of_two_lines_in_an_archive_stands_on_one(tmp_path: Path) -> None:
    archive = zipped({"models/two\nlines\u202e.ckpt": b"no checkpoint \0"})
    assert refusal(tmp_path / "a.zip", archive).startswith("two_lines_.ckpt is ")
