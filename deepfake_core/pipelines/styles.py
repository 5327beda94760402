"""Styles of StarGAN v2, from a request to a finished picture, grid or video: what all three faces call alike."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.pipelines.animator import Frame, ImageLike
from deepfake_core.pipelines.image_batch import Crop, View, check_pixels, in_rows, places_for, preview, save
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.synthesizer import FRAMES, StyleSynthesizer, white_like
from deepfake_core.provenance.writer import open_sink

RATE = Fraction(25)
MOST_REFERENCES = 6
"""Columns of a grid."""
LONGEST_WALK = 1000
"""Frames of a video."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The looks of a picture, seen as one of a domain."""

    image: ImageLike
    domain: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Latent:
    """The looks that a seed stands for in a domain."""

    seed: int
    domain: str
    truncation: float | int = 1.0
    """0 (typical of the domain) to 1 (varied)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixed:
    """Looks between two others."""

    start: Reference | Latent
    end: Reference | Latent
    share: float | int
    """0 is the start, 1 the end."""


Style = Reference | Latent | Mixed


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleRequest:
    """One picture in one style."""

    source: ImageLike
    style: Style
    output: str | Path | None = None
    crop: Crop = "auto"
    paste_back: bool = False
    """Put the result back into the whole picture."""
    label: bool = True
    """The visible label; only who runs the program may switch it off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridRequest:
    """Every source (rows) in every style (columns); a strip of seeds is a grid of one row."""

    sources: tuple[ImageLike, ...]
    styles: tuple[Style, ...]
    output: str | Path | None = None
    crop: Crop = "auto"
    label: bool = True
    max_pixels: int | None = None
    """Of all sources and references together; None takes any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WalkRequest:
    """A video of one picture on its way from one style to another."""

    source: ImageLike
    start: Style
    end: Style
    output: str | Path | None = None
    """`.mp4`, or a folder or `.png` for numbered frames."""
    steps: int = FRAMES
    and_back: bool = False
    """Walk back to the start as well, so that the video can be shown again and again."""
    crop: Crop = "auto"
    paste_back: bool = False
    label: bool = True
    max_pixels: int | None = None
    """Of the source and the references together; None takes any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """One picture, or one cell of a grid, or one frame of a video is done."""

    image: Frame
    """Small: see `image_batch.preview`; a cell of a grid is never shrunk."""
    index: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """All is done, and the file has its name."""

    path: Path
    image: Frame
    """The picture, the grid, or the video's last frame; small: see `image_batch.preview`."""
    seconds: float
    notes: tuple[str, ...]


def restyle(
    synthesizer: StyleSynthesizer, request: StyleRequest, deadline: Deadline = NEVER
) -> Iterator[Drawn | Finished]:
    """Redraw one picture: yields `Drawn`, then `Finished`.

    Raises `NoFaceFound` naming the picture without one, `BadRequest` for unknown domains, seeds and truncations that
    make no sense and for an output that does, `TookTooLong`, and what reading and writing raise.
    """
    path, began = places_for([request.source], request.output)[0], time.monotonic()
    notes: list[str] = []
    style = resolve(synthesizer, request.style, request.crop, notes, deadline=deadline).vector
    view = look(synthesizer, request.source, "the source", request.crop, notes, deadline)
    square = synthesizer.render(synthesizer.source(view.pixels), [style])[0]
    image = view.paste(square) if request.paste_back else square
    yield Drawn(image=preview(image), index=0, total=1)
    pictures = (request.source, *pictures_of(request.style))
    saved = save(image, path, *pictures, model=synthesizer.name, label=request.label)
    yield Finished(
        path=saved,
        image=preview(image),
        seconds=time.monotonic() - began,
        notes=(*notes, *synthesizer.runtime.notes()),
    )


