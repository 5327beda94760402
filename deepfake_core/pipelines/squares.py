"""Single pictures for the three translators: read, cut to what a network sees, put back, and saved under names."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest, LabError, MediaTooLarge, TookTooLong
from deepfake_core.faces import Box, cut, find_crop, paste
from deepfake_core.faces.resample import fit
from deepfake_core.hub.manifest import Subject
from deepfake_core.media.images import pixels_of, read_image
from deepfake_core.pipelines.animator import Frame, ImageLike
from deepfake_core.pipelines.driving import name_of
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.provenance.writer import save_image
from deepfake_core.settings import settings

Crop = Literal["auto", "none", "whole"]
"""`auto`: a square around the face, or in the middle where no face is meant. `none`: all of the picture, but for what
makes it no square. `whole`: all of it in its own shape, for networks that take any."""
CROPS = ("auto", "none")
BATCH = {"cpu": 1, "mps": 4, "cuda": 16}
"""Pictures at once; a CPU gains nothing by more, and Stop waits for the batch."""
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")
"""Names of pictures; which of them can be read is found out by reading."""
LONGEST_SHOWN = 1280
"""Pixels of the longer side of a whole picture in a video, and of any picture that an event carries."""
LONGEST_WHOLE = 1024
"""Pixels of the longer side of a picture that is seen whole; larger ones are shrunk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A picture, and what a network sees of it."""

    name: str
    """What an error or a file calls it."""
    picture: Frame
    """All of it, shrunk to `pasted_side` of the settings: what a result is pasted back into."""
    pixels: UInt8[np.ndarray, "rows columns 3"]
    """What the network sees."""
    box: Box | None
    """The square of `picture` that this is; None for all of it."""
    note: str
    """One sentence for the user: how it was chosen."""

    def paste(self, made: UInt8[np.ndarray, "s s 3"]) -> Frame:
        """The whole picture with what was made of the square in its place."""
        assert self.box is not None
        return paste(self.picture, made, self.box)

    def for_video(self) -> "View":
        """The same with a picture of at most `LONGEST_SHOWN` pixels, which every frame would hold."""
        if self.box is None:
            return self
        picture, box = shrunk(self.picture, self.box, LONGEST_SHOWN)
        return replace(self, picture=picture, box=box)

    def before(self, *, pasted: bool) -> Frame:
        """What to show beside the result: small, for events hold it."""
        return preview(self.picture if pasted and self.box else self.pixels)


def shrunk(picture: Frame, box: Box, longest: int) -> tuple[UInt8[np.ndarray, "height width 3"], Box]:
    """A picture with no side above `longest` pixels, and the same square in it."""
    if max(picture.shape[:2]) <= longest:
        return picture, box
    smaller, ratio = fit(picture, longest)
    return smaller, Box(left=box.left / ratio, top=box.top / ratio, side=box.side / ratio)


def preview(picture: Frame) -> UInt8[np.ndarray, "height width 3"]:
    """The picture with no side above `LONGEST_SHOWN` pixels."""
    return fit(picture, LONGEST_SHOWN)[0] if max(picture.shape[:2]) > LONGEST_SHOWN else picture


def look(
    image: ImageLike, size: int, *, subject: Subject, crop: str, name: str | None = None, deadline: Deadline = NEVER
) -> View:
    """Read a picture and cut the square that a network of `size` pixels sees.

    A picture of that size that is a portrait already, or cut with `none`, keeps its bytes. Raises what reading raises,
    `NoFaceFound` where a face is meant and none is there, and `BadRequest` for another crop.
    """
    limits = settings()
    if crop not in CROPS:
        raise BadRequest(f"unknown crop mode {crop!r}; choose one of {', '.join(CROPS)}")
    picture = read_image(image, longest=limits.working_side, deadline=deadline)
    name = name or name_of(image, "the picture")
    found = find_crop(picture, mode=crop if subject == "face" else "none", name=name)
    pixels = cut(picture, found.box, size)
    picture, box = shrunk(picture, found.box, limits.pasted_side)
    return View(name=name, picture=picture, pixels=pixels, box=box, note=found.note)


def look_at_all(image: ImageLike, name: str | None = None, *, deadline: Deadline = NEVER) -> View:
    """Read a picture for a network that takes any shape, at most `LONGEST_WHOLE` pixels long."""
    picture = read_image(image, longest=settings().working_side, deadline=deadline)
    name, note = name or name_of(image, "the picture"), "The whole picture is used."
    if max(picture.shape[:2]) > LONGEST_WHOLE:
        picture, _ = fit(picture, LONGEST_WHOLE)
        note = f"The whole picture is used, shrunk to {picture.shape[1]} x {picture.shape[0]} pixels."
    return View(name=name, picture=picture, pixels=picture, box=None, note=note)


def check_pixels(sources: Sequence[ImageLike], most: int | None, deadline: Deadline = NEVER) -> None:
    """Refuse pictures that have more than `most` pixels together, by their headers, before any is decoded.

    One that cannot be read counts nothing here: reading it will say why. Raises `MediaTooLarge` or `TookTooLong`.
    """
    if most is None or len(sources) * settings().picture_pixels <= most:
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
    if isinstance(source, Image.Image):
        return source.width * source.height
    try:
        return pixels_of(source, deadline=deadline)
    except TookTooLong:
        raise
    except LabError:
        return 0


def to_tensor(pictures: Sequence[Frame], device: torch.device) -> Float[Tensor, "b 3 h w"]:
    """Pictures of one size as the translators take them: [-1, 1]."""
    pixels = torch.from_numpy(np.stack(pictures)).to(device)
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pictures(images: Float[Tensor, "b 3 h w"]) -> list[Frame]:
    """What a network painted, [-1, 1], as bytes; what lies beyond is clipped."""
    pixels = ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return list(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def alike(views: Iterable[tuple[int, View]], most: int) -> Iterator[list[tuple[int, View]]]:
    """Lists of at most `most` consecutive views of one size, which a network can take at once."""
    batch: list[tuple[int, View]] = []
    for place, view in views:
        if batch and (len(batch) == most or view.pixels.shape != batch[0][1].pixels.shape):
            yield batch
            batch = []
        batch.append((place, view))
    if batch:
        yield batch


@dataclass(kw_only=True, slots=True)
class Batch:
    """The pictures of one run, read one by one. With several, one that will not do is named and left out."""

    sources: Sequence[ImageLike]
    look: Callable[[ImageLike, str | None], View]
    notes: list[str]
    """Fills with what the user should know."""
    deadline: Deadline = NEVER
    left_out: int = 0

    def views(self) -> Iterator[tuple[int, View]]:
        """(place in `sources`, view). Raises a picture's error when it is the only one, or the last of none that do.

        Raises `TookTooLong` at the deadline.
        """
        several = len(self.sources) > 1
        for place, source in enumerate(self.sources):
            self.deadline.check()
            try:
                view = self.look(source, name_of(source, f"picture {place + 1}") if several else None)
            except TookTooLong:
                raise
            except LabError as error:
                self.left_out += 1
                if self.left_out == len(self.sources):
                    raise
                self.notes.append(f"Left out: {error}.")
                continue
            yield place, view


def listed(paths: Sequence[str | Path]) -> tuple[Path, ...]:
    """The pictures that these names mean: a folder stands for the pictures in it, in the order of their names.

    Raises `BadRequest` for a folder without any.
    """
    pictures: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            pictures.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        if not inside:
            raise BadRequest(f"there is no picture in the folder {path.name}; it should hold PNG or JPEG files")
        pictures += inside
    return tuple(pictures)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """All pictures of a batch are done."""

    paths: tuple[Path, ...]
    seconds: float
    notes: tuple[str, ...]


def places_for(sources: Sequence[ImageLike], output: str | Path | None) -> list[Path]:
    """The file for the result of each picture: `output` itself for one, or in the folder `output` a PNG of its name.

    Raises `BadRequest` without sources or output, for a file where a folder is needed, and for a result that would
    replace its source.
    """
    if not sources:
        raise BadRequest("there is no picture to work on; name one")
    if output is None:
        raise BadRequest("the result needs a place to go to; name one, such as result.png")
    path = Path(output)
    if path.is_dir() or not path.suffix or str(output).endswith((os.sep, "/")):
        places = [
            path / f"{stem}.png" for stem in distinct(Path(name_of(source, "picture")).stem for source in sources)
        ]
    elif len(sources) > 1:
        raise BadRequest(f"{len(sources)} pictures cannot all become {path.name}; name a folder")
    else:
        places = [path]
    originals = {Path(source).resolve() for source in sources if isinstance(source, str | Path)}
    if taken := next((place for place in places if place.resolve() in originals), None):
        raise BadRequest(f"{taken.name} would replace the picture that it is made of; name another place")
    return places


def distinct(stems: Iterable[str]) -> list[str]:
    """The names, those that came before with a number behind them."""
    names: list[str] = []
    for stem in stems:
        name, number = stem, 2
        while name.lower() in (taken.lower() for taken in names):  # some file systems do not tell letters' cases apart
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def beside(path: Path, what: str) -> Path:
    """The file for something that goes with the result at `path`: result.png, result-back.png."""
    return path.with_name(f"{path.stem}-{what}{path.suffix}")


def save(image: Frame, path: Path, *sources: ImageLike, model: str, label: bool, edited: bool = True) -> Path:
    """Write a finished picture with its label and origin; `edited`: it is another state of the first source."""
    return save_image(image, path, origin=origin_of(model, *sources, edited=edited), label=label)


def in_rows(rows: Sequence[Sequence[UInt8[np.ndarray, "s s 3"]]]) -> Frame:
    """Squares of one size in rows and columns, without gaps."""
    return np.vstack([np.hstack(list(row)) for row in rows])
