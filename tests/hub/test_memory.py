"""What an import and a load cost: measured in a process of its own, whose memory nobody else has grown before.

Time is the processor's, and compared with that of hashing the same bytes, because machines differ and are shared.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from deepfake_core.hub.files import hash_file
from deepfake_core.hub.store import save
from deepfake_core.registry import method
from tests.hub.test_importing import table

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
REPOSITORY = Path(__file__).parents[2]
MEGABYTE = 2**20
PARTS = ("generator", "kp_detector")

START = """
import hashlib, json, sys, time
from pathlib import Path
import torch
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.store import load

def peak():  # of this process alone: getrusage would start with what the one that forked it holds
    [line] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return 1024 * int(line.split()[1])

def from_now_on():  # the peak is what is held now, and that is returned
    Path("/proc/self/clear_refs").write_text("5")
    return peak()

def worked(work):  # seconds of the processor, which do not grow where others work on the machine too
    start = time.process_time()
    work()
    return time.process_time() - start
"""

IMPORT = """
small, large = sys.argv[1:]
import_checkpoint("fomm-vox-adv", small)  # so that all modules are there
before = from_now_on()
import_checkpoint("fomm-vox-adv", large)
print(json.dumps(peak() - before))
"""

LOAD = """
path = Path(sys.argv[1])
load(path, "fomm")  # so that the file is in memory already
hashing = min(worked(lambda: hashlib.file_digest(path.open("rb"), "sha256")) for _ in range(3))
loading = min(worked(lambda: load(path, "fomm")) for _ in range(3))
print(json.dumps([hashing, loading]))
"""

HOLD = """
path = Path(sys.argv[1])
load(None, "stargan")  # so that all modules are there
before = from_now_on()
network = load(path, "fomm").network
grown = peak() - before
tensors = list(network.state_dict().values())
maps = [line.split()[0] for line in open("/proc/self/maps") if path.name in line]
spans = [[int(end, 16) for end in span.split("-")] for span in maps]
mapped = [one.nbytes for one in tensors if any(first <= one.data_ptr() < last for first, last in spans)]
print(json.dumps([grown, sum(one.nbytes for one in tensors), sum(mapped)]))
"""


def alone(program: str, *arguments: Path) -> Any:
    """What a program prints that has a process to itself."""
    command = [sys.executable, "-c", START + program, *map(str, arguments)]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files of this test are large, so they go afterwards."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    yield
    shutil.rmtree(tmp_path)


def zeros(network: str) -> dict[str, torch.Tensor]:
    """One network of the authors' file of FOMM, whose every number stands in the file."""
    return {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in table("fomm", network).items()}


@pytest.mark.slow
@pytest.mark.parametrize(("packing", "padding", "most"), [("today's", 200, 0.75), ("older", 200, 2), ("older", 0, 2)])
def test_an_import_takes_at_most_twice_the_file(packing: str, padding: int, most: float, tmp_path: Path) -> None:
    """Today's files are mapped, so what is left out of them, here nearly half, takes no memory."""
    small, large = tmp_path / "small.pth.tar", tmp_path / "vox-adv-cpk.pth.tar"
    torch.save({part: table("fomm", part) for part in PARTS}, small)
    moments = {place: {"exp_avg": torch.zeros(MEGABYTE // 4)} for place in range(padding)}
    content = {part: zeros(part) for part in PARTS} | {"optimizer_generator": {"state": moments}, "epoch": 1}
    torch.save(content, large, _use_new_zipfile_serialization=packing == "today's")
    grown, size = alone(IMPORT, small, large), large.stat().st_size
    print(f"{packing}, {padding} MB beside: {grown / MEGABYTE:.0f} MB for a file of {size / MEGABYTE:.0f} MB")
    assert grown <= most * size


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Weights of about 200 MB, as an import writes them."""
    path, fomm = tmp_path / "large.safetensors", method("fomm")
    config = asdict(fomm.configs()["fomm-vox-adv"])
    with torch.device("meta"):
        state = fomm.build(config).state_dict()
    numbers = {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in state.items()}
    save(numbers, path, {"config": json.dumps(config)}, "fomm")
    assert path.stat().st_size > 180 * MEGABYTE and hash_file(path).is_file()
    return path


def test_loading_takes_little_longer_than_hashing(large: Path) -> None:
    hashing, loading = alone(LOAD, large)
    print(f"{large.stat().st_size / MEGABYTE:.0f} MB: hashed in {hashing:.2f} s, loaded in {loading:.2f} s")
    assert loading <= 2 * hashing + 0.2
    assert loading < 1


def test_loaded_weights_are_not_copied(large: Path) -> None:
    """They stand in the file, which is mapped: no page of it is in memory until it is used."""
    grown, total, mapped = alone(HOLD, large)
    print(f"{grown / MEGABYTE:.0f} MB for {total / MEGABYTE:.0f} MB, of which {mapped / MEGABYTE:.0f} MB are mapped")
    assert grown < total / 4
    assert mapped > 0.99 * total
