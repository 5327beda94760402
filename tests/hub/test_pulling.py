"""`weights pull` with the Hub client against a server on loopback: what goes well."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deepfake_core.cli import main
from deepfake_core.errors import (
    BadRequest,
    BadWeights,
    LicenceNotAccepted,
    MissingFile,
    WeightsMissing,
)
from deepfake_core.hub import pulling
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.manifest import entry
from deepfake_core.hub.pulling import Converting, Pulled, Waiting, pull
from deepfake_core.hub.store import find, load
from deepfake_core.hub.trusted import known_hashes
from tests.hub.hub_server import Hub
from tests.hub.pulled import NAME, last

REPOSITORY = Path(__file__).parents[2]


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
    assert known_hashes() == {entry(NAME).sources[0].label: digest}
    assert main(["weights", "remove", NAME]) == 0 and find(NAME) is None
    assert any("the first download" in note for note in last().notes)
    main(["weights", "remove", NAME])
    key = next(iter(hub.files))
    hub.files[key] = checkpoint + b"\0"
    with pytest.raises(BadWeights, match=r"does not match the first download"):
        last()
    assert find(NAME) is None and not list((tmp_path / "home" / "partial").iterdir())
    hub.files[key] = checkpoint
    assert last()


def test_a_wrong_sha256_is_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(entry(NAME), sha256="0" * 64)
    monkeypatch.setattr(pulling, "entry", lambda name: wrong)
    with pytest.raises(BadWeights, match="does not match the manifest"):
        last()
    assert find(NAME) is None


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
    assert load(NAME, "cyclegan") and not list((tmp_path / "home" / "partial").iterdir())


def test_who_waits_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "WAIT", 0.02)
    hub.pause = 0.01
    first = pull(NAME)
    assert isinstance(next(first), Fetching)
    second = pull(NAME)
    assert isinstance(next(second), Waiting)
    assert isinstance(list(first)[-1], Pulled)
    assert isinstance(list(second)[-1], Pulled) and len(hub.gets()) == 1


def test_a_licence_is_accepted_first(
    hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LicenceNotAccepted, match="CC BY-NC"):
        last("fomm-vox-adv")
    assert not hub.asked
    assert main(["weights", "pull", "fomm-vox-adv"]) == 2
    assert "accept" in capsys.readouterr().err
    only_hub = replace(entry("fomm-vox-adv"), sources=entry("fomm-vox-adv").sources[:1])
    monkeypatch.setattr(pulling, "entry", lambda name: only_hub)
    with pytest.raises(MissingFile):  # accepted, so the server is asked
        last("fomm-vox-adv", accept_licence=True)
    monkeypatch.setattr(pulling, "entry", lambda name: replace(entry(name), sources=()))
    with pytest.raises(BadRequest, match="has no source to download from: get it from the authors' https://github"):
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
