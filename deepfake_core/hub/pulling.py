"""`weights pull`: download weights from the Hub or your own mirror into the weights cache, and validate them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from deepfake_core.errors import BadRequest, BadWeights, LicenceNotAccepted, MissingFile, NotEnoughSpace
from deepfake_core.hub.downloads import Fetching, fetch, remove_cached
from deepfake_core.hub.files import cache_file, cache_folder, ensure_folder, sha256_of, write_hash
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import Entry, HubFile, entry
from deepfake_core.hub.store import find, load
from deepfake_core.settings import settings

KNOWN = "known.json"
WAIT = 0.5  # seconds between attempts to take the lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Another process is downloading the same weights."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Converting:
    """The download is complete; the file is being validated and converted."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """The weights are ready to use."""

    name: str
    path: Path
    notes: tuple[str, ...]


Step = Waiting | Fetching | Converting | Pulled


def pull(name: str, *, accept_licence: bool = False, time_limit: float | None = None) -> Iterator[Step]:
    """Download named weights, validate and convert them: yields steps, the last one `Pulled`.

    A licence that forbids commercial use has to be accepted first. Closing the iterator cancels the download; then, as
    after an error, no file appears under the final name. Raises `UnknownModel`, `BadRequest` for weights that need no
    pull or are not on the Hub, `LicenceNotAccepted`, `DownloadFailed`, `MissingFile`, `NotEnoughSpace`, `BadWeights`.
    """
    wanted = entry(name)
    mirror = settings().weights_repo
    if wanted.file:
        raise BadRequest(f"{name} is part of the repository and needs no pull")
    if not (wanted.hub or mirror):
        raise BadRequest(
            f"{name} is not on the Hub: download it from {wanted.source}, then run "
            f"'python -m deepfake_core weights import {name} FILE'"
        )
    if wanted.non_commercial and not accept_licence:
        raise LicenceNotAccepted(f"the licence of {name} is {wanted.licence}; accept it to download the file")
    path = ensure_folder(cache_folder()) / f".{name}.lock"
    lock = FileLock(path, thread_local=False)  # the generator may be resumed in any thread
    yield from wait_for(lock, name)
    try:
        if found := find(name):
            yield Pulled(name=name, path=found, notes=("Already installed.",))
            return
        require_space(wanted)
        yield from (pull_mirror(wanted, mirror, time_limit) if mirror else pull_original(wanted, time_limit))
    finally:
        lock.release()


def wait_for(lock: FileLock, name: str) -> Iterator[Waiting]:
    """Acquire the lock, waiting as long as another process holds it."""
    while True:
        try:
            lock.acquire(timeout=WAIT)
            return
        except Timeout:
            yield Waiting(name=name)


def require_space(wanted: Entry) -> None:
    """Raise `NotEnoughSpace` unless there is space for the original and the converted file."""
    needed, free = 2 * (wanted.bytes or 0), shutil.disk_usage(cache_folder()).free
    if free < needed:
        raise NotEnoughSpace(
            f"{wanted.name} needs about {needed / 1e9:.1f} GB of disk space during the download, and "
            f"{free / 1e9:.1f} GB are free; free some space, or set DEEPFAKE_HOME to another folder"
        )


def pull_original(wanted: Entry, time_limit: float | None) -> Iterator[Step]:
    """Download the authors' file and convert it."""
    assert wanted.hub is not None
    path = yield from fetch(wanted.hub, time_limit=time_limit)
    yield Converting(name=wanted.name)
    note = check_hash(wanted, path)
    source = f"{wanted.hub.kind} {wanted.hub.repo}, {wanted.hub.file}, commit {commit_of(path)}"
    target = import_checkpoint(wanted.name, path, origin=source)
    yield Pulled(name=wanted.name, path=target, notes=(note, f"Licence: {wanted.licence}."))


def pull_mirror(wanted: Entry, mirror: str, time_limit: float | None) -> Iterator[Step]:
    """Download the converted file from the mirror; if it is missing there, download the original."""
    try:
        path = yield from fetch(
            HubFile(repo=mirror, kind="model", file=f"{wanted.name}.safetensors"), time_limit=time_limit
        )
    except MissingFile:
        if wanted.hub is None:
            raise
        yield from pull_original(wanted, time_limit)
        return
    yield Converting(name=wanted.name)
    load(path, wanted.network)  # raises for a file that does not match its network
    target = cache_folder() / f"{wanted.name}.safetensors"
    with cache_file(target) as temporary:
        shutil.copyfile(path, temporary)
        digest = sha256_of(temporary)
    write_hash(target, digest)
    yield Pulled(
        name=wanted.name, path=target, notes=(f"From your own mirror {mirror}.", f"Licence: {wanted.licence}.")
    )


def check_hash(wanted: Entry, path: Path) -> str:
    """Compare the file's hash with the manifest's or, if it has none, with that of the first download.

    Returns a note for the user. Raises `BadWeights` for a mismatch, after removing the file from the Hub's cache.
    """
    digest = sha256_of(path)
    expected, source = wanted.sha256, "the manifest"
    if expected is None:
        expected, source = known_hashes().get(wanted.name), f"the first download ({cache_folder() / KNOWN})"
    if expected == digest:
        return f"Its sha256 matches that of {source}."
    if expected is None:
        record_hash(wanted.name, digest)
        return (
            f"No sha256 is known for this file, so it is trusted on first use: {digest}. It was recorded, and files "
            "with any other hash will be rejected."
        )
    remove_cached(path)
    raise BadWeights(
        f"{path.name} does not match {source}: sha256 must be {expected}, got {digest}; it was removed; "
        "try again, or check the source"
    )


def known_hashes() -> dict[str, str]:
    """Recorded hashes of originals by name."""
    path = cache_folder() / KNOWN
    try:
        hashes: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadWeights(f"{path} is damaged; remove it to trust files on first use again") from error
    return hashes


def record_hash(name: str, digest: str) -> None:
    """Record the hash of an original."""
    with locked_hashes(), cache_file(cache_folder() / KNOWN) as temporary:
        temporary.write_text(json.dumps({**known_hashes(), name: digest}, indent=1), encoding="utf-8")


@contextmanager
def locked_hashes() -> Iterator[None]:
    """Lock the recorded hashes against other processes."""
    with FileLock(cache_folder() / f".{KNOWN}.lock"):
        yield


def commit_of(path: Path) -> str:
    """The commit of a file in the client's cache: the name of its folder in `snapshots`."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else "unknown"
