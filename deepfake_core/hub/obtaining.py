"""Obtain a file from the first of its sources that works: the Hub client's cache, else one download after another."""

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deepfake_core.errors import BadWeights, DownloadFailed, LabError, MissingFile
from deepfake_core.hub.downloads import Fetched, Fetching, TimeLimitExceeded, fetch, remove_stale
from deepfake_core.hub.hub_client import commit_of, find_cached, is_offline
from deepfake_core.hub.manifest import Entry, HubFile, Source
from deepfake_core.hub.reachable import FIRST, OTHERS, reachable
from deepfake_core.hub.trusted import check_file


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFailed:
    """A source does not work; the next one is tried."""

    name: str
    place: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Obtained:
    """A file with the right hash."""

    path: Path
    source: Source
    origin: str
    """The source, with the commit if it is a repository."""
    note: str
    """What is known about its hash."""
    fetched: Fetched | None
    """None for a file in the Hub client's cache, which is left alone."""

    def discard(self) -> None:
        """Delete the download: what was converted from it remains."""
        if self.fetched:
            self.fetched.discard()


Steps = Generator[Fetching | SourceFailed, None, Obtained]


def obtain(
    wanted: Entry, sources: Sequence[Source], failures: list[LabError], deadline: float | None, *, checked: bool = True
) -> Steps:
    """The file of some weights from the first source that works; errors of the others are added to `failures`.

    `checked=False` skips the hash. Raises the error if there is only one, else `DownloadFailed` with all of them.
    """
    if found := in_cache(wanted, sources, checked):
        return found
    if is_offline():
        raise DownloadFailed(
            f"{sources[0].name} is not in the Hub's cache on this machine, and HF_HUB_OFFLINE disables downloads"
        )
    remove_stale()
    left = list(sources)
    while left:
        source = left.pop(0)
        try:
            if source is sources[0] and not reachable([source], FIRST):
                left = reachable(left, OTHERS)
                raise DownloadFailed(f"{source.place} cannot be reached; check the network, then try again")
            return (yield from from_source(wanted, source, deadline, checked))
        except (DownloadFailed, MissingFile, BadWeights) as error:
            failures.append(error)
            if isinstance(error, TimeLimitExceeded):
                raise
            if left:
                yield SourceFailed(name=wanted.name, place=source.place, reason=str(error))
    if len(failures) == 1:
        raise failures[0]
    raise DownloadFailed(f"no source of {wanted.name} works: {'; '.join(map(str, failures))}")


def in_cache(wanted: Entry, sources: Sequence[Source], checked: bool) -> Obtained | None:
    """The file in the Hub client's cache, for example from a Space's `preload_from_hub`, if it has the right hash."""
    for source in sources:
        if isinstance(source, HubFile) and (path := find_cached(source)):
            try:
                note = check_file(wanted.expected(source), source, path) if checked else ""
            except BadWeights:
                continue
            origin = f"{source.label}, commit {commit_of(source)}"
            return Obtained(path=path, source=source, origin=origin, note=note, fetched=None)
    return None


def from_source(wanted: Entry, source: Source, deadline: float | None, checked: bool) -> Steps:
    """Download and check the file of one source.

    A file with a wrong hash that holds bytes of other sources says nothing about this one: it is fetched once more.
    """
    sha256 = wanted.expected(source)
    while True:
        seconds = None if deadline is None else deadline - time.monotonic()
        fetched = yield from fetch(source, sha256=sha256, size=wanted.bytes, time_limit=seconds)
        try:
            note = check_file(sha256, source, fetched.path) if checked else ""
            return Obtained(path=fetched.path, source=source, origin=fetched.origin, note=note, fetched=fetched)
        except BadWeights:
            fetched.discard()
            if not fetched.continued:
                raise


def critic_of(
    source: Source, deadline: float | None
) -> Generator[Fetching | SourceFailed, None, tuple[Obtained | None, list[str]]]:
    """StarGAN's discriminator beside the generator of a source, and notes; without it, attributes cannot be read."""
    if not (isinstance(source, HubFile) and source.critic):
        return None, []
    critic = replace(source, file=source.critic, critic=None, sha256=None)
    wanted = Entry(name=critic.name, network=None, title="", family="", about="", paper="", licence="", pictures="any")
    try:
        return (yield from obtain(wanted, [critic], [], deadline)), []
    except TimeLimitExceeded:
        raise
    except (DownloadFailed, MissingFile, BadWeights) as error:
        return None, [f"Without its discriminator, so attributes are not read from pictures: {error}."]
