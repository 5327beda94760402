"""`weights pull`: from the Hub, or from a mirror of one's own, into this project's folder of weights, checked."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from deepfake_core.errors import BadRequest, BadWeights, LicenceNotAccepted, MissingFile, NotEnoughSpace
from deepfake_core.hub.downloads import Fetching, fetch, remove_cached
from deepfake_core.hub.files import cache_folder, made, sha256_of, whole_file, write_hash
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import Entry, HubFile, entry
from deepfake_core.hub.store import find, load
from deepfake_core.settings import settings

KNOWN = "known.json"
WAIT = 0.5  # seconds between two looks at another process


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Another process fetches the same weights."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Converting:
    """All bytes are here; they are checked and converted."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """The weights can be used."""

    name: str
    path: Path
    notes: tuple[str, ...]


Step = Waiting | Fetching | Converting | Pulled


def pull(name: str, *, accept_licence: bool = False, time_limit: float | None = None) -> Iterator[Step]:
    """Fetch named weights, check and convert them: yields steps, the last one `Pulled`.

    A licence that forbids commercial use has to be accepted first. Closing the iterator ends it and leaves nothing
    under the final name, as every error does. Raises `UnknownModel`, `BadRequest` for weights that need no pull or
    have no copy on the Hub, `LicenceNotAccepted`, `DownloadFailed`, `MissingFile`, `NotEnoughSpace`, `BadWeights`.
    """
    wanted = entry(name)
    mirror = settings().weights_repo
    if wanted.file:
        raise BadRequest(f"{name} comes with the repository and needs no pull")
    if not (wanted.hub or mirror):
        raise BadRequest(
            f"{name} has no copy on the Hub: get it from {wanted.source}, then run "
            f"'python -m deepfake_core weights import {name} FILE'"
        )
    if wanted.non_commercial and not accept_licence:
        raise LicenceNotAccepted(f"the licence of {name} is {wanted.licence}; accept it to fetch the file")
    lock = FileLock(made(cache_folder()) / f".{name}.lock", thread_local=False)  # steps may be asked for in any thread
    yield from wait_for(lock, name)
    try:
        if here := find(name):
            yield Pulled(name=name, path=here, notes=("It was on this machine already.",))
            return
        require_space(wanted)
        yield from (mirrored(wanted, mirror, time_limit) if mirror else original(wanted, time_limit))
    finally:
        lock.release()


def wait_for(lock: FileLock, name: str) -> Iterator[Waiting]:
    """Take the lock, however long another process holds it."""
    while True:
        try:
            lock.acquire(timeout=WAIT)
            return
        except Timeout:
            yield Waiting(name=name)


def require_space(wanted: Entry) -> None:
    """Raise `NotEnoughSpace` unless the original and what is made of it will fit."""
    needed, free = 2 * (wanted.bytes or 0), shutil.disk_usage(cache_folder()).free
    if free < needed:
        raise NotEnoughSpace(
            f"{wanted.name} needs about {needed / 1e9:.1f} GB on the disk while it is fetched, and {free / 1e9:.1f} GB "
            f"are free; make room, or move the folder with DEEPFAKE_HOME"
        )


def original(wanted: Entry, time_limit: float | None) -> Iterator[Step]:
    """Fetch the authors' file and convert it."""
    assert wanted.hub is not None
    path = yield from fetch(wanted.hub, time_limit=time_limit)
    yield Converting(name=wanted.name)
    note = vouched(wanted, path)
    source = f"{wanted.hub.kind} {wanted.hub.repo}, {wanted.hub.file}, commit {commit_of(path)}"
    target = import_checkpoint(wanted.name, path, origin=source)
    yield Pulled(name=wanted.name, path=target, notes=(note, f"Licence: {wanted.licence}."))


def mirrored(wanted: Entry, mirror: str, time_limit: float | None) -> Iterator[Step]:
    """Fetch the converted file from the mirror; what the mirror lacks comes from its own source, if it has one."""
    try:
        path = yield from fetch(
            HubFile(repo=mirror, kind="model", file=f"{wanted.name}.safetensors"), time_limit=time_limit
        )
    except MissingFile:
        if wanted.hub is None:
            raise
        yield from original(wanted, time_limit)
        return
    yield Converting(name=wanted.name)
    load(path, wanted.network)  # what does not fit its network raises here
    target = cache_folder() / f"{wanted.name}.safetensors"
    with whole_file(target) as aside:
        shutil.copyfile(path, aside)
        digest = sha256_of(aside)
    write_hash(target, digest)
    yield Pulled(
        name=wanted.name, path=target, notes=(f"From your own mirror {mirror}.", f"Licence: {wanted.licence}.")
    )


def vouched(wanted: Entry, path: Path) -> str:
    """A note on the file's hash: that of the manifest, or, without one, that of the first time it was fetched.

    Raises `BadWeights` when it is another, and takes the file out of the Hub's cache then.
    """
    digest = sha256_of(path)
    expected, says = wanted.sha256, "the manifest names"
    if expected is None:
        expected, says = known().get(wanted.name), f"was fetched the first time (as {cache_folder() / KNOWN} tells)"
    if expected == digest:
        return f"Its sha256 is the one that {says}."
    if expected is None:
        remember(wanted.name, digest)
        return (
            f"No sha256 is known for this file, so it is trusted on first use: {digest}. It was written down, and any "
            "other will be refused from now on."
        )
    remove_cached(path)
    raise BadWeights(f"{path.name} is not the file that {says}: its sha256 is {digest}, not {expected}; it was removed")


def known() -> dict[str, str]:
    """The hashes of originals that were fetched before, by name."""
    path = cache_folder() / KNOWN
    try:
        hashes: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadWeights(f"{path} is damaged; remove it to trust the next files on first use again") from error
    return hashes


def remember(name: str, digest: str) -> None:
    """Write down the hash of an original."""
    with locked_hashes(), whole_file(cache_folder() / KNOWN) as aside:
        aside.write_text(json.dumps({**known(), name: digest}, indent=1), encoding="utf-8")


@contextmanager
def locked_hashes() -> Iterator[None]:
    """No other process writes down hashes meanwhile."""
    with FileLock(cache_folder() / f".{KNOWN}.lock"):
        yield


def commit_of(path: Path) -> str:
    """The commit that a file of the client's cache is of: its folder's name below `snapshots`."""
    parts = path.parts
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else "unknown"
