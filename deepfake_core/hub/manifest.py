"""The named weights: `weights/manifest.toml` as dataclasses."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deepfake_core.errors import UnknownModel
from deepfake_core.registry import method

WEIGHTS = Path(__file__).parents[2] / "weights"
Subject = Literal["face", "animal", "scene"]
"""What the pictures of a network show: determines whether cropping detects a face or takes the centre."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubFile:
    """One file on the Hugging Face Hub."""

    repo: str
    """OWNER/NAME."""
    kind: Literal["model", "space", "dataset"]
    """Type of the repository."""
    file: str
    """Path in the repository."""
    revision: str | None = None
    """The commit to download; None: the latest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Named weights."""

    name: str
    network: str
    """Name of its method in `registry.METHODS`."""
    about: str
    """What they are for, in one sentence."""
    licence: str
    non_commercial: bool = False
    """Whether a licence that may apply forbids commercial use: it has to be accepted before a download."""
    paper: str
    file: str | None = None
    """File name in `weights/`, for weights that are part of the repository."""
    bytes: int | None = None
    """Size of that file, else of the original, if known."""
    sha256: str | None = None
    """Hash of that file, else of the original."""
    preset: str | None = None
    """The training preset."""
    command: str | None = None
    """The command that runs its recipe: similar weights come out, not the same ones."""
    hub: HubFile | None = None
    """The original on the Hub, downloaded by `hub.pulling`."""
    address: str | None = None
    """The authors' own download address."""
    contains: str | None = None
    """The file to choose at that address."""
    seen: str | None = None
    """Where `hub` and `address` were found."""
    subject: Subject = "face"
    back: str | None = None
    """CycleGAN: the weights of the reverse translation."""
    needs: str | None = None
    """Other weights that these require."""

    @property
    def source(self) -> str:
        """Description of where the original comes from."""
        if self.command:
            return f"trained by this project on synthetic pictures (recipe: {self.command})"
        part = f" ({self.contains})" if self.contains else ""
        sources = [f"the Hub's {self.hub.kind} {self.hub.repo}"] if self.hub else []
        return " or ".join([*sources, f"the authors' {self.address}{part}"])


def manifest(folder: Path | None = None) -> dict[str, Entry]:
    """All entries by name, in the order of `manifest.toml` in `folder` (default: the repository's)."""
    tables = tomllib.loads(((folder or WEIGHTS) / "manifest.toml").read_text(encoding="utf-8"))
    return {name: _entry(name, **table) for name, table in tables.items()}


def _entry(name: str, network: str, hub: dict[str, Any] | None = None, **fields: Any) -> Entry:
    """Paper and licence default to those of the method."""
    record = method(network)
    known = {"paper": record.paper, "licence": record.licence, **fields}
    return Entry(name=name, network=network, hub=HubFile(**hub) if hub else None, **known)


def entry(name: str) -> Entry:
    """The entry called `name`; raises `UnknownModel` with the known names."""
    entries = manifest()
    if name not in entries:
        raise UnknownModel(f"unknown weights {name!r}; choose one of {', '.join(entries)}")
    return entries[name]
