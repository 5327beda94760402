"""`DEEPFAKE_PULL` in a started app: the page is up at once, weights are used when they are there, none come twice."""

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import torch

from benchmarks.load.server import serving
from deepfake_core.errors import UnknownModel
from deepfake_core.hub import manifest as shipped_weights
from deepfake_core.hub.manifest import HubFile, entry
from deepfake_core.hub.startup import STARTUP, StartupPull, Wanted, requested
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.startup_line import startup_line
from tests.hub.hub_server import Hub, serve
from tests.hub.test_importing import FILES, table

NAME = "stargan-celeba-128"
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A Hub with StarGAN's generator, which sends it in some seconds."""
    source = entry(NAME).sources[0]
    assert isinstance(source, HubFile)
    state = {key: value.clone() for key, value in table("stargan", "G_c5").items()}  # of its real size
    written = io.BytesIO()
    torch.save(state, written)
    with serve(Hub(files={(source.repo, source.file): written.getvalue()}, pause=0.01)) as running:
        yield running


def test_named_weights_come_in_the_background_and_once(hub: Hub, tmp_path: Path) -> None:
    environment = {
        "DEEPFAKE_PULL": NAME,
        "DEEPFAKE_HOME": str(tmp_path),
        "GRADIO_TEMP_DIR": str(tmp_path / "gradio"),
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
    }
    path = tmp_path / f"{NAME}.safetensors"
    with serving(tmp_path, environment) as server:
        assert httpx.get(server.address, timeout=60).status_code == 200
        assert not path.exists(), "the page did not wait for them"
        wait_until(path.exists)
        wait_until(lambda: not any((tmp_path / "partial").iterdir()), 30)
    asked = len(hub.asked)
    assert hub.gets()[0][2] == ""
    with serving(tmp_path, environment) as server:
        assert httpx.get(server.address, timeout=60).status_code == 200
        time.sleep(5)
    assert len(hub.asked) == asked, "a restart takes nothing twice"


def test_what_lies_in_weights_is_converted_at_the_start_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    starter = shipped_weights.WEIGHTS / "stargan-starter.safetensors"
    for path in (starter, shipped_weights.WEIGHTS / "manifest.toml"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(shipped_weights, "WEIGHTS", tmp_path)
    engine = Engine(device="cpu")
    assert engine.model("stargan").name == "stargan-starter"
    torch.save(FILES[NAME](), tmp_path / f"{NAME}.ckpt")
    pull, told = StartupPull(), list[str]()
    pull.start(told.append)
    wait_until(lambda: told == [NAME])
    assert pull.over and engine.model("stargan").name == NAME


def wait_until(condition: object, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_wrong_name_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEEPFAKE_PULL", " fomm-vox-adv, stargan-celeba-128 ,")
    assert requested() == ["fomm-vox-adv", "stargan-celeba-128"]
    monkeypatch.setenv("DEEPFAKE_PULL", "fomm-vox-advanced")
    with pytest.raises(UnknownModel, match="fomm-vox-advanced"):
        requested()
    code = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env={**os.environ, "DEEPFAKE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert code.returncode == 1 and "app.py: unknown weights 'fomm-vox-advanced'" in code.stderr


def test_the_line_says_what_is_being_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Wanted("fomm-vox", error="no source of fomm-vox works", over=True)
    monkeypatch.setattr(STARTUP, "wanted", [Wanted("fomm-vox-adv"), failed, Wanted("fan-wing", over=True)])
    everything = startup_line()
    assert "fomm-vox-adv is going to be installed" in everything
    assert "fomm-vox was not installed at the start: no source of fomm-vox works." in everything
    assert "fan-wing" not in everything and not STARTUP.over
    assert startup_line({"stargan-celeba-128"}) == ""
