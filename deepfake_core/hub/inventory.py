"""What is done with weights that are here: look through them, verify, remove, and fill a mirror of one's own."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HTTPError  # type: ignore[attr-defined] # its HTTP client's

from deepfake_core.errors import BadRequest, DownloadFailed, WeightsMissing
from deepfake_core.hub.files import cache_folder, hash_file, sha256_of
from deepfake_core.hub.manifest import Entry, entry, manifest
from deepfake_core.hub.store import find, read_weights, right_hash, usable
from deepfake_core.settings import settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """Some named weights, and whether they are here."""

    entry: Entry
    path: Path | None
    bytes: int
    """Of the file here, else of the original as far as it is known, else 0."""
    usable: bool
    """Whether they are here together with those that they need."""

    @property
    def removable(self) -> bool:
        """What came with the repository stays."""
        return self.path is not None and self.path.parent == cache_folder()


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What became of some weights' bytes."""

    name: str
    path: Path
    sound: bool
    words: str


def inventory() -> list[Installed]:
    """All names, in the manifest's order."""
    rows = []
    for name, one in manifest().items():
        path = find(name)
        size = path.stat().st_size if path else one.bytes or 0
        rows.append(Installed(entry=one, path=path, bytes=size, usable=usable(name)))
    return rows


def free_bytes() -> int:
    """Room on the disk of the folder of weights."""
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def verify(names: Sequence[str] = ()) -> Iterator[Verdict]:
    """Hash again what is here, or those of `names`, and compare with what was written down when they were made."""
    asked = [entry(name) for name in names] or list(manifest().values())
    for one in asked:
        path = find(one.name)
        if path is None:
            if names:
                raise WeightsMissing(f"{one.name} is not on this machine; leave it out, or pull it first")
            continue
        expected = right_hash(path, one)
        sound = expected is None or sha256_of(path) == expected
        words = "as it was made" if sound else f"damaged: remove it with 'weights remove {one.name}' and fetch it again"
        if expected is None:
            words = "no hash was written down when it was made; pull or import it again to have one"
        yield Verdict(name=one.name, path=path, sound=sound, words=words)


def remove(name: str) -> Path:
    """Delete fetched or imported weights; returns where they were.

    The Hub client's copy of the original stays (`hf cache` removes it), and so does its hash, to which a later download
    is held. Raises `WeightsMissing`, or `BadRequest` for starters.
    """
    path = find(name)
    if path is None:
        raise WeightsMissing(f"{name} is not on this machine, so there is nothing to remove")
    if path.parent != cache_folder():
        raise BadRequest(f"{name} comes with the repository and stays; only fetched weights can be removed")
    hash_file(path).unlink(missing_ok=True)
    path.unlink()
    return path


def push(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Upload converted weights to the mirror `$DEEPFAKE_WEIGHTS_REPO`; yields (name, address) of each.

    Raises `BadRequest` without a mirror, `WeightsMissing`, or `DownloadFailed` when the Hub refuses.
    """
    mirror = settings().weights_repo
    if not mirror:
        raise BadRequest("name the model repository to fill in DEEPFAKE_WEIGHTS_REPO, such as you/weights")
    files = {name: find(name) for name in names}
    if absent := [name for name, path in files.items() if path is None]:
        raise WeightsMissing(f"{absent[0]} is not on this machine; pull or import it before it is pushed")
    api = HfApi(library_name="deepfake-lab")
    try:
        api.create_repo(mirror, repo_type="model", private=True, exist_ok=True)
        for name, path in files.items():
            assert path is not None
            read_weights(path)  # nothing that cannot be read is handed on
            made = api.upload_file(path_or_fileobj=path, path_in_repo=f"{name}.safetensors", repo_id=mirror)
            yield name, str(made.commit_url)
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise DownloadFailed(f"{mirror} did not take the weights ({error}); is HF_TOKEN one that may write?") from error
