"""Uploaded files as handlers get them, and their paths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepfake_core.errors import BadRequest, LabError


@dataclass(frozen=True, slots=True)
class Withheld:
    """Replaces an upload that may not be used: requesting its path raises the error."""

    error: LabError


@dataclass(frozen=True, slots=True)
class NamedExample:
    """An example that a program named instead of uploading a file."""

    path: Path


Upload = Mapping[str, Any] | Withheld | None
"""A checked file: `path` is private to this run, `upload` is the same for all runs on the upload."""


Uploads = Sequence[Mapping[str, Any] | Withheld] | None
"""A list of them."""


def path_of(upload: Upload) -> Path | None:
    """The path of an uploaded file; None if there is none. Raises the error of a withheld one."""
    if isinstance(upload, Withheld):
        raise upload.error
    return Path(upload["path"]) if upload and upload.get("path") else None


def upload_id(upload: Upload) -> str | None:
    """Identifies an upload between runs; None if there is none. Raises the error of a withheld one."""
    path = path_of(upload)
    return str(upload.get("upload", path)) if path and isinstance(upload, Mapping) else None


def chosen(upload: Upload, what: str) -> Path:
    """The path of an uploaded file. Raises `BadRequest` if there is none."""
    path = path_of(upload)
    if path is None:
        raise BadRequest(f"no {what} is selected; upload one or click an example")
    return path


def paths_of(uploads: Uploads) -> tuple[Path, ...]:
    """The paths of uploaded files."""
    return tuple(path for path in map(path_of, uploads or ()) if path)
