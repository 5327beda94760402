"""What is no checkpoint, damaged, packed or hostile: refused in one sentence that names it, and nothing of it runs."""

import ast
import errno
import io
import os
import pickle
import random
import subprocess
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from deepfake_core.errors import BadWeights, NotEnoughSpace
from deepfake_core.hub import reading
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.reading import read_checkpoint, unpacked
from deepfake_core.hub.store import load
from tests.hub.test_importing import FILES, table

REPOSITORY = Path(__file__).parents[2]
NAME = "cyclegan-style_monet"
PACKINGS = ("today's", "older", "today's in a zip", "older in a zip")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def saved(content: object, packing: str = "today's") -> bytes:
    """A checkpoint as today's or an older torch writes it, perhaps in a zip."""
    written = io.BytesIO()
    torch.save(content, written, _use_new_zipfile_serialization="today's" in packing)
    return zipped({"models/200000-G.ckpt": written.getvalue()}) if "zip" in packing else written.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


def refusal(path: Path, content: bytes, name: str = NAME) -> str:
    """What the import of such a file says, in one line; it leaves nothing behind."""
    path.write_bytes(content)
    with pytest.raises(BadWeights) as refused:
        import_checkpoint(name, path)
    home = Path(os.environ["DEEPFAKE_HOME"])
    assert not home.exists() or not list(home.iterdir())
    assert "\n" not in str(refused.value)
    return str(refused.value)


PAGES = {
    "text": b"Quota exceeded\r\n",
    "JSON": b'{"error": "Repository not found"}',
    "HTML": b"<!DOCTYPE html>\n<html><head><title>Google Drive - Virus scan warning</title></head></html>",
    "cut": b"<p>" + "bestätigen\n".encode() * 100,  # whose 512th byte is half a letter
    "marked": "\ufeff<html>sign in</html>".encode(),
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_was_saved_as_a_checkpoint_is_called_one(page: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "net_G.pth", PAGES[page]).startswith("net_G.pth is a text or web page")


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_torn_file_is_called_damaged(packing: str, tmp_path: Path) -> None:
    """One that ends too early, the first of them at once; one that begins too late is refused, whatever it seems."""
    whole = saved({"model.1.weight": torch.rand(64, 64), "model.1.bias": torch.rand(64)}, packing)
    for share in (0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999):
        end = int(share * len(whole))
        said = refusal(tmp_path / "torn.ckpt", whole[:end])
        assert said.startswith("torn.ckpt") and "damaged" in said
        assert ".ckpt" in refusal(tmp_path / "torn.ckpt", whole[len(whole) - end :])


@pytest.mark.parametrize("packing", PACKINGS)
def test_whatever_is_damaged_is_refused_or_read(packing: str, tmp_path: Path) -> None:
    """Bytes that changed, went or were added somewhere: no error is any other than `BadWeights`."""
    path, dice = tmp_path / "damaged.pth", random.Random(1)
    whole = saved({"generator": {f"model.{place}.weight": torch.rand(4, 3) for place in range(5)}, "epoch": 3}, packing)
    for _ in range(300):
        changed, start = bytearray(whole), dice.randrange(len(whole))
        changed[start : start + dice.choice((0, 1, 2, 64))] = dice.randbytes(dice.choice((0, 1, 2, 64)))
        path.write_bytes(changed)
        with warnings.catch_warnings(action="ignore"), suppress(BadWeights), unpacked(path) as files:
            for file in files:
                read_checkpoint(file)


class Payload:
    """What runs when it is unpickled."""

    def __init__(self, run: Callable[[Any], Any], argument: str) -> None:
        self.run, self.argument = run, argument

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[str]]:
        return self.run, (self.argument,)


def bare(payload: Payload) -> bytes:
    return pickle.dumps(payload, protocol=2)


def in_a_tar(payload: Payload) -> bytes:
    """The layout of the first versions of torch, which `torch.load` still knows."""
    written, content = io.BytesIO(), bare(payload)
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return written.getvalue()


def among_tensors(packing: str, payload: Payload) -> bytes:
    return saved({"model.1.weight": torch.zeros(1), "payload": payload}, packing)


HOSTILE: dict[str, Callable[[Payload], bytes]] = {packing: partial(among_tensors, packing) for packing in PACKINGS}
HOSTILE |= {
    "a bare pickle": bare,
    "a pickle of letters": partial(pickle.dumps, protocol=0),
    "a pickle in a zip": lambda payload: zipped({"net.pth": bare(payload)}),
    "a tar": in_a_tar,
}


