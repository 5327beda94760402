"""`weights pull` with the Hub client against a server on loopback: what goes well, and all that does not."""

import errno
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants

from deepfake_core.cli import main
from deepfake_core.errors import (
    BadRequest,
    BadWeights,
    DownloadFailed,
    LicenceNotAccepted,
    MissingFile,
    NotEnoughSpace,
    WeightsMissing,
)
from deepfake_core.hub import downloads, pulling
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.pulling import Converting, Pulled, Waiting, known_hashes, pull
from deepfake_core.hub.store import find, load
from tests.hub.hub_server import PIECE, Hub, serve
from tests.hub.test_importing import table

NAME = "cyclegan-horse2zebra"
REPOSITORY = Path(__file__).parents[2]


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
    source = entry(NAME).hub
    assert source is not None
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", PIECE)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(downloads, "PROGRESS_INTERVAL", 0.02)
    monkeypatch.setattr(downloads, "PAUSE", 0.05)
    with serve(Hub(files={(f"spaces/{source.repo}", source.file): checkpoint})) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        yield running


def last(name: str = NAME, **options: object) -> Pulled:
    *_, done = pull(name, **options)  # type: ignore[arg-type]
    assert isinstance(done, Pulled)
    return done


def test_pull_shows_bytes_converts_and_writes_down_where_it_came_from(hub: Hub, checkpoint: bytes) -> None:
    hub.pause = 0.01
    steps = list(pull(NAME))
    fetching = [step for step in steps if isinstance(step, Fetching)]
    assert [step.done for step in fetching] == sorted(step.done for step in fetching)
    some = fetching[len(fetching) // 2]
    assert some.total == len(checkpoint) and 0 < some.done < some.total and some.file == "latest_net_G.pth"
    assert some.seconds_left is not None and 0 < some.seconds_left < 60
    assert isinstance(steps[-2], Converting) and isinstance(steps[-1], Pulled)
    loaded = load(NAME, "cyclegan")
    assert loaded.network.state_dict()["last.bias"].flatten()[0].item() == pytest.approx(0.047)
    commit = hashlib.sha1(checkpoint).hexdigest()
    assert f"commit {commit}" in loaded.metadata["origin"] and loaded.metadata["licence"]
    assert last().notes == ("Already installed.",) and len(hub.gets()) == 1


def test_a_hash_is_trusted_on_first_use_and_held_to_after_that(hub: Hub, checkpoint: bytes, tmp_path: Path) -> None:
    digest = hashlib.sha256(checkpoint).hexdigest()
    assert any("trusted on first use" in note and digest in note for note in last().notes)
    assert known_hashes() == {NAME: digest}
    assert main(["weights", "remove", NAME]) == 0 and find(NAME) is None
    assert any("the first download" in note for note in last().notes)
    main(["weights", "remove", NAME])
    key = next(iter(hub.files))
    hub.files[key] = checkpoint + b"\0"
    with pytest.raises(BadWeights, match=r"does not match the first download"):
        last()
    refused = hashlib.sha1(checkpoint + b"\0").hexdigest()
    kept = [path for path in (tmp_path / "hf").rglob("latest_net_G.pth") if refused in path.parts]
    assert find(NAME) is None and not kept
    hub.files[key] = checkpoint
    assert last()


def test_a_wrong_sha256_is_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(entry(NAME), sha256="0" * 64)
    monkeypatch.setattr(pulling, "entry", lambda name: wrong)
    with pytest.raises(BadWeights, match="does not match the manifest"):
        last()
    assert find(NAME) is None


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub, checkpoint: bytes) -> None:
    hub.breaks = [10 * PIECE, 5 * PIECE]
    last()
    ranges = [span for _, _, span in hub.gets()]
    assert ranges[0] == "" and len(ranges) == 3
    begins = [int(span.removeprefix("bytes=").split("-")[0]) for span in ranges[1:]]
    assert 0 < begins[0] <= 10 * PIECE < begins[1] + PIECE <= 16 * PIECE


@pytest.mark.parametrize("fault", ["statuses", "head_statuses"])
def test_a_server_that_fails_once_is_asked_again(hub: Hub, fault: str) -> None:
    setattr(hub, fault, [500])
    assert last()


@pytest.mark.parametrize(
    ("statuses", "error", "words"),
    [
        ([500] * 9, DownloadFailed, "returned error 500; try again later"),
        ([403], DownloadFailed, "HF_TOKEN"),
    ],
)
def test_a_server_that_goes_on_failing_is_named(
    hub: Hub, statuses: list[int], error: type[Exception], words: str
) -> None:
    hub.statuses = statuses
    with pytest.raises(error, match=words):
        last()
    assert find(NAME) is None


def test_what_is_gone_or_closed_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    (key, content), *_ = hub.files.items()
    hub.files = {(key[0], "other.txt"): content}
    with pytest.raises(MissingFile, match=r"has no file checkpoints/horse2zebra_pretrained"):
        last()
    hub.files = {}
    with pytest.raises(MissingFile, match="no longer exists"):
        last()
    hub.files, hub.token = {key: content}, "hf_secret"
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises((DownloadFailed, MissingFile), match="HF_TOKEN"):
        last()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert last()


