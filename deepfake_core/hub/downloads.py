"""Download files from the Hugging Face Hub with progress, cancellation and a time limit.

The Hub's own client does the work: it honours `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE`, caches files,
resumes interrupted downloads and locks them against other processes. This module adds progress events, cancellation, a
time limit, retries after server errors, and an error message of one sentence.

The server is not trusted. The client builds paths from its headers `ETag` and `X-Repo-Commit`: both are validated in
every response, and the path returned by the client must be inside the client's cache.
"""

import errno
import queue
import re
import stat
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from huggingface_hub import constants, hf_hub_download, set_client_factory
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError belongs to its HTTP client
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._http import default_client_factory
from tqdm import tqdm

from deepfake_core.errors import DownloadFailed, LabError, MissingFile, NotEnoughSpace
from deepfake_core.hub.files import printable
from deepfake_core.hub.manifest import HubFile

TRIES = 3
PAUSE = 1.0  # seconds before the second try; doubled before the third
PROGRESS_INTERVAL = 0.2  # seconds between progress events
WINDOW = 10.0  # seconds over which the rate is measured

ETAG = re.compile(r'(?:W/)?"?[0-9A-Fa-f][0-9A-Za-z._-]{0,127}"?')
"""A hash on the Hub; longer on some mirrors, but never a path. The client uses it as a file name."""
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""The client uses it as a folder name."""


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


class Stopped(Exception):
    """Raised inside the client to cancel a download; the client then removes the partial file."""


class DownloadState:
    """State of a download in its own thread: progress, and the cancellation event."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.total: int | None = None
        self.done = 0

    def bar(self) -> type:
        """A hidden progress bar class for the client, which updates this state and checks it for cancellation."""
        state = self

        class Bar(tqdm):  # type: ignore[type-arg] # generic for the type checker alone
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                kwargs.pop("name", None)  # the client's own argument
                super().__init__(*args, **{**kwargs, "disable": True})
                state.total, state.done = kwargs.get("total"), int(kwargs.get("initial") or 0)

            def update(self, n: float | int | None = 1) -> bool | None:
                state.done += int(n or 0)
                if state.cancelled.is_set():
                    raise Stopped
                return None

        return Bar


def fetch(source: HubFile, *, time_limit: float | None = None) -> Generator[Fetching, None, Path]:
    """Download a file of the Hub: yields `Fetching` periodically and returns the path in the client's cache.

    Closing the generator cancels the download. Raises `DownloadFailed`, `MissingFile` or `NotEnoughSpace`.
    """
    started, pause = time.monotonic(), PAUSE
    for left in range(TRIES - 1, -1, -1):
        try:
            return (yield from fetch_once(source, started, time_limit))
        except HfHubHTTPError as error:
            if status_of(error) < 500 or not left:
                raise as_lab_error(error, source) from error
        except Exception as error:
            raise as_lab_error(error, source) from error
        time.sleep(pause)
        pause *= 2
    raise AssertionError("the last try returns or raises")


def fetch_once(source: HubFile, started: float, time_limit: float | None) -> Generator[Fetching, None, Path]:
    """One attempt, in its own thread."""
    state, results = DownloadState(), queue.SimpleQueue[str | BaseException]()

    def work() -> None:
        try:
            results.put(download(source, state))
        except BaseException as error:  # raised in the waiting thread
            results.put(error)

    threading.Thread(target=work, name=f"fetch {source.file}", daemon=True).start()
    samples = [(time.monotonic(), 0)]
    try:
        while True:
            try:
                result = results.get(timeout=PROGRESS_INTERVAL)
            except queue.Empty:
                if time_limit is not None and time.monotonic() - started > time_limit:
                    raise TimeoutError from None
                samples = [one for one in samples if one[0] > time.monotonic() - WINDOW] or samples[-1:]
                yield progress(source, state, samples)
                continue
            if isinstance(result, BaseException):
                raise result
            return Path(result)
    finally:
        state.cancelled.set()


def progress(source: HubFile, state: DownloadState, samples: list[tuple[float, int]]) -> Fetching:
    """The current progress; appends to the (time, bytes) samples from which the rate is computed."""
    samples.append((time.monotonic(), state.done))
    (then, before), (now, done) = samples[0], samples[-1]
    rate = (done - before) / (now - then) if now > then else 0.0
    return Fetching(file=Path(source.file).name, done=done, total=state.total, rate=rate)


