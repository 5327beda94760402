"""What is said of a result: what made it, and from what."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from deepfake_core import __version__
from deepfake_core.media.checks import existing_file

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
"""The list of IPTC that Content Credentials and XMP take their words from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A picture or clip that a result was made from: its hash alone, which tells nothing to who does not have it."""

    sha256: str
    of: Literal["file", "pixels"]
    """What was hashed: all bytes of a file, or the RGB bytes of a picture that came without one, row by row."""

    @classmethod
    def from_source(cls, source: str | Path | Image.Image | np.ndarray) -> "Input":
        """Hash a file, a PIL image or an array. Raises `MissingFile` or `UnreadableMedia` for a file that is not."""
        if isinstance(source, str | Path):
            with existing_file(source).open("rb") as file:
                return cls(sha256=hashlib.file_digest(file, "sha256").hexdigest(), of="file")
        pixels = (source.convert("RGB") if isinstance(source, Image.Image) else source).tobytes()
        return cls(sha256=hashlib.sha256(pixels).hexdigest(), of="pixels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made a result. Holds nothing of the person who did: no name, no path, no time of day."""

    model: str
    """The manifest's name of the weights."""
    weights_sha256: str | None = None
    """Which version of them, where that is known."""
    inputs: tuple[Input, ...] = ()
    edited: bool = False
    """Whether the result is another state of the first input; else it is a new picture or clip."""
    source_type: Literal["trainedAlgorithmicMedia", "algorithmicMedia"] = "trainedAlgorithmicMedia"
    """Made by a trained network, or drawn by a program without one."""
    tool: str = "Deepfake Lab"
    version: str = __version__

    @property
    def comment(self) -> str:
        """One sentence for who reads a file's properties."""
        return f"Synthetic: made with {self.model} in {self.tool}; what it shows did not happen."

    @property
    def source_uri(self) -> str:
        """`source_type` as IPTC writes it."""
        return SOURCE_TYPES + self.source_type

    @property
    def metadata(self) -> Mapping[str, str]:
        """Tags for any program that shows a file's properties."""
        return {"title": "AI-generated media", "comment": self.comment, "software": self.tool}
