"""`weights pull`: download weights from the first source that works into the weights cache, and validate them."""

import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from filelock import FileLock, Timeout

from deepfake_core.errors import (
    BadRequest,
    BadWeights,
    DownloadFailed,
    LabError,
    LicenceNotAccepted,
    MissingFile,
    NotEnoughSpace,
)
from deepfake_core.hub import library_files
from deepfake_core.hub.downloads import Fetching
from deepfake_core.hub.files import cache_file, cache_folder, ensure_folder, sha256_of, write_hash
from deepfake_core.hub.importing import import_checkpoint
from deepfake_core.hub.manifest import Entry, HubFile, entry
from deepfake_core.hub.obtaining import Obtained, SourceFailed, critic_of, obtain
from deepfake_core.hub.store import find, find_original, load
from deepfake_core.settings import settings

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


Step = Waiting | Fetching | SourceFailed | Converting | Pulled


def pull(name: str, *, accept_licence: bool = False, time_limit: float | None = None) -> Iterator[Step]:
    """Download named weights, and those that they need; validate and convert them: yields steps, the last one `Pulled`.

    Sources are tried in order; one that fails yields `SourceFailed`. A licence that forbids commercial use has to be
    accepted first. Closing the iterator cancels the download; then, as after an error, no file appears under the final
    name, and the next pull continues the download. Raises `UnknownModel`, `BadRequest` for weights that need no pull or
    have no source, `LicenceNotAccepted`, `DownloadFailed`, `MissingFile`, `NotEnoughSpace`, `BadWeights`.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    done: Pulled | None = None
    for one in chain([name], missing_needs(name)):
        for step in pull_one(one, accept_licence, deadline):
            if not isinstance(step, Pulled):
                yield step
            elif done is None:
                done = step
            else:
                done = replace(done, notes=(*done.notes, f"It needs {one}, which is installed now, too."))
    assert done is not None
    yield done


def missing_needs(name: str) -> Iterator[str]:
    """Weights that `name` needs and that are not installed when it is, since its own file may have brought them."""
    needed = entry(name).needs
    if needed and find(needed) is None:
        yield from [needed] if find(name) else []


def pull_one(name: str, accept_licence: bool, deadline: float | None) -> Iterator[Step]:
    """`pull` without the weights that these need."""
    wanted = entry(name)
    mirror = settings().weights_repo
    require_source(wanted, mirror)
    if find_original(wanted) is None:
        require_licence(wanted, accept_licence)
    path = ensure_folder(cache_folder()) / f".{name}.lock"
    lock = FileLock(path, thread_local=False)  # the generator may be resumed in any thread
    yield from wait_for(lock, name)
    try:
        if found := find(name):
            yield Pulled(name=name, path=found, notes=("Already installed.",))
            return
        if placed := find_original(wanted):
            yield Converting(name=name)
            path = import_checkpoint(name, placed)
            yield Pulled(name=name, path=path, notes=(f"Converted from {placed}; its content fits.",))
            return
        require_space(wanted)
        steps = pull_mirror(wanted, mirror, deadline) if mirror and wanted.network else None
        yield from steps or pull_original(wanted, deadline)
    finally:
        lock.release()


def require_source(wanted: Entry, mirror: str) -> None:
    """Raise `BadRequest` for weights that cannot be pulled."""
    if wanted.file:
        raise BadRequest(f"{wanted.name} is part of the repository and needs no pull")
    if not (wanted.sources or mirror or find_original(wanted)):
        raise BadRequest(
            f"{wanted.name} has no source to download from: get it from {wanted.source}, then run "
            f"'python -m deepfake_core weights import {wanted.name} FILE'"
        )


def require_licence(wanted: Entry, accepted: bool) -> None:
    """Raise `LicenceNotAccepted` for a licence that has to be accepted first."""
    if wanted.non_commercial and not accepted:
        raise LicenceNotAccepted(f"the licence of {wanted.name} is {wanted.licence}; accept it to download the file")


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


def pull_original(wanted: Entry, deadline: float | None) -> Iterator[Step]:
    """Download the authors' file from the first source whose file is right, and convert it."""
    failures: list[LabError] = []
    sources = list(wanted.sources)
    while True:
        obtained = yield from obtain(wanted, sources, failures, deadline)
        yield Converting(name=wanted.name)
        try:
            path, notes = yield from converted(wanted, obtained, deadline)
        except BadWeights as error:  # the right hash, if one is known, but not the right content
            sources = sources[sources.index(obtained.source) + 1 :]
            failures.append(error)
            if not sources:
                raise
            yield SourceFailed(name=wanted.name, place=obtained.source.place, reason=str(error))
        else:
            notes = [*notes, *passed_over(failures), f"Licence: {wanted.licence}."]
            yield Pulled(name=wanted.name, path=path, notes=(obtained.note, *notes))
            return
        finally:
            obtained.discard()


def converted(
    wanted: Entry, obtained: Obtained, deadline: float | None
) -> Generator[Step, None, tuple[Path, list[str]]]:
    """Install the file of a library, or convert the authors' file, with its discriminator if there is one."""
    if wanted.library_file:
        return library_files.install(wanted, obtained.path), []
    critic, notes = yield from critic_of(obtained.source, deadline)
    try:
        if critic is None:
            return import_checkpoint(wanted.name, obtained.path, origin=obtained.origin), notes
        try:
            origin = f"{obtained.origin}; {critic.origin}"
            return import_checkpoint(wanted.name, obtained.path, critic=critic.path, origin=origin), notes
        except BadWeights as error:
            path = import_checkpoint(wanted.name, obtained.path, origin=obtained.origin)  # raises if it is the culprit
            return path, [f"Without a discriminator, so attributes are not read from pictures: {error}."]
    finally:
        if critic:
            critic.discard()


def passed_over(failures: Sequence[LabError]) -> list[str]:
    """One line about the sources that failed before."""
    return [f"Sources that failed before: {'; '.join(map(str, failures))}."] if failures else []


def pull_mirror(wanted: Entry, mirror: str, deadline: float | None) -> Iterator[Step]:
    """Download the converted file from the mirror; if that fails, download the original."""
    source = HubFile(repo=mirror, kind="model", file=f"{wanted.name}.safetensors")
    try:
        obtained = yield from obtain(replace(wanted, sha256=None), [source], [], deadline, checked=False)
    except (MissingFile, DownloadFailed) as error:
        if not wanted.sources:
            raise
        if not isinstance(error, MissingFile):  # a mirror without this file is nothing unusual
            yield SourceFailed(name=wanted.name, place=source.place, reason=str(error))
        yield from pull_original(wanted, deadline)
        return
    yield Converting(name=wanted.name)
    try:
        assert wanted.network is not None
        load(obtained.path, wanted.network)  # raises for a file that does not match its network
        target = cache_folder() / f"{wanted.name}.safetensors"
        with cache_file(target) as temporary:
            shutil.copyfile(obtained.path, temporary)
            digest = sha256_of(temporary)
        write_hash(target, digest)
    finally:
        obtained.discard()
    notes = (f"From your own mirror {mirror}.", f"Licence: {wanted.licence}.")
    yield Pulled(name=wanted.name, path=target, notes=notes)