def draw_grid(
    synthesizer: StyleSynthesizer, request: GridRequest, deadline: Deadline = NEVER
) -> Iterator[Drawn | Finished]:
    """Draw the grid of sources and styles: yields `Drawn` for every cell, then `Finished`.

    References stand along the top, sources along the left. Raises as `restyle` does, and `MediaTooLarge` for too many
    pixels.
    """
    if not request.sources:
        raise BadRequest("a grid needs a source; name one")
    path, began = places_for(request.sources[:1], request.output)[0], time.monotonic()
    notes: list[str] = []
    if not 1 <= len(request.styles) <= MOST_REFERENCES:
        raise BadRequest(f"a grid takes 1 to {MOST_REFERENCES} references or seeds, not {len(request.styles)}")
    pictures = (*request.sources, *pictures_of(*request.styles))
    check_pixels(pictures, request.max_pixels, deadline)
    known = [
        resolve(synthesizer, style, request.crop, notes, f"reference {number}", deadline)
        for number, style in enumerate(request.styles, 1)
    ]
    squares = [
        look(synthesizer, source, f"source {number}", request.crop, notes, deadline).pixels
        for number, source in enumerate(request.sources, 1)
    ]
    rows, done = list[list[Frame]](), 0
    for square in squares:
        source = synthesizer.source(square)
        row = [square]
        for style in known:
            deadline.check()
            row += synthesizer.render(source, [style.vector])
            yield Drawn(image=row[-1], index=done, total=len(squares) * len(known))
            done += 1
        rows.append(row)
    if any(style.pixels is not None for style in known):
        blank = white_like(squares[0])
        rows.insert(0, [blank, *(blank if style.pixels is None else style.pixels for style in known)])
    image = in_rows(rows)
    saved = save(image, path, *pictures, model=synthesizer.name, label=request.label, edited=False)
    yield Finished(
        path=saved,
        image=preview(image),
        seconds=time.monotonic() - began,
        notes=(*notes, *synthesizer.runtime.notes()),
    )


def walk(synthesizer: StyleSynthesizer, request: WalkRequest, deadline: Deadline = NEVER) -> Iterator[Drawn | Finished]:
    """Draw the video between two styles: yields `Drawn` for every frame, then `Finished`.

    Closing the iterator stops within a batch and leaves no file. Raises as `draw_grid` does.
    """
    if request.output is None:
        raise BadRequest("a video needs a place to go to; name one, such as result.mp4")
    if not 2 <= request.steps <= LONGEST_WALK:
        raise BadRequest(f"a video between two styles has 2 to {LONGEST_WALK} frames, not {request.steps}")
    notes, began = list[str](), time.monotonic()
    pictures = (request.source, *pictures_of(request.start, request.end))
    check_pixels(pictures, request.max_pixels, deadline)
    start, end = (
        resolve(synthesizer, style, request.crop, notes, deadline=deadline).vector
        for style in (request.start, request.end)
    )
    view = look(synthesizer, request.source, "the source", request.crop, notes, deadline).for_video()
    source, ways = synthesizer.source(view.pixels), [(start, end)]
    if request.and_back:
        ways.append((end, start))
    total, index = len(ways) * request.steps, 0
    origin = origin_of(synthesizer.name, *pictures)
    with open_sink(request.output, rate=RATE, origin=origin, label=request.label, deadline=deadline) as video:
        for way in ways:
            for square in synthesizer.walk(source, *way, request.steps):
                deadline.check()
                frame = view.paste(square) if request.paste_back else square
                video.write(frame)
                yield Drawn(image=frame, index=index, total=total)
                index += 1
    yield Finished(
        path=video.path,
        image=frame,
        seconds=time.monotonic() - began,
        notes=(*notes, *synthesizer.runtime.notes()),
    )


def pictures_of(*styles: Style) -> Iterator[ImageLike]:
    """The pictures whose looks the styles are."""
    for style in styles:
        match style:
            case Reference():
                yield style.image
            case Mixed():
                yield from pictures_of(style.start, style.end)


class Known(NamedTuple):
    """A style that a request means, and the square of the picture that it was read from, if it was one."""

    vector: Float[Tensor, "s"]
    pixels: Frame | None


def resolve(
    synthesizer: StyleSynthesizer,
    style: Style,
    crop: Crop,
    notes: list[str],
    name: str = "the reference",
    deadline: Deadline = NEVER,
) -> Known:
    """Find out the style; what should be known about its pictures goes into `notes`."""
    match style:
        case Reference():
            synthesizer.number(style.domain)
            view = look(synthesizer, style.image, name, crop, notes, deadline)
            return Known(synthesizer.read_styles([view.pixels], [style.domain])[0], view.pixels)
        case Latent():
            return Known(synthesizer.style_from(style.seed, style.domain, truncation=style.truncation), None)
        case Mixed():
            if not 0 <= style.share <= 1:
                raise BadRequest(f"a share of {style.share} makes no sense; choose one from 0 (start) to 1 (end)")
            start, end = (
                resolve(synthesizer, part, crop, notes, name, deadline).vector for part in (style.start, style.end)
            )
            return Known(torch.lerp(start, end, style.share), None)


def look(
    synthesizer: StyleSynthesizer,
    image: ImageLike,
    name: str,
    crop: Crop,
    notes: list[str],
    deadline: Deadline,
) -> View:
    """What the network sees of a picture; how that was chosen goes into `notes`."""
    deadline.check()
    view = synthesizer.look(image, name, crop=crop, deadline=deadline)
    notes.append(f"{view.name[0].upper()}{view.name[1:]}: {view.note}")
    return view
