"""A hostile Hub: whatever it sends, nothing outside the client's cache is read, written, linked or removed."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from deepfake_core.cli import main
from deepfake_core.errors import BadWeights, DownloadFailed, LabError
from deepfake_core.hub import downloads, files, pulling
from deepfake_core.hub.hub_client import COMMIT, ETAG, cached_file, find_cached
from deepfake_core.hub.manifest import HubFile, entry
from deepfake_core.hub.store import find
from tests.hub.hub_server import Hub
from tests.hub.pulled import NAME, fill_cache, last

SECRET = "private"
PATHS = {
    "absolute": "{canary}",
    "absolute, in quotes": '"{canary}"',
    "absolute, weak": 'W/"{canary}"',
    "absolute, not there yet": "{outside}/planted",
    "upwards": "../../../outside/canary",
    "upwards, in quotes": '"../../../outside/canary"',
    "a folder": "..",
    "the folder itself": ".",
    "a home": "~/canary",
    "with a slash": "abc/def",
    "with a backslash": "..\\..\\canary",
    "with a drive": "C:canary",
    "with a tab": "ab\tcd",
    "huge": "a" * 5000,
    "a letter that is stripped": "W",
    "latin": "caf\xe9",
}
"""What takes the place of a hash; `{canary}` is a file outside the cache that nobody may touch."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file in it, beside the cache."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "canary").write_text(SECRET)
    (folder / "canary").chmod(0o600)
    return folder


def require_untouched(outside: Path, tmp_path: Path) -> None:
    """The file is as it was, alone there, and no link in any of our folders leads out of its own folder."""
    assert [path.name for path in outside.iterdir()] == ["canary"]
    assert (outside / "canary").read_text() == SECRET and (outside / "canary").stat().st_nlink == 1
    caches = [tmp_path / "hf", tmp_path / "home"]
    assert {path.name for path in tmp_path.iterdir()} <= {"hf", "home", "outside"}
    for cache in caches:
        for path in cache.rglob("*"):
            assert path.resolve().is_relative_to(cache), f"{path} leads to {path.resolve()}"


