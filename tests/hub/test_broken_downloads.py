"""`weights pull` when something fails: the connection, the server, time or room."""

import errno
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from deepfake_core.errors import (
    DownloadFailed,
    MissingFile,
    NotEnoughSpace,
)
from deepfake_core.hub import downloads
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.pulling import pull
from deepfake_core.hub.store import find
from tests.hub.hub_server import PIECE, Hub
from tests.hub.pulled import NAME, fill_cache, last


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
    assert find(NAME) is None
    hub.pause = 0.0
    assert last(), "the lock is free again"
    begin = int(hub.gets()[-1][2].removeprefix("bytes=").split("-")[0])
    assert begin > 0, "what had arrived is not asked for again"
    assert not list((tmp_path / "home" / "partial").iterdir())


def test_offline_with_and_without_the_file(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadFailed, match="HF_HUB_OFFLINE"):
        last()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    path = fill_cache()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.asked)
    assert last() and len(hub.asked) == asked, "a Space's preload_from_hub has fetched it at build time"
    assert path.is_file(), "that cache is not ours to change"


def test_no_server_at_all(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        last()


def test_a_full_disk_leaves_nothing(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10_000_000))
        with pytest.raises(NotEnoughSpace, match=r"0\.1 GB"):
            last()
    assert not hub.gets()

    def no_room(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(downloads, "receive", no_room)
        with pytest.raises(NotEnoughSpace, match="was not downloaded"):
            last()
    with monkeypatch.context() as full:
        full.setattr("deepfake_core.hub.store.save_file", no_room)
        with pytest.raises(NotEnoughSpace, match="was not written"):
            last()
    assert find(NAME) is None and not list((tmp_path / "home").glob("*.part*"))
    assert last()
