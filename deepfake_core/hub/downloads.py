"""Download a file from one source, with progress, cancellation, retries and an error message of one sentence."""

import errno
import hashlib
import queue
import shutil
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError belongs to its HTTP client
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from deepfake_core.errors import DownloadFailed, LabError, MissingFile, NotEnoughSpace
from deepfake_core.hub.files import cache_folder, ensure_folder
from deepfake_core.hub.hub_client import install_header_check, locate
from deepfake_core.hub.manifest import HubFile, Source
from deepfake_core.hub.transfer import DownloadState, Partial, Request, StatusError, receive

TRIES = 3
"""Attempts at a source without a new byte."""
PAUSE = 1.0  # seconds before the second try; doubled before the third
PROGRESS_INTERVAL = 0.2  # seconds between progress events
WINDOW = 10.0  # seconds over which the rate is measured
LARGEST = 4 * 2**30
"""Maximum bytes of a file whose size is not known."""
SLACK = 1.25
"""Maximum size, as a share of the known one, which may be rounded."""
FULL = (errno.ENOSPC, errno.EDQUOT)
STALE_SECONDS = 14 * 24 * 3600.0
"""A partial file untouched for this long is deleted."""


class TimeLimitExceeded(DownloadFailed):
    """The caller's time limit is over: no other source is worth trying."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetching:
    """Progress of a download."""

    file: str
    done: int
    """Bytes."""
    total: int | None
    rate: float
    """Bytes per second over the last `WINDOW` seconds."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining time at that rate; None if unknown."""
        return (self.total - self.done) / self.rate if self.total and self.rate > 0 else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A complete file."""

    path: Path
    origin: str
    """The source, with the commit if it is a repository."""
    continued: bool
    """Whether it also holds bytes of an earlier attempt, perhaps at another source."""

    def discard(self) -> None:
        """Delete the file and its folder."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def partial_of(source: Source, sha256: str | None) -> Partial:
    """Where the file is received: the same place for all sources of one hash."""
    key = sha256 or hashlib.sha256(source.label.encode()).hexdigest()
    return Partial(ensure_folder(cache_folder() / "partial" / key))


def remove_stale() -> None:
    """Delete partial files that nobody continued."""
    for folder in (cache_folder() / "partial").glob("*"):
        with suppress(OSError):
            if time.time() - max(one.stat().st_mtime for one in (folder, *folder.iterdir())) > STALE_SECONDS:
                shutil.rmtree(folder)


def fetch(
    source: Source, *, sha256: str | None = None, size: int | None = None, time_limit: float | None = None
) -> Generator[Fetching, None, Fetched]:
    """Download a file whose hash and size may be known: yields `Fetching` periodically.

    What has arrived is kept when the generator is closed or raises, and continued by the next call. The caller checks
    the hash. Raises `DownloadFailed`, `MissingFile` or `NotEnoughSpace`.
    """
    started, pause, left = time.monotonic(), PAUSE, TRIES
    most = int(size * SLACK) if size and sha256 else LARGEST  # without a hash, sources may have different files
    while True:
        state = DownloadState()
        partial = partial_of(source, sha256)
        before = partial.size
        try:
            origin = yield from fetch_once(source, partial, state, most, sha256 is not None, started, time_limit)
            path = partial.folder / (source.name or "file")
            partial.file.replace(path)
            return Fetched(path=path, origin=origin, continued=state.continued)
        except Exception as error:
            left = TRIES if state.done > before else left - 1
            if not is_temporary(error) or left <= 0:
                if partial.size == 0 or (isinstance(error, OSError) and error.errno in FULL):
                    shutil.rmtree(partial.folder, ignore_errors=True)
                raise as_lab_error(error, source) from error
            pause = PAUSE if state.done > before else pause
        time.sleep(pause)
        pause *= 2


def is_temporary(error: Exception) -> bool:
    """Whether the same source may succeed when it is asked again."""
    if isinstance(error, HfHubHTTPError | StatusError):
        return status_of(error) >= 500 or status_of(error) in (206, 408, 416, 429)
    return isinstance(error, HTTPError | ConnectionError)