@pytest.mark.parametrize("header", ["ETag", "X-Linked-ETag", "X-Repo-Commit"])
@pytest.mark.parametrize("kind", PATHS)
def test_a_path_in_place_of_a_hash_is_refused(
    kind: str, header: str, hub: Hub, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the file that it leads to, were it followed, the hash is wrong: it would be removed."""
    monkeypatch.setattr(pulling, "entry", lambda name: replace(entry(name), sha256="0" * 64))
    hub.headers = {header: PATHS[kind].format(canary=outside / "canary", outside=outside)}
    with pytest.raises(DownloadFailed, match=f"sent {header} .* not a hash; nothing was written") as refused:
        last()
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 400
    assert find(NAME) is None and not hub.gets()
    require_untouched(outside, tmp_path)


@pytest.mark.parametrize("status", [401, 403, 404, 416, 500])
def test_a_commit_of_a_file_that_is_not_there_is_checked_as_well(
    status: int, hub: Hub, outside: Path, tmp_path: Path
) -> None:
    """The client writes down for which commit a file was missing."""
    hub.files = {(repository, "other"): content for (repository, _), content in hub.files.items()}
    hub.head_statuses = [status] * 9 if status != 404 else []
    hub.headers = {"X-Repo-Commit": str(outside / "planted")}
    with pytest.raises(DownloadFailed, match="sent X-Repo-Commit"):
        last()
    require_untouched(outside, tmp_path)


@pytest.mark.parametrize("target", ["file://{canary}", "{canary}", "//{canary}", "ftp://127.0.0.1/x", "data:,x"])
def test_a_redirect_to_a_file_reads_none(target: str, hub: Hub, outside: Path, tmp_path: Path) -> None:
    hub.redirect = target.format(canary=outside / "canary")
    with pytest.raises(LabError):
        last()
    assert find(NAME) is None
    require_untouched(outside, tmp_path)


@pytest.mark.parametrize("hash_of_xet", ["/etc/passwd", "../../outside/canary", "a" * 5000])
def test_a_hash_of_its_other_storage_makes_no_path(hash_of_xet: str, hub: Hub, outside: Path, tmp_path: Path) -> None:
    hub.headers = {"X-Xet-Hash": hash_of_xet, "X-Xet-Refresh-Route": f"{hub.url}/xet"}
    try:
        last()
    except LabError:
        assert find(NAME) is None
    require_untouched(outside, tmp_path)


@pytest.mark.parametrize("name", ["../../../outside/canary", "a/../../../../outside/canary", "..", "/etc/passwd"])
def test_a_file_name_with_dots_is_refused(name: str, hub: Hub, outside: Path, tmp_path: Path) -> None:
    """As a manifest of one's own might hold it."""
    source = hub_file()
    hub.files = {(f"spaces/{source.repo}", name): b"planted"}
    with pytest.raises(LabError):
        list(downloads.fetch(HubFile(repo=source.repo, kind="space", file=name)))
    require_untouched(outside, tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs links")
@pytest.mark.parametrize("what", ["file", "folder", "device"])
def test_a_link_that_was_planted_before_is_neither_read_nor_followed(
    what: str, hub: Hub, outside: Path, tmp_path: Path
) -> None:
    """In the cache of the Hub's client, by an earlier version, for one."""
    pointer = fill_cache()
    pointer.unlink()
    pointer.symlink_to({"file": outside / "canary", "folder": tmp_path / "hf", "device": Path("/dev/null")}[what])
    if what == "file":
        with pytest.raises(DownloadFailed, match="neither read nor changed; remove"):
            last()
    else:  # the client itself takes them for no file, so that it is downloaded
        assert find_cached(hub_file()) is None and last()
        main(["weights", "remove", NAME])
    assert pointer.is_symlink() and (outside / "canary").read_text() == SECRET
    pointer.unlink()
    assert last()


def hub_file() -> HubFile:
    source = entry(NAME).sources[0]
    assert isinstance(source, HubFile)
    return source


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_folder_of_the_cache_that_leads_outside_is_not_followed(hub: Hub, outside: Path, tmp_path: Path) -> None:
    pointer = fill_cache()
    pointer.rename(outside / pointer.name)
    pointer.parent.rmdir()
    pointer.parent.symlink_to(outside)
    with pytest.raises(DownloadFailed):
        cached_file(pointer)
    assert (outside / pointer.name).is_symlink()


def test_a_wrong_file_goes_from_our_folder_and_from_nowhere_else(
    hub: Hub, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = fill_cache()
    monkeypatch.setattr(pulling, "entry", lambda name: replace(entry(name), sha256="0" * 64))
    with pytest.raises(BadWeights, match="it was removed"):
        last()
    left = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and path.stat().st_size > 1000]
    assert left == [] and pointer.is_file()
    require_untouched(outside, tmp_path)


def test_headers_of_the_real_hub_and_of_mirrors_pass() -> None:
    sha256 = "9" * 64
    for etag in (f'"{sha256}"', sha256, f'W/"{sha256}"', '"5d41402abc4b2a76b9719d911017c592-12"', '"0a4e"'):
        assert ETAG.fullmatch(etag)
    for commit in ("0123456789abcdef0123456789abcdef01234567", sha256):
        assert COMMIT.fullmatch(commit)
    assert not re.search(r"[/\\]", "".join(chr(code) for code in range(0x110000) if ETAG.fullmatch(f"a{chr(code)}")))


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_in_place_of_a_half_written_file_is_not_written_through(outside: Path, tmp_path: Path) -> None:
    target = tmp_path / "home" / "a.json"
    target.parent.mkdir()
    (target.parent / f".a.json.part-{os.getpid()}").symlink_to(outside / "canary")
    with files.cache_file(target) as draft:
        draft.write_text("new")
    assert target.read_text() == "new" and not target.is_symlink()
    assert (outside / "canary").read_text() == SECRET
