"""What is no checkpoint, damaged or hostile: refused in one sentence that names it, and nothing of it runs."""

import ast
import io
import os
import pickle
import random
import subprocess
import tarfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from deepfake_core.errors import BadWeights
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.reading import read_checkpoint, unpacked
from deepfake_core.hub.store import load
from tests.hub.checkpoints import NAME, PACKINGS, refusal, saved, zipped
from tests.hub.test_importing import FILES, table

pytestmark = pytest.mark.usefixtures("home")

REPOSITORY = Path(__file__).parents[2]
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