def test_a_slow_server_meets_the_time_limit(hub: Hub, tmp_path: Path) -> None:
    hub.pause = 0.2
    began = time.monotonic()
    with pytest.raises(DownloadFailed, match="too slow"):
        last(time_limit=0.5)
    assert time.monotonic() - began < 5 and find(NAME) is None


def test_closing_the_iterator_ends_the_download(hub: Hub, tmp_path: Path) -> None:
    hub.pause = 0.05
    steps = pull(NAME)
    assert any(isinstance(step, Fetching) and step.done for step in steps)
    steps.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while list((tmp_path / "hf").rglob("*.incomplete")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list((tmp_path / "hf").rglob("*.incomplete")) and find(NAME) is None
    hub.pause = 0.0
    assert last(), "the lock is free again"


def test_offline_with_and_without_the_file(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadFailed, match="HF_HUB_OFFLINE"):
        last()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    last()
    main(["weights", "remove", NAME])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.asked)
    assert last() and len(hub.asked) == asked, "the client's cache has it still"


def test_no_server_at_all(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        last()


def test_two_processes_fetch_it_once(hub: Hub, tmp_path: Path) -> None:
    """Settings come from the environment here, as a user gives them."""
    hub.pause = 0.05
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf-home"),
        "DEEPFAKE_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "deepfake_core", "weights", "pull", NAME, "--json"]
    running = [
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=200) for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    notes = [json.loads(output)["notes"] for output, _ in outputs]
    assert sum("Already" in note[0] for note in notes) == 1 and len(hub.gets()) == 1
    assert load(NAME, "cyclegan") and (tmp_path / "hf-home" / "hub").is_dir()


def test_who_waits_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "WAIT", 0.02)
    hub.pause = 0.01
    first = pull(NAME)
    assert isinstance(next(first), Fetching)
    second = pull(NAME)
    assert isinstance(next(second), Waiting)
    assert isinstance(list(first)[-1], Pulled)
    assert isinstance(list(second)[-1], Pulled) and len(hub.gets()) == 1


def test_a_full_disk_leaves_nothing(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10_000_000))
        with pytest.raises(NotEnoughSpace, match=r"0\.1 GB"):
            last()
    assert not hub.gets()

    def no_room(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(downloads, "hf_hub_download", no_room)
        with pytest.raises(NotEnoughSpace, match="was not downloaded"):
            last()
    with monkeypatch.context() as full:
        full.setattr("deepfake_core.hub.store.save_file", no_room)
        with pytest.raises(NotEnoughSpace, match="was not written"):
            last()
    assert find(NAME) is None and not list((tmp_path / "home").glob("*.part*"))
    assert last()


def test_a_licence_is_accepted_first(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(LicenceNotAccepted, match="CC BY-NC"):
        last("fomm-vox-adv")
    assert not hub.asked
    assert main(["weights", "pull", "fomm-vox-adv"]) == 2
    assert "accept" in capsys.readouterr().err
    with pytest.raises(MissingFile):  # accepted, so the server is asked
        last("fomm-vox-adv", accept_licence=True)
    with pytest.raises(BadRequest, match="is not on the Hub"):
        last("fomm-taichi", accept_licence=True)
    with pytest.raises(BadRequest, match="is part of the repository"):
        last("fomm-starter")


def test_a_mirror_is_filled_and_asked_first(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadRequest, match="DEEPFAKE_WEIGHTS_REPO"):
        main_push()
    monkeypatch.setenv("DEEPFAKE_WEIGHTS_REPO", "me/weights")
    assert any("first use" in note for note in last().notes), "what the mirror lacks comes from its own source"
    path = find(NAME)
    assert path is not None
    content = path.read_bytes()
    assert main(["weights", "push", NAME]) == 0
    assert hub.pushed == {f"{NAME}.safetensors": content}
    hub.files = {("me/weights", f"{NAME}.safetensors"): content}
    main(["weights", "remove", NAME])
    assert "mirror" in last().notes[0]
    again = find(NAME)
    assert again is not None and again.read_bytes() == content
    main(["weights", "remove", NAME])
    hub.files = {("me/weights", f"{NAME}.safetensors"): content[:-1]}
    with pytest.raises(BadWeights):
        last()
    assert find(NAME) is None
    with pytest.raises(WeightsMissing):
        main_push()


def main_push() -> None:
    from deepfake_core.hub.inventory import push

    list(push([NAME]))


def test_verify_names_what_is_damaged_and_it_is_not_loaded(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    last()
    assert main(["weights", "verify"]) == 0
    assert f"{NAME}: OK (checksum matches)" in capsys.readouterr().out
    path = find(NAME)
    assert path is not None
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    assert main(["weights", "verify"]) == 2
    assert f"{NAME} is damaged" in capsys.readouterr().err
    with pytest.raises(BadWeights, match="damaged"):
        load(NAME, "cyclegan")
