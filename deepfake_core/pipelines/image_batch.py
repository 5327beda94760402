"""Batches of pictures for the three translators: limits, crops, output paths, grids and saving."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, LabError, MediaTooLarge, TookTooLong
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import SUFFIXES, Image, ImageLike, pixels_of
from deepfake_core.pipelines.cropped import Cropped, name_of
from deepfake_core.pipelines.events import File, Role
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.provenance.writer import save_image
from deepfake_core.settings import settings

BATCH = {"cpu": 1, "mps": 4, "cuda": 16}
"""Pictures per batch; a CPU gains nothing from larger batches, and Stop waits for the batch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRequest:
    """What the pipelines have in common that make one picture of each source."""

    sources: tuple[ImageLike, ...]
    output: str | Path | None = None
    """A file for one source; a folder for a batch."""
    ending: str = ""
    """Appended to the names of the files in a folder."""
    crop: Crop = Face()
    """For weights for scenes, `Face` is the centre square."""
    paste_back: bool = False
    """Paste the result's crop back into the whole picture."""
    with_source: bool = False
    """Also write `...-source`: the network's input, or the whole picture if the result is pasted back."""
    label: bool = True
    """The visible label; only the operator may switch it off."""
    max_pixels: int | None = None
    """Limit for all sources together; None means no limit."""


def check_pixels(sources: Sequence[ImageLike], most: int | None, deadline: Deadline = NEVER) -> None:
    """Check the total number of pixels against `most`, from the headers, before any picture is decoded.

    Unreadable pictures are ignored here; reading them reports the error. Raises `MediaTooLarge` or `TookTooLong`.
    """
    largest = max(settings().picture_pixels, settings().photo_pixels)
    if most is None or len(sources) * largest <= most:
        return
    total = sum(_pixels(source, deadline) for source in sources)
    if total > most:
        count = f"the {len(sources)} pictures have" if len(sources) > 1 else "the picture has"
        raise MediaTooLarge(
            f"{count} {total / 1e6:.3g} million pixels and the limit of one run is {most / 1e6:.3g} million; "
            "choose fewer or smaller pictures"
        )


def _pixels(source: ImageLike, deadline: Deadline) -> int:
    if isinstance(source, np.ndarray):
        return source.shape[0] * source.shape[1]
    if isinstance(source, PIL.Image.Image):
        return source.width * source.height
    try:
        return pixels_of(source, deadline=deadline)
    except TookTooLong:
        raise
    except LabError:
        return 0


def of_one_size(crops: Iterable[tuple[int, Cropped]], most: int) -> Iterator[list[tuple[int, Cropped]]]:
    """Lists of at most `most` consecutive pictures of the same size, which a network can process as a batch."""
    batch: list[tuple[int, Cropped]] = []
    for place, cropped in crops:
        if batch and (len(batch) == most or cropped.pixels.shape != batch[0][1].pixels.shape):
            yield batch
            batch = []
        batch.append((place, cropped))
    if batch:
        yield batch


@dataclass(kw_only=True, slots=True)
class Batch:
    """The pictures of a run, read one by one. In a batch, pictures that fail are reported and skipped."""

    sources: Sequence[ImageLike]
    crop: Callable[[ImageLike, str | None], Cropped]
    notes: list[str]
    """Notes for the user, which are added while reading."""
    deadline: Deadline = NEVER
    skipped: int = 0

    def crops(self) -> Iterator[tuple[int, Cropped]]:
        """(index in `sources`, picture). Raises the last error if all pictures fail, and `TookTooLong`."""
        is_batch = len(self.sources) > 1
        for place, source in enumerate(self.sources):
            self.deadline.check()
            try:
                cropped = self.crop(source, name_of(source, f"picture {place + 1}") if is_batch else None)
            except TookTooLong:
                raise
            except LabError as error:
                self.skipped += 1
                if self.skipped == len(self.sources):
                    raise
                self.notes.append(f"Skipped: {error}.")
                continue
            yield place, cropped


def listed(paths: Sequence[str | Path]) -> tuple[Path, ...]:
    """Replace folders by the pictures in them, sorted by name. Raises `BadRequest` for a folder without pictures."""
    pictures: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            pictures.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        if not inside:
            raise BadRequest(f"the folder {path.name} contains no pictures; it should contain PNG or JPEG files")
        pictures += inside
    return tuple(pictures)


def places_for(sources: Sequence[ImageLike], output: str | Path | None, ending: str = "") -> list[Path]:
    """The output path of each picture: `output` itself, or a PNG of the same name and `ending` in the folder `output`.

    Raises `BadRequest` without sources or output, for a file where a folder is needed, and for a result that would
    overwrite a source.
    """
    if not sources:
        raise BadRequest("no picture is given; name at least one")
    if output is None:
        raise BadRequest("the result needs an output; name one, such as result.png")
    path = Path(output)
    if path.is_dir() or not path.suffix or str(output).endswith((os.sep, "/")):
        places = [
            path / f"{stem}{ending}.png"
            for stem in distinct(Path(name_of(source, "picture")).stem for source in sources)
        ]
    elif len(sources) > 1:
        raise BadRequest(f"the output of {len(sources)} pictures must be a folder, got the file {path.name}")
    else:
        places = [path]
    originals = {Path(source).resolve() for source in sources if isinstance(source, str | Path)}
    if taken := next((place for place in places if place.resolve() in originals), None):
        raise BadRequest(f"{taken.name} would overwrite its source; choose another output")
    return places


def distinct(stems: Iterable[str]) -> list[str]:
    """The names, with a number appended to repeated ones."""
    names: list[str] = []
    for stem in stems:
        name, number = stem, 2
        while name.lower() in (taken.lower() for taken in names):  # some file systems ignore case
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def suffixed(path: Path, what: str) -> Path:
    """The path of a file that accompanies the result at `path`: result.png, result-back.png."""
    return path.with_name(f"{path.stem}-{what}{path.suffix}")


def save(image: Image, path: Path, *sources: ImageLike, model: str, label: bool, edited: bool = True) -> Path:
    """Write a labelled and signed result; `edited`: it is an edited version of the first source."""
    return save_image(image, path, origin=origin_of(model, *sources, edited=edited), label=label)


def save_numbered(
    image: Image, folder: Path, number: int, caption: str, *sources: ImageLike, model: str, role: Role, label: bool
) -> File:
    """Write one picture of a result into `folder`, named by number and caption: 01-blond-hair.png."""
    path = folder / f"{number:02d}-{file_name(caption)}.png"
    return File(path=save(image, path, *sources, model=model, label=label), role=role, caption=caption)


def file_name(caption: str) -> str:
    """A caption as part of a file name: letters and digits only."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in caption).lower().split())[:60]


def in_rows(rows: Sequence[Sequence[UInt8[np.ndarray, "s s 3"]]]) -> Image:
    """Pictures of the same size in rows and columns, without gaps."""
    return np.vstack([np.hstack(list(row)) for row in rows])


def in_grid(left: Sequence[Image], top: Sequence[Image | None], cells: Sequence[Image]) -> Image:
    """A grid of cells with a column of pictures on the left and, if there are any, a row of pictures on top.

    All pictures have the same size. Empty places are white.
    """
    rows = [[square, *cells[row * len(top) : (row + 1) * len(top)]] for row, square in enumerate(left)]
    if any(picture is not None for picture in top):
        blank = np.full_like(left[0], 255)
        rows.insert(0, [blank, *(blank if picture is None else picture for picture in top)])
    return in_rows(rows)
