"""The named weights: `weights/manifest.toml` as dataclasses."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from deepfake_core.errors import UnknownModel
from deepfake_core.media.picture_kind import PictureKind
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
    sha256: str | None = None
    """Hash of this file, where it differs from the entry's."""
    critic: str | None = None
    """StarGAN: path of the discriminator in the same repository."""

    @property
    def name(self) -> str:
        """Bare file name."""
        return PurePosixPath(self.file).name

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"the Hub's {self.kind} {self.repo}"

    @property
    def page(self) -> str:
        """The address of the repository's page."""
        kind = "" if self.kind == "model" else f"{self.kind}s/"
        return f"https://huggingface.co/{kind}{self.repo}"

    @property
    def label(self) -> str:
        """Identifies the source, for metadata and recorded hashes."""
        return f"{self.kind} {self.repo}, {self.file}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WebFile:
    """One file at an address."""

    url: str
    authors: bool = False
    """Whether it is the authors' own place."""
    sha256: str | None = None
    """Hash of this file, where it differs from the entry's."""

    @property
    def name(self) -> str:
        """Bare file name."""
        return PurePosixPath(urlsplit(self.url).path).name

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"the authors' {self.url}" if self.authors else self.url

    @property
    def page(self) -> str:
        """The address itself."""
        return self.url

    @property
    def label(self) -> str:
        """Identifies the source, for metadata and recorded hashes."""
        return self.url


Source = HubFile | WebFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Named weights."""

    name: str
    network: str | None
    """Name of its method in `registry.METHODS`; None for the file of a library."""
    title: str
    """Their display name, such as "Zebra to horse, drawn"."""
    family: str
    """The method's or the library's display name: entries with the same one are a family."""
    about: str
    """What they are for, in one sentence."""
    licence: str
    non_commercial: bool = False
    """Whether a licence that may apply forbids commercial use: it has to be accepted before a download."""
    paper: str
    file: str | None = None
    """File name in `weights/`, for weights that are part of the repository."""
    library_file: str | None = None
    """File name under which a library, or the training, looks for it in torch's folder of checkpoints."""
    bytes: int | None = None
    """Size of that file, else of the original, if known."""
    sha256: str | None = None
    """Hash of that file, else of the original."""
    preset: str | None = None
    """The training preset."""
    command: str | None = None
    """The command that runs its recipe: similar weights come out, not the same ones."""
    sources: tuple[Source, ...] = ()
    """Where the original can be downloaded, in the order in which the places are tried."""
    address: str | None = None
    """The authors' page, where a file has to be chosen by hand."""
    contains: str | None = None
    """The file to choose at that address."""
    seen: str | None = None
    """Where the sources were found."""
    subject: Subject = "face"
    pictures: PictureKind | Literal["any"]
    """The kind of picture for which they were trained."""
    also_photographs: bool = False
    """Whether weights for drawings were trained on photographs too, with less exact results."""
    task: str | None = None
    """What they do, for the automatic choice among weights that do the same; None: they are never chosen so."""
    back: str | None = None
    """CycleGAN: the weights of the reverse translation."""
    discriminator: str | None = None
    """The weights of the discriminator that judged the results in training, if they were kept."""
    needs: str | None = None
    """Other weights that these require."""

    @property
    def source(self) -> str:
        """Description of where the original comes from."""
        if self.command:
            return f"trained by this project on synthetic pictures (recipe: {self.command})"
        return " or ".join(self.places)

    @property
    def places(self) -> dict[str, str]:
        """Where the original can be had, as text -> the address that a browser can open."""
        part = f" ({self.contains})" if self.contains else ""
        by_hand = {f"the authors' {self.address}{part}": self.address} if self.address else {}
        return {one.place: one.page for one in self.sources} | by_hand

    @property
    def starter(self) -> bool:
        """Whether they come with the repository."""
        return self.file is not None

    def expected(self, source: Source) -> str | None:
        """The known sha256 of the file at a source."""
        return source.sha256 or self.sha256


def manifest(folder: Path | None = None) -> dict[str, Entry]:
    """All entries by name, in the order of `manifest.toml` in `folder` (default: the repository's)."""
    path = (folder or WEIGHTS) / "manifest.toml"
    found = path.stat()
    return dict(_entries(path, found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=4)
def _entries(path: Path, changed: int, size: int) -> dict[str, Entry]:
    """The file is asked for many times in a run, and read again only when it has changed."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _entry(name, **table) for name, table in tables.items()}


def _entry(name: str, network: str | None = None, sources: list[dict[str, Any]] | None = None, **fields: Any) -> Entry:
    """Family, paper and licence default to those of the method; starters are for drawings, others for photographs."""
    known: Mapping[str, Any] = {"pictures": "drawing" if "file" in fields else "photograph", **fields}
    if network is not None:
        record = method(network)
        known = {"family": record.title, "paper": record.paper, "licence": record.licence, **known}
    found = tuple(HubFile(**one) if "repo" in one else WebFile(**one) for one in sources or ())
    return Entry(name=name, network=network, sources=found, **known)


def entry(name: str) -> Entry:
    """The entry called `name`; raises `UnknownModel` with the known names."""
    entries = manifest()
    if name not in entries:
        raise UnknownModel(f"unknown weights {name!r}; choose one of {', '.join(entries)}")
    return entries[name]
