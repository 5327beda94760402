"""Receive a file over HTTP, continuing where an earlier attempt, perhaps at another source, was interrupted.

What has arrived stays in a partial file. If the hash of the whole file is known, any source may continue it, since the
hash is checked at the end; otherwise only the same source, and only if its validator (`ETag`) is unchanged.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from filelock import FileLock
from huggingface_hub.utils._http import get_session

from deepfake_core.errors import DownloadFailed
from deepfake_core.hub.files import printable

CHUNK = 1 << 20
"""Bytes written at a time."""
STALLED = 10.0
"""Seconds without a byte after which a connection counts as lost."""
MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")


class Stopped(Exception):
    """The download was cancelled."""


class StatusError(Exception):
    """A server's answer other than the file."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class DownloadState:
    """State of a download in its own thread: progress, and the cancellation event."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.total: int | None = None
        self.done = 0
        self.continued = False
        """Whether the file also holds bytes of an earlier attempt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to receive."""

    url: str
    headers: Mapping[str, str]
    place: str
    """Name of the source, for messages."""
    most: int
    """Bytes after which it is too large."""
    hash_known: bool
    """Whether the whole file's hash will be checked against a known one."""


@dataclass(frozen=True, slots=True)
class Partial:
    """A partial file in a folder of its own, with the validator of the source that it came from, and a lock."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "part"

    @property
    def size(self) -> int:
        """Bytes received so far."""
        return self.file.stat().st_size if self.file.is_file() else 0

    @property
    def validator(self) -> str | None:
        """The recorded validator."""
        path = self.folder / "validator"
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def restart(self, validator: str | None) -> None:
        """Empty the file, and record the validator of what comes next."""
        self.file.write_bytes(b"")
        path = self.folder / "validator"
        path.unlink(missing_ok=True)
        if validator:
            path.write_text(validator, encoding="utf-8")


def receive(request: Request, partial: Partial, state: DownloadState) -> None:
    """Complete the partial file.

    Raises `StatusError`, `DownloadFailed`, `Stopped`, `OSError`, or an error of the HTTP library for a lost connection.
    """
    with FileLock(partial.folder / "lock", thread_local=False):  # a cancelled download may still be writing
        at = partial.size
        headers = {**request.headers, "Accept-Encoding": "identity"}
        if at and not request.hash_known:
            at = at if partial.validator else 0
            headers |= {"If-Range": partial.validator} if partial.validator else {}
        if at:
            headers["Range"] = f"bytes={at}-"
        with opened(request, headers) as response:
            at = begin(request, partial, response, at)
            state.done, state.continued = at, at > 0
            state.total = total_of(response)
            require_size(request, state.total or 0)
            append(request, partial, response, state)


def begin(request: Request, partial: Partial, response: Any, at: int) -> int:
    """Check the answer's status; returns the offset at which its body begins."""
    found = RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code == 206 and at and found and found[1] and int(found[1]) == at:
        return at
    if response.status_code == 416 and found and int(found[2]) == at:
        return at  # complete; the body is an error message, which `append` ignores
    if response.status_code in (206, 416):
        partial.restart(None)
    if response.status_code != 200:
        raise StatusError(response.status_code)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadFailed(f"{request.place} sent a web page instead of the file; open it in a browser")
    etag = response.headers.get("ETag", "")
    partial.restart(etag if etag.startswith('"') and len(etag) < 200 else None)
    return 0


def append(request: Request, partial: Partial, response: Any, state: DownloadState) -> None:
    """Append the body to the partial file."""
    if response.status_code == 416:
        return
    with partial.file.open("ab") as file:
        for chunk in response.iter_raw(CHUNK):
            if state.cancelled.is_set():
                raise Stopped
            require_size(request, state.done + len(chunk))
            file.write(chunk)
            state.done += len(chunk)
    if state.total is not None and state.done < state.total:
        raise ConnectionResetError(f"{state.done} of {state.total} bytes arrived")


def total_of(response: Any) -> int | None:
    """Bytes of the whole file, as the server says."""
    if found := RANGE.fullmatch(response.headers.get("Content-Range", "")):
        return int(found[2])
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def require_size(request: Request, size: int) -> None:
    """Raise `DownloadFailed` for a file that is larger than expected."""
    if size > request.most:
        raise DownloadFailed(
            f"{request.place} sent at least {size / 1e6:.0f} MB, but the file has at most {request.most / 1e6:.0f} MB"
        )


@contextmanager
def opened(request: Request, headers: Mapping[str, str]) -> Iterator[Any]:
    """The response to a GET, after redirects."""
    url = request.url
    with ExitStack() as stack:
        for _ in range(MOST_REDIRECTS + 1):
            response = stack.enter_context(
                get_session().stream("GET", url, headers=dict(headers), follow_redirects=False, timeout=STALLED)
            )
            if response.status_code not in REDIRECTS:
                yield response
                return
            target = redirected(request, url, response.headers.get("Location", ""))
            if urlsplit(target).netloc != urlsplit(url).netloc:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            url = target
        raise DownloadFailed(f"{request.place} redirects more than {MOST_REDIRECTS} times; try again later")


def redirected(request: Request, url: str, location: str) -> str:
    """The address of a redirect. Raises `DownloadFailed` unless it is one of HTTP, and no step down from HTTPS."""
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        good = parts.scheme in ("https", urlsplit(url).scheme) and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise DownloadFailed(f"{request.place} redirects to {printable(location)!r}, which is not followed")
    return target
