"""Manage weights: list, verify and remove them, and upload them to your own mirror."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined] # from its HTTP client

from deepfake_core.errors import BadRequest, DownloadFailed, WeightsMissing
from deepfake_core.hub import manifest as shipped_weights
from deepfake_core.hub.files import cache_folder, hash_file, sha256_of
from deepfake_core.hub.manifest import Entry, entry, manifest
from deepfake_core.hub.store import expected_hash, find, read_weights, usable
from deepfake_core.settings import settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """Named weights, and whether they are installed."""

    entry: Entry
    path: Path | None
    bytes: int
    """Size of the installed file, else of the original if known, else 0."""
    usable: bool
    """Whether they are installed together with the weights that they need."""

    @property
    def removable(self) -> bool:
        """Whether they can be removed: files in the repository's `weights/` cannot."""
        return self.path is not None and self.path.parent != shipped_weights.WEIGHTS


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedFile:
    """Result of verifying the checksum of a weights file."""

    name: str
    path: Path
    intact: bool
    """Whether the checksum matches, or none is recorded."""
    message: str


def inventory() -> list[Installed]:
    """All named weights in the order of the manifest."""
    rows = []
    for name, one in manifest().items():
        path = find(name)
        size = path.stat().st_size if path else one.bytes or 0
        rows.append(Installed(entry=one, path=path, bytes=size, usable=usable(name)))
    return rows


def free_bytes() -> int:
    """Free space on the disk of the weights cache."""
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def verify(names: Sequence[str] = ()) -> Iterator[VerifiedFile]:
    """Compare the checksum of the installed weights, or of `names`, with the one recorded when they were written.

    Raises `WeightsMissing` when one of `names` is not installed.
    """
    requested = [entry(name) for name in names] or list(manifest().values())
    for one in requested:
        path = find(one.name)
        if path is None:
            if names:
                raise WeightsMissing(f"{one.name} is not installed; omit it, or pull it first")
            continue
        expected = expected_hash(path, one)
        intact = expected is None or sha256_of(path) == expected
        message = "OK (checksum matches)" if intact else f"damaged; run 'weights remove {one.name}' and pull it again"
        if expected is None:
            message = "no checksum recorded; pull or import it again to record one"
        yield VerifiedFile(name=one.name, path=path, intact=intact, message=message)


def remove(name: str) -> Path:
    """Delete downloaded or imported weights; returns their path.

    Its recorded hash, with which later downloads are compared, is kept. Raises `WeightsMissing`, or `BadRequest` for
    files in the repository's `weights/`.
    """
    path = find(name)
    if path is None:
        raise WeightsMissing(f"{name} is not installed, so there is nothing to remove")
    if path.parent == shipped_weights.WEIGHTS:
        raise BadRequest(f"{name} is in {path.parent}; only downloaded or imported weights can be removed")
    hash_file(path).unlink(missing_ok=True)
    path.unlink()
    return path


def push(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Upload converted weights to the mirror `$DEEPFAKE_WEIGHTS_REPO`; yields (name, URL) of each.

    Raises `BadRequest` without a mirror, `WeightsMissing`, or `DownloadFailed` when the Hub rejects the upload.
    """
    mirror = settings().weights_repo
    if not mirror:
        raise BadRequest("set DEEPFAKE_WEIGHTS_REPO to the model repository to upload to, such as you/weights")
    files = {name: find(name) for name in names}
    if absent := [name for name, path in files.items() if path is None]:
        raise WeightsMissing(f"{absent[0]} is not installed; pull or import it before pushing it")
    api = HfApi(library_name="deepfake-lab")
    try:
        api.create_repo(mirror, repo_type="model", private=True, exist_ok=True)
        for name, path in files.items():
            assert path is not None
            read_weights(path)  # raises for a damaged file
            commit = api.upload_file(path_or_fileobj=path, path_in_repo=f"{name}.safetensors", repo_id=mirror)
            yield name, str(commit.commit_url)
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise DownloadFailed(f"uploading to {mirror} failed ({error}); check that HF_TOKEN has write access") from error
