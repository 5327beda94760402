"""Check the sha256 of a download: the manifest's or, if it has none, that of the first download of the same source."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from deepfake_core.errors import BadWeights
from deepfake_core.hub.files import cache_file, cache_folder, ensure_folder, sha256_of
from deepfake_core.hub.manifest import Source

KNOWN = "known.json"


def check_file(sha256: str | None, source: Source, path: Path) -> str:
    """Check a file whose known hash is `sha256`, if any; returns a note for the user.

    Raises `BadWeights` for a mismatch.
    """
    digest = sha256_of(path)
    expected, reference = sha256, "the manifest"
    if expected is None:
        expected, reference = known_hashes().get(source.label), f"the first download ({cache_folder() / KNOWN})"
    if expected == digest:
        return f"Its sha256 matches that of {reference}."
    if expected is None:
        record_hash(source.label, digest)
        return (
            f"No sha256 is known for this file, so it is trusted on first use: {digest}. It was recorded, and files "
            "with any other hash will be rejected."
        )
    raise BadWeights(
        f"{source.name} from {source.place} does not match {reference}: sha256 must be {expected}, got {digest}; it "
        "was removed; try again, or check the source"
    )


def known_hashes() -> dict[str, str]:
    """Recorded hashes of originals by source."""
    path = cache_folder() / KNOWN
    try:
        hashes: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadWeights(f"{path} is damaged; remove it to trust files on first use again") from error
    return hashes


def record_hash(label: str, digest: str) -> None:
    """Record the hash of an original."""
    with locked_hashes(), cache_file(cache_folder() / KNOWN) as temporary:
        temporary.write_text(json.dumps({**known_hashes(), label: digest}, indent=1), encoding="utf-8")


@contextmanager
def locked_hashes() -> Iterator[None]:
    """Lock the recorded hashes against other processes."""
    with FileLock(ensure_folder(cache_folder()) / f".{KNOWN}.lock"):
        yield