def fetch_once(
    source: Source,
    partial: Partial,
    state: DownloadState,
    most: int,
    hash_known: bool,
    started: float,
    time_limit: float | None,
) -> Generator[Fetching, None, str]:
    """One attempt, in its own thread; returns the origin."""
    results = queue.SimpleQueue[str | BaseException]()

    def work() -> None:
        try:
            results.put(download(source, partial, state, most, hash_known))
        except BaseException as error:  # raised in the waiting thread
            results.put(error)

    threading.Thread(target=work, name=f"fetch {source.name}", daemon=True).start()
    samples = [(time.monotonic(), 0)]
    try:
        while True:
            try:
                result = results.get(timeout=PROGRESS_INTERVAL)
            except queue.Empty:
                if time_limit is not None and time.monotonic() - started > time_limit:
                    raise TimeLimitExceeded(
                        f"{source.place} is too slow: {source.name} was not downloaded within the time limit; "
                        "run the same command again to continue where it stopped"
                    ) from None
                samples = [one for one in samples if one[0] > time.monotonic() - WINDOW] or samples[-1:]
                yield progress(source, state, samples)
                continue
            if isinstance(result, BaseException):
                raise result
            return result
    finally:
        state.cancelled.set()


def progress(source: Source, state: DownloadState, samples: list[tuple[float, int]]) -> Fetching:
    """The current progress; appends to the (time, bytes) samples from which the rate is computed."""
    samples.append((time.monotonic(), state.done))
    (then, before), (now, done) = samples[0], samples[-1]
    rate = max(done - before, 0) / (now - then) if now > then else 0.0
    return Fetching(file=source.name, done=done, total=state.total, rate=rate)


def download(source: Source, partial: Partial, state: DownloadState, most: int, hash_known: bool) -> str:
    """Ask for the file and receive it; returns the origin."""
    install_header_check()
    if isinstance(source, HubFile):
        found = locate(source)
        url, headers, origin = found.url, found.headers, f"{source.label}, commit {found.commit}"
    else:
        url, headers, origin = source.url, {"User-Agent": "deepfake-lab"}, source.label
    request = Request(url=url, headers=headers, place=source.place, most=most, hash_known=hash_known)
    receive(request, partial, state)
    return origin


def status_of(error: HfHubHTTPError | StatusError) -> int:
    """The HTTP status, such as 404; 0 if unknown."""
    return error.status if isinstance(error, StatusError) else int(getattr(error.response, "status_code", 0))


def as_lab_error(error: Exception, source: Source) -> LabError:
    """Convert an exception of a download to an error with a message for the user."""
    name, where = source.name, source.place
    status = status_of(error) if isinstance(error, HfHubHTTPError | StatusError) else None
    if isinstance(error, LabError):
        return error
    if isinstance(error, GatedRepoError) or status in (401, 403):
        hint = "request access there, then set HF_TOKEN" if isinstance(source, HubFile) else "open it in a browser"
        return DownloadFailed(f"{where} requires a token with access: {hint}")
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        return MissingFile(f"{where} no longer exists or is not public; use another source from 'weights list'")
    found_nothing = isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError)
    if found_nothing or status in (404, 410):
        file = source.file if isinstance(source, HubFile) else name
        return MissingFile(f"{where} has no file {file}; use another source from 'weights list'")
    if isinstance(error, OSError) and error.errno in FULL:
        return NotEnoughSpace(f"the disk is full: {name} was not downloaded; free some space, then try again")
    if status is not None:
        return DownloadFailed(f"{where} returned error {status}; try again later")
    if isinstance(error, HTTPError | OSError):
        return DownloadFailed(
            f"{where} cannot be reached, or the connection was lost; check the network, then try again"
        )
    return DownloadFailed(f"{name} could not be downloaded from {where} ({type(error).__name__}: {error})")
