"""The weights that have a name: `weights/manifest.toml` as dataclasses."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deepfake_core.errors import UnknownModel
from deepfake_core.registry import method

WEIGHTS = Path(__file__).parents[2] / "weights"
Subject = Literal["face", "animal", "scene"]
"""What the pictures of a network show, and so what a crop looks for: a face, or no more than the middle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HubFile:
    """One file on the Hugging Face Hub."""

    repo: str
    """OWNER/NAME."""
    kind: Literal["model", "space", "dataset"]
    """Type of the repository."""
    file: str
    """Its path in there."""
    revision: str | None = None
    """The commit that is known to be right; None takes what the repository holds now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One named set of weights."""

    name: str
    network: str
    """Name of its method in `registry.METHODS`."""
    about: str
    """What it is good for."""
    licence: str
    non_commercial: bool = False
    """Whether the licence, or one that may apply, forbids commercial use: it has to be accepted before a download."""
    paper: str
    file: str | None = None
    """Name of the file in `weights/` for weights that come with the repository."""
    bytes: int | None = None
    """Size of that file, else of the original, as far as it is known."""
    sha256: str | None = None
    """Of that file, else of the original."""
    preset: str | None = None
    """The preset that made it."""
    command: str | None = None
    """The command that makes it again."""
    hub: HubFile | None = None
    """Where `hub.pulling` fetches the original."""
    address: str | None = None
    """The authors' own place for it."""
    contains: str | None = None
    """What to take of what lies at that address."""
    seen: str | None = None
    """Where `hub` and `address` were seen."""
    subject: Subject = "face"
    back: str | None = None
    """CycleGAN: the weights that lead the way back."""
    needs: str | None = None
    """Other weights without which these do not work."""

    @property
    def source(self) -> str:
        """Where the original comes from, in words."""
        if self.command:
            return f"trained by this project on pictures that it draws: {self.command}"
        held = f" ({self.contains})" if self.contains else ""
        places = [f"the Hub's {self.hub.kind} {self.hub.repo}"] if self.hub else []
        return " or ".join([*places, f"the authors' {self.address}{held}"])


def manifest(folder: Path | None = None) -> dict[str, Entry]:
    """All entries by name, in the order of `manifest.toml` in `folder` (default: the repository's)."""
    tables = tomllib.loads(((folder or WEIGHTS) / "manifest.toml").read_text(encoding="utf-8"))
    return {name: _entry(name, **table) for name, table in tables.items()}


def _entry(name: str, network: str, hub: dict[str, Any] | None = None, **fields: Any) -> Entry:
    """Paper and licence are those of the method, unless the table has its own."""
    record = method(network)
    known = {"paper": record.paper, "licence": record.licence, **fields}
    return Entry(name=name, network=network, hub=HubFile(**hub) if hub else None, **known)


def entry(name: str) -> Entry:
    """The entry of a name; raises `UnknownModel` with the names there are."""
    entries = manifest()
    if name not in entries:
        raise UnknownModel(f"there are no weights called {name}; the names are {', '.join(entries)}")
    return entries[name]
