"""Style specifications of a request (reference, latent or a mix of two), and their style vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import ImageLike
from deepfake_core.pipelines.cropped import Cropped
from deepfake_core.pipelines.synthesizer import StyleSynthesizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The style of a picture in a domain."""

    image: ImageLike
    domain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Latent:
    """The style of a seeded latent in a domain."""

    seed: int
    domain: str
    truncation: float | int = 1.0
    """0 (typical of the domain) to 1 (varied)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixed:
    """An interpolation of two styles."""

    start: Reference | Latent
    end: Reference | Latent
    share: float | int
    """0 is the start, 1 the end."""


Style = Reference | Latent | Mixed


def pictures_of(*styles: Style) -> Iterator[ImageLike]:
    """The reference pictures of the styles."""
    for style in styles:
        match style:
            case Reference():
                yield style.image
            case Mixed():
                yield from pictures_of(style.start, style.end)


def in_words(style: Style) -> str:
    """The display name of a style."""
    match style:
        case Reference():
            name = f"{Path(style.image).stem} " if isinstance(style.image, str | Path) else ""
            return f"{name}as {style.domain}"
        case Latent():
            return f"seed {style.seed}"
        case _:
            return "interpolated style"


class Resolved(NamedTuple):
    """A style vector, and the crop of its reference if it has one."""

    vector: Float[Tensor, "s"]
    reference: Cropped | None = None


def resolve(
    synthesizer: StyleSynthesizer,
    style: Style,
    crop: Crop,
    notes: list[str],
    name: str = "the reference",
    deadline: Deadline = NEVER,
) -> Resolved:
    """Compute the style vector; notes on the crop of references are added to `notes`."""
    match style:
        case Reference():
            synthesizer.number(style.domain)
            largest = Face() if isinstance(crop, Face) else crop  # a number chooses a face of the source
            cropped = crop_noted(synthesizer, style.image, name, largest, notes, deadline)
            return Resolved(synthesizer.read_styles([cropped.pixels], [style.domain])[0], cropped)
        case Latent():
            return Resolved(synthesizer.style_from(style.seed, style.domain, truncation=style.truncation))
        case Mixed():
            if not 0 <= style.share <= 1:
                raise BadRequest(f"share must be between 0 (start) and 1 (end), got {style.share}")
            start, end = (
                resolve(synthesizer, part, crop, notes, name, deadline).vector for part in (style.start, style.end)
            )
            return Resolved(torch.lerp(start, end, style.share))


def crop_noted(
    synthesizer: StyleSynthesizer, image: ImageLike, name: str, crop: Crop, notes: list[str], deadline: Deadline
) -> Cropped:
    """Crop a picture; the note on its crop is added to `notes`."""
    deadline.check()
    cropped = synthesizer.cropped(image, name, crop=crop, deadline=deadline)
    notes.append(f"{cropped.name[0].upper()}{cropped.name[1:]}: {cropped.note}")
    return cropped
