"""Files of the Hugging Face Hub, fetched by its own client, with progress and an end to waiting.

The client does the work: it honours `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE`, keeps what it fetched in
its own cache, asks again from where a connection broke, and lets a second process wait. What is added: steps to show,
Stop, a time limit, another try when the server fails, and one sentence for whatever goes wrong.

The server may be hostile. The client makes paths of what it says (`ETag`, `X-Repo-Commit`): both are checked as they
arrive, and the file that the client names afterwards must lie inside the client's cache.
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
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError is its HTTP client's, whichever that is
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
PAUSE = 1.0  # seconds before the second try; twice as long before the third
TICK = 0.2  # seconds between two steps to show
WINDOW = 10.0  # seconds over which the rate is measured

ETAG = re.compile(r'(?:W/)?"?[0-9A-Fa-f][0-9A-Za-z._-]{0,127}"?')
"""The Hub's are hashes; a mirror's may be longer, but never a path. It becomes the name of a file."""
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""It becomes the name of a folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetching:
    """So much of a file is here."""

    file: str
    done: int
    """Bytes."""
    total: int | None
    rate: float
    """Bytes per second, of late."""

    @property
    def seconds_left(self) -> float | None:
        """At that rate."""
        return (self.total - self.done) / self.rate if self.total and self.rate > 0 else None


class Stopped(Exception):
    """Raised inside the client when nobody waits for it any more; the client then removes what it has written."""


class Watch:
    """What a download in its own thread has reached, and whether it shall go on."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.total: int | None = None
        self.done = 0

    def bar(self) -> type:
        """A silent progress bar for the client, which looks at this watch with every piece."""
        watch = self

        class Bar(tqdm):  # type: ignore[type-arg] # generic for the type checker alone
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                kwargs.pop("name", None)  # the client's own, by which it can be told to be silent
                super().__init__(*args, **{**kwargs, "disable": True})
                watch.total, watch.done = kwargs.get("total"), int(kwargs.get("initial") or 0)

            def update(self, n: float | int | None = 1) -> bool | None:
                watch.done += int(n or 0)
                if watch.stop.is_set():
                    raise Stopped
                return None

        return Bar


def fetch(source: HubFile, *, time_limit: float | None = None) -> Generator[Fetching, None, Path]:
    """Fetch a file of the Hub: yields `Fetching` now and then, and returns where the file lies in the client's cache.

    Closing the generator ends the download. Raises `DownloadFailed`, `MissingFile` or `NotEnoughSpace`.
    """
    began, pause = time.monotonic(), PAUSE
    for left in range(TRIES - 1, -1, -1):
        try:
            return (yield from fetch_once(source, began, time_limit))
        except HfHubHTTPError as error:
            if status_of(error) < 500 or not left:
                raise told(error, source) from error
        except Exception as error:
            raise told(error, source) from error
        time.sleep(pause)
        pause *= 2
    raise AssertionError("the last try returns or raises")


def fetch_once(source: HubFile, began: float, time_limit: float | None) -> Generator[Fetching, None, Path]:
    """One try, in a thread of its own."""
    watch, results = Watch(), queue.SimpleQueue[str | BaseException]()

    def work() -> None:
        try:
            results.put(download(source, watch))
        except BaseException as error:  # handed to whoever waits
            results.put(error)

    threading.Thread(target=work, name=f"fetch {source.file}", daemon=True).start()
    marks = [(time.monotonic(), 0)]
    try:
        while True:
            try:
                result = results.get(timeout=TICK)
            except queue.Empty:
                if time_limit is not None and time.monotonic() - began > time_limit:
                    raise TimeoutError from None
                marks = [mark for mark in marks if mark[0] > time.monotonic() - WINDOW] or marks[-1:]
                yield step(source, watch, marks)
                continue
            if isinstance(result, BaseException):
                raise result
            return Path(result)
    finally:
        watch.stop.set()


def step(source: HubFile, watch: Watch, marks: list[tuple[float, int]]) -> Fetching:
    """How far the download is; adds to the marks by which the rate is measured."""
    marks.append((time.monotonic(), watch.done))
    (then, before), (now, done) = marks[0], marks[-1]
    rate = (done - before) / (now - then) if now > then else 0.0
    return Fetching(file=Path(source.file).name, done=done, total=watch.total, rate=rate)


