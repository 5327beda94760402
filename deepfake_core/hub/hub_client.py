"""The Hugging Face Hub: find a file in the cache of its own client, or at its server.

The client's settings hold: `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN`, `HF_HUB_OFFLINE`. Its cache is read, since a Space's
`preload_from_hub` fills it, and never written: the bytes are received by `hub.transfer`.

The server is not trusted. The client builds paths from its headers `ETag` and `X-Repo-Commit`: both are validated in
every response, and a path in the client's cache must resolve to a file inside it.
"""

import re
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_url,
    set_client_factory,
    try_to_load_from_cache,
)
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import default_client_factory

from deepfake_core.errors import DownloadFailed
from deepfake_core.hub.files import printable
from deepfake_core.hub.manifest import HubFile

ETAG = re.compile(r'(?:W/)?"?[0-9A-Fa-f][0-9A-Za-z._-]{0,127}"?')
"""A hash on the Hub; longer on some mirrors, but never a path. The client uses it as a file name."""
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""The client uses it as a folder name."""


class Located(NamedTuple):
    """A file that the Hub has."""

    url: str
    headers: Mapping[str, str]
    """With the user's token, which is for the Hub's own host only."""
    commit: str


def is_offline() -> bool:
    """Whether `HF_HUB_OFFLINE` forbids connections."""
    return bool(constants.HF_HUB_OFFLINE)


def locate(source: HubFile) -> Located:
    """Ask the Hub for a file. Raises the client's errors, or `DownloadFailed` for an answer that cannot be trusted."""
    parts = PurePosixPath(source.file).parts
    if source.file.startswith("/") or ".." in parts or "\\" in source.file:
        raise DownloadFailed(f"{printable(source.file)!r} is not a path in a repository; correct the manifest")
    install_header_check()
    headers = build_hf_headers(library_name="deepfake-lab")
    url = hf_hub_url(source.repo, source.file, repo_type=source.kind, revision=source.revision)
    found = get_hf_file_metadata(url, headers=headers, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    return Located(url, headers, found.commit_hash or "unknown")


def find_cached(source: HubFile) -> Path | None:
    """The file in the client's cache, if it is there; raises `DownloadFailed` when it leads out of the cache."""
    found = try_to_load_from_cache(source.repo, source.file, repo_type=source.kind, revision=source.revision)
    if not isinstance(found, str):
        return None
    return cached_file(Path(found))


def commit_of(source: HubFile) -> str:
    """The commit of a file in the client's cache: the name of its folder in `snapshots`."""
    found = try_to_load_from_cache(source.repo, source.file, repo_type=source.kind, revision=source.revision)
    parts = Path(found).parts if isinstance(found, str) else ()
    return parts[parts.index("snapshots") + 1] if "snapshots" in parts else "unknown"


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