def download(source: HubFile, state: DownloadState) -> str:
    """Let the client download the file; returns its path, which resolves to a regular file in the client's cache."""
    install_header_check()
    path = hf_hub_download(
        source.repo,
        source.file,
        repo_type=source.kind,
        revision=source.revision,
        tqdm_class=state.bar(),
        library_name="deepfake-lab",
    )
    cached_file(Path(path))
    return path


@cache
def install_header_check() -> None:
    """Make the client pass every response to `check_headers` first."""

    def factory() -> Any:  # the type depends on the client's HTTP library
        client = default_client_factory()
        client.event_hooks = {**client.event_hooks, "response": [*client.event_hooks["response"], check_headers]}
        return client

    set_client_factory(factory)


def check_headers(response: Any) -> None:
    """Raise `DownloadFailed` when a header that the client uses as a file or folder name is not a hash."""
    headers = response.headers
    named = [("X-Repo-Commit", headers.get("X-Repo-Commit"), COMMIT)]
    if (
        response.request.method == "HEAD"
    ):  # the client ignores the ETag of other responses, and some servers send invalid ones
        linked = headers.get("X-Linked-ETag")
        named.append(("X-Linked-ETag", linked, ETAG) if linked else ("ETag", headers.get("ETag"), ETAG))
    for name, value, pattern in named:
        if value and not pattern.fullmatch(value):
            raise DownloadFailed(
                f"the Hub at {response.request.url.host} sent {name} {printable(value)!r}, which is not a hash; "
                "nothing was written; check HF_ENDPOINT, or use another source from 'weights list'"
            )


def cached_file(path: Path) -> Path:
    """Resolve a path of the client's cache; raises `DownloadFailed` unless it is a regular file inside the cache."""
    cache_root = Path(constants.HF_HUB_CACHE).resolve()
    target = path.resolve()
    inside = target.is_relative_to(cache_root) and path.parent.resolve().is_relative_to(cache_root)
    if not inside or not stat.S_ISREG(target.lstat().st_mode):
        raise DownloadFailed(
            f"{path.name} in the Hub's cache points to {target}, which is not a file in {cache_root}; it was neither "
            f"read nor changed; remove {path}, then try again"
        )
    return target


def remove_cached(path: Path) -> None:
    """Remove a file from the client's cache: the link and its target."""
    cached_file(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def status_of(error: HfHubHTTPError) -> int:
    """The HTTP status, such as 404; 0 if unknown."""
    return int(getattr(error.response, "status_code", 0))


def as_lab_error(error: Exception, source: HubFile) -> LabError:
    """Convert an exception of a download to an error with a message for the user."""
    name, where = Path(source.file).name, f"the Hub's {source.kind} {source.repo}"
    if isinstance(error, LabError):
        return error
    if constants.HF_HUB_OFFLINE and isinstance(error, OfflineModeIsEnabled | LocalEntryNotFoundError):
        return DownloadFailed(
            f"{name} is not in the Hub's cache on this machine, and HF_HUB_OFFLINE disables downloads"
        )
    if isinstance(error, GatedRepoError) or (isinstance(error, HfHubHTTPError) and status_of(error) in (401, 403)):
        return DownloadFailed(f"{where} requires a token with access: request access there, then set HF_TOKEN")
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        return MissingFile(f"{where} no longer exists or is not public; use another source from 'weights list'")
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return MissingFile(f"{where} has no file {source.file}; use another source from 'weights list'")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotEnoughSpace(f"the disk is full: {name} was not downloaded; free some space, then try again")
    if isinstance(error, HfHubHTTPError):
        return DownloadFailed(f"{where} returned error {status_of(error)}; try again later")
    if isinstance(error, TimeoutError):
        return DownloadFailed(f"{where} is too slow: {name} was not downloaded within the time limit; try again later")
    if isinstance(error, HTTPError | OSError):
        return DownloadFailed(
            f"{where} cannot be reached, or the connection was lost; check the network, then try again"
        )
    return DownloadFailed(f"{name} could not be downloaded from {where} ({type(error).__name__}: {error})")
