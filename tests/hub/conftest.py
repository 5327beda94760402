"""The Hub client, turned to a server on loopback, and a folder of weights."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from deepfake_core.hub import downloads, manifest, transfer
from deepfake_core.hub.manifest import HubFile
from tests.hub.hub_server import PIECE, Hub, serve
from tests.hub.pulled import NAME
from tests.hub.test_importing import table


@pytest.fixture(scope="session")
def checkpoint() -> bytes:
    """A generator in the authors' layout, with made-up numbers, of some 2 MB."""
    state = table("cyclegan", "G_resnet_9blocks")
    state["model.10.conv_block.1.weight"] = torch.rand(state["model.10.conv_block.1.weight"].shape)
    written = io.BytesIO()
    torch.save(state, written)
    return written.getvalue()


@pytest.fixture
def hub(checkpoint: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The server, with the client turned to it; the client reads its own settings once, when it is imported."""
    everything = manifest.manifest()
    source = everything[NAME].sources[0]
    assert isinstance(source, HubFile)
    everything[NAME] = replace(everything[NAME], sources=(source,))
    monkeypatch.setattr(manifest, "manifest", lambda folder=None: everything)
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(transfer, "CHUNK", PIECE)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(downloads, "PROGRESS_INTERVAL", 0.02)
    monkeypatch.setattr(downloads, "PAUSE", 0.05)
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.2)))  # the client pauses for up to 8 s
    with serve(Hub(files={(f"spaces/{source.repo}", source.file): checkpoint})) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield running


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights, not made yet."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
