"""Uploaded files as handlers get them, and how to ask for their paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_core.errors import BadRequest, LabError


@dataclass(frozen=True, slots=True)
class Withheld:
    """Stands for an upload that may not be used yet: a handler that asks for its path gets the error instead."""

    error: LabError


Upload = Mapping[str, Any] | Withheld | None
"""A file as `uploads` hands it on: `path` is a name for this run alone, `upload` the one that stays the same while the
file lies in its place on the page. Our readers open it."""


Uploads = Sequence[Mapping[str, Any] | Withheld] | None
"""Several of them."""


def path_of(upload: Upload) -> Path | None:
    """Where an uploaded file lies; None when there is none. Raises why it is withheld."""
    if isinstance(upload, Withheld):
        raise upload.error
    return Path(upload["path"]) if upload and upload.get("path") else None


def upload_id(upload: Upload) -> str | None:
    """What tells one upload from another, from run to run; None when there is none. Raises why it is withheld."""
    path = path_of(upload)
    return str(upload.get("upload", path)) if path and isinstance(upload, Mapping) else None


def chosen(upload: Upload, what: str) -> Path:
    """Where an uploaded file lies; `BadRequest` when there is none."""
    path = path_of(upload)
    if path is None:
        raise BadRequest(f"there is no {what} yet; upload one or click an example")
    return path


def paths_of(uploads: Uploads) -> tuple[Path, ...]:
    """Where uploaded files lie."""
    return tuple(path for path in map(path_of, uploads or ()) if path)
