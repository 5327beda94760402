"""Checkpoints that are small on the disk and huge in memory are refused before they are unpacked."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deepfake_core.errors import BadWeights
from deepfake_core.hub import pickle_check
from deepfake_core.hub.pickle_check import LARGEST_PICKLE, check_checkpoint
from deepfake_core.hub.reading import is_archive, read_checkpoint, unpacked

REPOSITORY = Path(__file__).parents[2]
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
GROWTH = 300
"""Megabytes that one refusal may take."""


def torch_zip(pickled: bytes, method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    """A file as today's torch writes it, with another content."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in (("data.pkl", pickled), ("version", b"3\n"), ("byteorder", b"little")):
            archive.writestr(f"archive/{name}", content)
        archive.comment = comment
    return written.getvalue()


def legacy(pickled: bytes, keys: bytes = pickle.dumps([], protocol=2)) -> bytes:
    """A file as torch wrote it before 1.6."""
    about = {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return b"".join(pickle.dumps(one, protocol=2) for one in (MAGIC, PROTOCOL, about)) + pickled + keys


def called(name: str, argument: bytes) -> bytes:
    """A pickle that calls `name` ("module name") with one argument."""
    return b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n" + argument + b"\x85R."


def storage(numel: int) -> bytes:
    """A legacy pickle of a tensor that says how many numbers it has."""
    kept = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0aX\x03\0\0\0cpu\x8a\x05" + numel.to_bytes(5, "little")
    return (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n("
        + kept
        + b"NtQK\0K\x01\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR."
    )


LISTS = b"\x80\x02(" + b"]" * (12 << 20) + b"l."
NUMBER = b"\x8a\x05" + (2**30).to_bytes(5, "little")
MEMBER = b"PK\1\2" + bytes(24) + b"\1\0" + bytes(16) + b"a"


def many_members() -> bytes:
    """A zip that lists half a million members."""
    count = 500_000
    size = len(MEMBER) * count
    end = b"PK\5\6" + bytes(4) + b"\xff\xff\xff\xff" + size.to_bytes(4, "little") + bytes(6)
    return MEMBER * count + end


HUNGRY: dict[str, tuple[Callable[[], bytes], str]] = {
    "deflated": (lambda: torch_zip(b"\x80\x02" + bytes(600 << 20), zipfile.ZIP_DEFLATED), "compressed members"),
    "stored lists": (lambda: torch_zip(LISTS), "more than 4 MB"),
    "legacy lists": (lambda: legacy(LISTS), "more than 4 MB"),
    "a large array in a zip": (lambda: torch_zip(called("builtins bytearray", NUMBER)), "contains code"),
    "a large array in a legacy file": (lambda: legacy(called("__builtin__ bytearray", NUMBER)), "contains code"),
    "numbers that are not there": (lambda: legacy(storage(2**36), pickle.dumps(["a"], 2)), "damaged"),
    "many members": (many_members, "has a directory of"),
}

MEASURE = """
import json, resource, sys
from pathlib import Path
from deepfake_core.errors import BadWeights
from deepfake_core.hub.importing import import_checkpoint
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
at_rest = peak()
try:
    import_checkpoint("cyclegan-style_monet", Path(sys.argv[1]))
except BadWeights as error:
    print(json.dumps([peak() - at_rest, str(error)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux tells it")
@pytest.mark.parametrize("what", HUNGRY)
def test_a_refusal_takes_little_memory(what: str, tmp_path: Path) -> None:
    make, words = HUNGRY[what]
    path = tmp_path / "net.pth"
    path.write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    grown, said = json.loads(done.stdout)
    assert words in said and said.startswith("net.pth")
    assert grown < GROWTH, f"{grown} MB"


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole + whole,
        lambda whole: b"PK\3\4" + whole,
        lambda whole: whole[:-2] + b"\3\0abc",
        lambda whole: whole[:-6] + b"\0\0\0\0\0\0",
    ],
    ids=["twice", "moved", "comment", "elsewhere"],
)
def test_a_zip_that_two_programs_may_read_differently_is_refused(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """`zipfile` checks it, torch reads it: both must find the same list of members."""
    whole = torch_zip(pickle.dumps({}, 2))
    path = tmp_path / "net.pth"
    path.write_bytes(whole)
    check_checkpoint(path)
    path.write_bytes(change(whole))
    with pytest.raises(BadWeights):
        check_checkpoint(path)


def test_a_legacy_file_with_a_zip_behind_it_is_read_as_what_torch_reads(tmp_path: Path) -> None:
    """And the other way round: the first bytes decide for both."""
    path = tmp_path / "net.pth"
    path.write_bytes(legacy(called("builtins bytearray", NUMBER)) + torch_zip(pickle.dumps({}, 2)))
    with pytest.raises(BadWeights, match="contains code"):
        read_checkpoint(path)


@pytest.mark.parametrize("new", [True, False], ids=["today's", "older"])
def test_what_training_really_writes_passes(new: bool, tmp_path: Path) -> None:
    """A network of 200 layers with its optimizer, half precision, whole numbers, shared tensors and parameters."""
    network = torch.nn.Sequential(*(torch.nn.BatchNorm1d(4) for _ in range(200)))
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(3, 4)).sum().backward()
    optimizer.step()
    kept = {
        "generator": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "parameters": OrderedDict(network.named_parameters()),
        "half": torch.zeros(3, dtype=torch.float16),
        "brain": torch.zeros(3, dtype=torch.bfloat16),
        "flags": torch.zeros(3, dtype=torch.bool),
        "epoch": 7,
        "shape": torch.Size((1, 2)),
    }
    path = tmp_path / "net.pth.tar"
    torch.save(kept, path, _use_new_zipfile_serialization=new)
    read = read_checkpoint(path)
    assert read["epoch"] == 7 and read["generator"].keys() == network.state_dict().keys()
    assert path.stat().st_size > 100_000


def test_more_numbers_than_bytes_are_refused(tmp_path: Path) -> None:
    """Members that overlap, each as large as the file."""
    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(10_000), "b": torch.zeros(10_000)}, path)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if one.file_size == 40_000]
        start = archive.start_dir
    for one in members:
        at = data.index(one.filename.encode(), start) - 46
        data[at + 20 : at + 28] = (70_000).to_bytes(4, "little") * 2
    path.write_bytes(data)
    with pytest.raises(BadWeights, match="declares more data than its"):
        read_checkpoint(path)


def test_steps_and_members_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(torch_zip(b"\x80\x02(" + b"]" * 1000 + b"l."))
    check_checkpoint(path)
    monkeypatch.setattr(pickle_check, "MOST_STEPS", 999)
    with pytest.raises(BadWeights, match="999 opcodes"):
        check_checkpoint(path)
    assert LARGEST_PICKLE == 4 << 20
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("net.pth", b"x")
        archive.comment = b"from the authors"
    path.write_bytes(packed.getvalue())
    assert is_archive(path)
    monkeypatch.setattr(pickle_check, "LARGEST_DIRECTORY", 10)
    with pytest.raises(BadWeights, match="has a directory of"), unpacked(path):
        pass