@pytest.mark.parametrize("run", [os.system, eval, exec], ids=lambda run: run.__name__)
@pytest.mark.parametrize("way", HOSTILE)
def test_code_in_a_checkpoint_never_runs(way: str, run: Callable[[Any], Any], tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = Payload(run, f"touch '{sprung}'" if run is os.system else f"open({str(sprung)!r}, 'w').close()")
    said = refusal(tmp_path / "net.pth", HOSTILE[way](trap))
    assert "net.pth" in said or "200000-G.ckpt" in said
    assert not sprung.exists()
    pickle.loads(bare(trap))
    assert sprung.exists()  # so it would have sprung


def test_every_torch_load_takes_weights_only() -> None:
    """In each tracked file: where a call does not say so, a pickle could run code."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    calls: dict[str, bool] = {}
    for path in filter(Path.is_file, map(REPOSITORY.joinpath, listed.stdout.splitlines())):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in ("torch", "torch.serialization"):
                assert "load" not in [alias.name for alias in node.names], f"{path.name}: write torch.load in full"
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "torch.serialization.load"):
                said = {word.arg: ast.unparse(word.value) for word in node.keywords}
                calls[f"{path.relative_to(REPOSITORY)}:{node.lineno}"] = said.get("weights_only") == "True"
    assert any(call.startswith("deepfake_core/hub/reading.py") for call in calls)
    assert not [call for call, safe in calls.items() if not safe]


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


PAIRS = {
    "starganv2-afhq": "starganv2-celeba-hq",
    "starganv2-celeba-hq": "starganv2-afhq",
    "stargan-celeba-128": "cyclegan-horse2zebra",
    "cyclegan-style_monet": "stargan-celeba-128",
    "fan-wing": "fomm-vox-adv",
}


@pytest.mark.parametrize("right", PAIRS)
def test_the_right_name_is_offered(right: str, tmp_path: Path) -> None:
    """For a file that is imported under the name of another network, in its own layout or another."""
    said = refusal(tmp_path / "authors.ckpt", saved(FILES[right]()), PAIRS[right])
    offered = "cyclegan-" if right.startswith("cyclegan") else right  # one network for all its names
    assert said.startswith("authors.ckpt") and f"matches {offered}" in said


BIAS, OTHER = "model.10.conv_block.1.bias", "model.11.conv_block.1.bias"
ODD: dict[str, Callable[[], dict[Any, torch.Tensor]]] = {
    "a number as name": lambda: {1: torch.zeros(256)},
    "sparse": lambda: {BIAS: torch.zeros(256).to_sparse()},
    "without numbers": lambda: {BIAS: torch.zeros(256, device="meta")},
    "complex": lambda: {BIAS: torch.zeros(256, dtype=torch.complex64)},
    "whole numbers": lambda: {BIAS: torch.zeros(256, dtype=torch.int64)},
    "shared": lambda: dict.fromkeys((BIAS, OTHER), torch.ones(256)),
    "half": lambda: {BIAS: torch.ones(256, dtype=torch.half)},
}


@pytest.mark.filterwarnings("ignore:Validating sparse")
@pytest.mark.parametrize("odd", ODD)
def test_odd_tensors_are_refused_or_work(odd: str, tmp_path: Path) -> None:
    torch.save({**table("cyclegan", "G_resnet_9blocks"), **ODD[odd]()}, tmp_path / "odd.pth")
    if odd in ("shared", "half"):
        import_checkpoint(NAME, tmp_path / "odd.pth")
        assert {tensor.dtype for tensor in load(NAME, "cyclegan").network.state_dict().values()} == {torch.float32}
    else:
        refusal(tmp_path / "odd.pth", (tmp_path / "odd.pth").read_bytes())


@pytest.mark.parametrize("name", ["fomm-vox-adv", "stargan-celeba-128", "starganv2-afhq", "fan-wing"])
def test_odd_tables_are_refused(name: str, tmp_path: Path) -> None:
    state: dict[Any, Any] = {1: torch.zeros(1), "main.9.main.0.weight": torch.zeros(1)}
    parts = dict.fromkeys(("generator", "kp_detector", "mapping_network", "style_encoder", "state_dict"), state)
    refusal(tmp_path / "odd.pth", saved(state if entry(name).network == "stargan" else parts), name)
    refusal(tmp_path / "odd.pth", saved(parts), name)


def test_a_name_of_two_lines_in_an_archive_stands_on_one(tmp_path: Path) -> None:
    archive = zipped({"models/two\nlines\u202e.ckpt": b"no checkpoint \0"})
    assert refusal(tmp_path / "a.zip", archive).startswith("two_lines_.ckpt is ")
