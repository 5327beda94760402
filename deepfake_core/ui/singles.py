"""Pictures of a strip or a grid, each saved alone, so that it can be looked at and downloaded with its label."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import Frame, ImageLike

Captioned = tuple[str, str]
"""A file, and what stands under it: as a gallery takes them."""


def save_single(
    image: "Frame", folder: Path, caption: str, number: int, model: str, sources: "Sequence[ImageLike]"
) -> Captioned:
    """Write one picture that was made of `sources` into `folder`, labelled and with its origin."""
    from deepfake_core.pipelines.image_batch import save

    path = save(image, folder / f"{number:02d}-{_file_name(caption)}.png", *sources, model=model, label=True)
    return str(path), caption


def save_singles(
    images: "Iterable[tuple[str, Frame]]", folder: Path, model: str, source: "ImageLike"
) -> list[Captioned]:
    """The same for some (caption, picture) of one source."""
    return [
        save_single(image, folder, caption, number, model, [source])
        for number, (caption, image) in enumerate(images, 1)
    ]


def _file_name(caption: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in caption).lower().split())[:60]