def download(source: HubFile, watch: Watch) -> str:
    """Let the client fetch the file; returns its path, which leads to a regular file in the client's cache."""
    guard_client()
    path = hf_hub_download(
        source.repo,
        source.file,
        repo_type=source.kind,
        revision=source.revision,
        tqdm_class=watch.bar(),
        library_name="deepfake-lab",
    )
    cached_file(Path(path))
    return path


@cache
def guard_client() -> None:
    """From now on, every response that the client gets goes through `check_names` first."""

    def factory() -> Any:  # of its HTTP library, whichever that is
        client = default_client_factory()
        client.event_hooks = {**client.event_hooks, "response": [*client.event_hooks["response"], check_names]}
        return client

    set_client_factory(factory)


def check_names(response: Any) -> None:
    """Raise `DownloadFailed` when a header that the client takes for a file's or folder's name is anything else."""
    headers = response.headers
    named = [("X-Repo-Commit", headers.get("X-Repo-Commit"), COMMIT)]
    if response.request.method == "HEAD":  # of the other answers it ignores the ETag, and some servers send odd ones
        linked = headers.get("X-Linked-ETag")
        named.append(("X-Linked-ETag", linked, ETAG) if linked else ("ETag", headers.get("ETag"), ETAG))
    for name, value, pattern in named:
        if value and not pattern.fullmatch(value):
            raise DownloadFailed(
                f"the Hub at {response.request.url.host} sent {name} {printable(value)!r}, which is no hash; nothing "
                "was written; check HF_ENDPOINT, or take another source of 'weights list'"
            )


def cached_file(path: Path) -> Path:
    """Where a path of the client's cache really leads; raises `DownloadFailed` unless to a regular file in there."""
    cache_root = Path(constants.HF_HUB_CACHE).resolve()
    target = path.resolve()
    inside = target.is_relative_to(cache_root) and path.parent.resolve().is_relative_to(cache_root)
    if not inside or not stat.S_ISREG(target.lstat().st_mode):
        raise DownloadFailed(
            f"{path.name} in the Hub's cache leads to {target}, which is no file in {cache_root}; it was neither read "
            f"nor changed; remove {path}, then try again"
        )
    return target


def remove_cached(path: Path) -> None:
    """Take a file out of the client's cache: what `cached_file` finds, and the name that leads to it."""
    cached_file(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def status_of(error: HfHubHTTPError) -> int:
    """The server's status, such as 404."""
    return int(getattr(error.response, "status_code", 0))


def told(error: Exception, source: HubFile) -> LabError:
    """The sentence for whatever went wrong."""
    name, where = Path(source.file).name, f"the Hub's {source.kind} {source.repo}"
    if isinstance(error, LabError):
        return error
    if constants.HF_HUB_OFFLINE and isinstance(error, OfflineModeIsEnabled | LocalEntryNotFoundError):
        return DownloadFailed(
            f"{name} is not in the Hub's cache on this machine, and HF_HUB_OFFLINE forbids to fetch it"
        )
    if isinstance(error, GatedRepoError) or (isinstance(error, HfHubHTTPError) and status_of(error) in (401, 403)):
        return DownloadFailed(f"{where} wants a token with access: ask for access there, then set HF_TOKEN")
    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        return MissingFile(f"{where} is not there any more, or not public; take another source of 'weights list'")
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return MissingFile(f"{where} holds no {source.file} any more; take another source of 'weights list'")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotEnoughSpace(f"the disk filled up while {name} was fetched; make room, then try again")
    if isinstance(error, HfHubHTTPError):
        return DownloadFailed(f"{where} answers with error {status_of(error)}; try again later")
    if isinstance(error, TimeoutError):
        return DownloadFailed(f"{where} is too slow: {name} was not here in time; try again later")
    if isinstance(error, HTTPError | OSError):
        return DownloadFailed(f"{where} cannot be reached, or broke off; look at the network, then try again")
    return DownloadFailed(f"{name} could not be fetched from {where} ({type(error).__name__}: {error})")
