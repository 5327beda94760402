"""The figures of a look inside as files: labelled where they show a generated picture, all signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepfake_core.media.images import Image, ImageLike
from deepfake_core.pipelines.events import File
from deepfake_core.pipelines.image_batch import save
from deepfake_core.provenance.label import with_strip


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure."""

    picture: Image
    made: bool = True
    """Whether it shows a generated picture, which is labelled."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON-compatible: the numbers in the figure."""


def written(
    figures: Mapping[str, Figure], folder: Path, *sources: ImageLike, model: str, label: bool
) -> tuple[File, ...]:
    """Write the figures into `folder`, as files of role "inside" whose captions are the keys."""
    return tuple(
        File(path=_write(name, one, folder, sources, model, label), role="inside", caption=name, facts=one.facts)
        for name, one in figures.items()
    )


def _write(name: str, figure: Figure, folder: Path, sources: tuple[ImageLike, ...], model: str, label: bool) -> Path:
    labelled = label and figure.made
    picture = with_strip(figure.picture) if labelled else figure.picture
    return save(picture, folder / f"{name}.png", *sources, model=model, label=labelled, edited=False)
