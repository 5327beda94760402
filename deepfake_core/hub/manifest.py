"""The weights that have a name: `weights/manifest.toml` as dataclasses."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deepfake_core.errors import UnknownModel

WEIGHTS = Path(__file__).parents[2] / "weights"
Subject = Literal["face", "animal", "scene"]
"""What the pictures of a network show, and so what a crop looks for: a face, or no more than the middle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One named set of weights."""

    name: str
    network: str
    """Which architecture: a key of `hub.store.NETWORKS`."""
    about: str
    """What it is good for."""
    source: str
    """Where the original comes from."""
    licence: str
    paper: str
    layout: str
    """Key names of the original: `own`, or a key of `hub.importing.LAYOUTS`."""
    file: str | None = None
    """Name of the file in `weights/` for weights that come with the repository."""
    sha256: str | None = None
    """Of that file."""
    preset: str | None = None
    """The preset that made it."""
    subject: Subject = "face"
    back: str | None = None
    """CycleGAN: the weights that lead the way back."""
    needs: str | None = None
    """Other weights without which these do not work."""


def manifest(folder: Path = WEIGHTS) -> dict[str, Entry]:
    """All entries by name, in the manifest's order."""
    tables = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    return {name: Entry(name=name, **table) for name, table in tables.items()}


def entry(name: str) -> Entry:
    """The entry of a name; raises `UnknownModel` with the names there are."""
    entries = manifest()
    if name not in entries:
        raise UnknownModel(f"there are no weights called {name}; the names are {', '.join(entries)}")
    return entries[name]
