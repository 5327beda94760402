"""Styles of StarGAN v2, from a request to a picture, grid or video: what page, command line and Python call alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import check_pixels, in_grid, places_for, save, save_numbered
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.style_specs import Style, crop_noted, in_words, pictures_of, resolve
from deepfake_core.pipelines.synthesizer import FRAMES, StyleSynthesizer
from deepfake_core.provenance.writer import open_sink

RATE = Fraction(25)
MOST_REFERENCES = 6
"""Columns of a grid."""
LONGEST_INTERPOLATION = 1000
"""Frames of a video."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleRequest:
    """One picture in one style."""

    source: ImageLike
    style: Style
    output: str | Path | None = None
    crop: Crop = Face()
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
    crop: Crop = Face()
    cells: bool = False
    """Also write every cell alone, into the folder `...-cells`."""
    label: bool = True
    max_pixels: int | None = None
    """Of all sources and references together; None takes any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InterpolationRequest:
    """A video of one picture, whose style goes from one to another."""

    source: ImageLike
    start: Style
    end: Style
    output: str | Path | None = None
    """`.mp4`, or a folder or `.png` for numbered frames."""
    steps: int = FRAMES
    and_back: bool = False
    """Go back to the start as well, so that the video can be shown again and again."""
    crop: Crop = Face()
    paste_back: bool = False
    label: bool = True
    max_pixels: int | None = None
    """Of the source and the references together; None takes any."""


def restyle(
    synthesizer: StyleSynthesizer, request: StyleRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Redraw one picture: yields one `Progress`, then `Finished`.

    Raises `NoFaceFound` naming the picture without one, `BadRequest` for unknown domains, for seeds and truncations out
    of range and for an output that makes no sense, `TookTooLong`, and what reading and writing raise.
    """
    path, notes, clock = places_for([request.source], request.output)[0], list[str](), Clock()
    style = resolve(synthesizer, request.style, request.crop, notes, deadline=deadline).vector
    cropped = crop_noted(synthesizer, request.source, "the source", request.crop, notes, deadline)
    square = synthesizer.render(synthesizer.source(cropped.pixels), [style])[0]
    image = cropped.paste(square) if request.paste_back else square
    pictures = (request.source, *pictures_of(request.style))
    saved = save(image, path, *pictures, model=synthesizer.name, label=request.label)
    files = (File(path=saved, role="result", caption=in_words(request.style)),)
    yield clock.progress(1, 1, files=files)
    yield Finished(files=files, notes=(*notes, *synthesizer.runtime.notes()), seconds=clock.seconds)


def draw_grid(
    synthesizer: StyleSynthesizer, request: GridRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Draw the grid of sources and styles: yields one `Progress` a cell, then `Finished` with the grid as its result.

    References stand along the top, sources along the left. Raises as `restyle` does, and `MediaTooLarge` for too many
    pixels.
    """
    if not request.sources:
        raise BadRequest("a grid needs a source; name one")
    path, notes, clock = places_for(request.sources[:1], request.output)[0], list[str](), Clock()
    if not 1 <= len(request.styles) <= MOST_REFERENCES:
        raise BadRequest(f"a grid takes 1 to {MOST_REFERENCES} references or seeds, got {len(request.styles)}")
    pictures = (*request.sources, *pictures_of(*request.styles))
    check_pixels(pictures, request.max_pixels, deadline)
    styles = [
        resolve(synthesizer, style, request.crop, notes, f"reference {number}", deadline)
        for number, style in enumerate(request.styles, 1)
    ]
    squares = [
        crop_noted(synthesizer, source, f"source {number}", request.crop, notes, deadline).pixels
        for number, source in enumerate(request.sources, 1)
    ]
    cells, written = list[Image](), list[File]()
    for square in squares:
        source = synthesizer.source(square)
        for style in styles:
            deadline.check()
            cells += synthesizer.render(source, [style.vector])
            files = (_cell(synthesizer, request, path, cells[-1], len(cells)),) if request.cells else ()
            written += files
            yield clock.progress(len(cells), len(squares) * len(styles), files=files)
    grid = in_grid(squares, [style.pixels for style in styles], cells)
    saved = save(grid, path, *pictures, model=synthesizer.name, label=request.label, edited=False)
    written.append(File(path=saved, role="result"))
    yield Finished(files=tuple(written), notes=(*notes, *synthesizer.runtime.notes()), seconds=clock.seconds)


def _cell(synthesizer: StyleSynthesizer, request: GridRequest, grid: Path, image: Image, number: int) -> File:
    """One cell of the grid, counted from 1, as a file of its own: made of its source and its style alone."""
    row, column = divmod(number - 1, len(request.styles))
    style, source = request.styles[column], request.sources[row]
    caption = f"{column + 1}: {in_words(style)}" + (f", source {row + 1}" if len(request.sources) > 1 else "")
    return save_numbered(
        image,
        grid.with_name(f"{grid.stem}-cells"),
        number,
        caption,
        *(source, *pictures_of(style)),
        model=synthesizer.name,
        role="cell",
        label=request.label,
    )


def interpolate(
    synthesizer: StyleSynthesizer, request: InterpolationRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Draw the video between two styles: yields one `Progress` a frame, then `Finished`.

    Closing the iterator stops within a batch and leaves no file. Raises as `draw_grid` does.
    """
    if request.output is None:
        raise BadRequest("a video needs a place to go to; name one, such as result.mp4")
    if not 2 <= request.steps <= LONGEST_INTERPOLATION:
        raise BadRequest(f"a video between two styles has 2 to {LONGEST_INTERPOLATION} frames, got {request.steps}")
    notes, clock = list[str](), Clock()
    pictures = (request.source, *pictures_of(request.start, request.end))
    check_pixels(pictures, request.max_pixels, deadline)
    start, end = (
        resolve(synthesizer, style, request.crop, notes, deadline=deadline).vector
        for style in (request.start, request.end)
    )
    cropped = crop_noted(synthesizer, request.source, "the source", request.crop, notes, deadline).for_video()
    source, ways = synthesizer.source(cropped.pixels), [(start, end)]
    if request.and_back:
        ways.append((end, start))
    done, origin = 0, origin_of(synthesizer.name, *pictures)
    with open_sink(request.output, rate=RATE, origin=origin, label=request.label, deadline=deadline) as video:
        for way in ways:
            for square in synthesizer.interpolated(source, *way, request.steps):
                deadline.check()
                video.write(cropped.paste(square) if request.paste_back else square)
                done += 1
                yield clock.progress(done, len(ways) * request.steps, unit="frame")
    files = (File(path=video.path, role="result"),)
    yield Finished(files=files, notes=(*notes, *synthesizer.runtime.notes()), seconds=clock.seconds)
