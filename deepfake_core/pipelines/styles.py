"""StarGAN v2 from a request to a picture, grid or video, for the page, the command line and the Python API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.pipelines.cropped import Cropped
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import check_pixels, in_grid, places_for, save, save_numbered
from deepfake_core.pipelines.saving import origin_of
from deepfake_core.pipelines.style_specs import Resolved, Style, crop_noted, in_words, pictures_of, resolve
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.pipelines.synthesizer import FRAMES, StyleSynthesizer
from deepfake_core.provenance.label import with_strip
from deepfake_core.provenance.writer import open_sink

RATE = Fraction(25)
MAX_REFERENCES = 6
"""The most columns of a grid."""
MAX_INTERPOLATION_FRAMES = 1000
"""The most frames of a video."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleRequest:
    """One picture in one style."""

    source: ImageLike
    style: Style
    output: str | Path | None = None
    crop: Crop = Face()
    paste_back: bool = False
    """Paste the result back into the whole picture."""
    label: bool = True
    """The visible label; only the operator may switch it off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GridRequest:
    """Each source (row) in each style (column)."""

    sources: tuple[ImageLike, ...]
    styles: tuple[Style, ...]
    output: str | Path | None = None
    crop: Crop = Face()
    cells: bool = False
    """Also write each cell into the folder `...-cells`."""
    label: bool = True
    max_pixels: int | None = None
    """Limit for all sources and references together; None means no limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InterpolationRequest:
    """A video of one picture that interpolates between two styles."""

    source: ImageLike
    start: Style
    end: Style
    output: str | Path | None = None
    """`.mp4`, or a folder or `.png` for numbered frames."""
    steps: int = FRAMES
    and_back: bool = False
    """Also interpolate back to the start, so that the video can be looped."""
    crop: Crop = Face()
    paste_back: bool = False
    label: bool = True
    max_pixels: int | None = None
    """Limit for the source and the references together; None means no limit."""


def restyle(
    synthesizer: StyleSynthesizer, request: StyleRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Redraw one picture: yields one `Progress`, then `Finished`.

    Raises `NoFaceFound` with the name of the picture, `BadRequest` for unknown domains, seeds and truncations out of
    range and an invalid output, `TookTooLong`, and what reading and writing raise.
    """
    path, notes, clock = places_for([request.source], request.output)[0], list[str](), Clock()
    style = resolve(synthesizer, request.style, request.crop, notes, deadline=deadline)
    cropped = crop_noted(synthesizer, request.source, "the source", request.crop, notes, deadline)
    square = synthesizer.render(synthesizer.source(cropped.pixels), [style.vector])[0]
    image = cropped.paste(square) if request.paste_back else square
    pictures = (request.source, *pictures_of(request.style))
    saved = save(image, path, *pictures, model=synthesizer.name, label=request.label)
    files = (File(path=saved, role="result", caption=in_words(request.style)),)
    yield clock.progress(1, 1, files=files)
    yield _finished(synthesizer, files, notes, [cropped], [style], clock)


def draw_grid(
    synthesizer: StyleSynthesizer, request: GridRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Draw the grid of sources and styles: yields one `Progress` per cell, then `Finished` with the grid as its result.

    References are shown on top, sources on the left. Raises what `restyle` raises, and `MediaTooLarge`.
    """
    if not request.sources:
        raise BadRequest("a grid needs at least one source")
    path, notes, clock = places_for(request.sources[:1], request.output)[0], list[str](), Clock()
    if not 1 <= len(request.styles) <= MAX_REFERENCES:
        raise BadRequest(f"a grid must have 1 to {MAX_REFERENCES} references or seeds, got {len(request.styles)}")
    pictures = (*request.sources, *pictures_of(*request.styles))
    check_pixels(pictures, request.max_pixels, deadline)
    styles = [
        resolve(synthesizer, style, request.crop, notes, f"reference {number}", deadline)
        for number, style in enumerate(request.styles, 1)
    ]
    crops = [
        crop_noted(synthesizer, source, f"source {number}", request.crop, notes, deadline)
        for number, source in enumerate(request.sources, 1)
    ]
    cells, written = list[Image](), list[File]()
    for crop in crops:
        source = synthesizer.source(crop.pixels)
        for style in styles:
            deadline.check()
            cells += synthesizer.render(source, [style.vector])
            files = (_cell(synthesizer, request, path, cells[-1], len(cells)),) if request.cells else ()
            written += files
            yield clock.progress(len(cells), len(crops) * len(styles), files=files)
    top = [style.reference.pixels if style.reference else None for style in styles]
    grid = in_grid([crop.pixels for crop in crops], top, cells)
    if request.label:
        grid = with_strip(grid)
    saved = save(grid, path, *pictures, model=synthesizer.name, label=request.label, edited=False)
    written.append(File(path=saved, role="result"))
    yield _finished(synthesizer, written, notes, crops, styles, clock)


def _finished(
    synthesizer: StyleSynthesizer,
    files: Sequence[File],
    notes: Sequence[str],
    sources: Sequence[Cropped],
    styles: Sequence[Resolved],
    clock: Clock,
) -> Finished:
    """The last event of a run, which says for which of its pictures the weights were not made."""
    pictures = [*sources, *(style.reference for style in styles if style.reference)]
    unsuited = mismatch(synthesizer.name, [one.kind for one in pictures])
    return Finished(
        files=tuple(files),
        notes=(*notes, *noted(unsuited), *synthesizer.runtime.notes()),
        seconds=clock.seconds,
        mismatch=unsuited,
    )


def _cell(synthesizer: StyleSynthesizer, request: GridRequest, grid: Path, image: Image, number: int) -> File:
    """Write cell `number` of the grid, counted from 1; its origin names only its own source and style."""
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
    """Render the interpolation between two styles: yields one `Progress` per frame, then `Finished`.

    Closing the iterator stops after the current batch and leaves no file. Raises what `draw_grid` raises.
    """
    if request.output is None:
        raise BadRequest("a video needs an output; name one, such as result.mp4")
    if not 2 <= request.steps <= MAX_INTERPOLATION_FRAMES:
        raise BadRequest(f"an interpolation must have 2 to {MAX_INTERPOLATION_FRAMES} frames, got {request.steps}")
    notes, clock = list[str](), Clock()
    pictures = (request.source, *pictures_of(request.start, request.end))
    check_pixels(pictures, request.max_pixels, deadline)
    start, end = (
        resolve(synthesizer, style, request.crop, notes, deadline=deadline) for style in (request.start, request.end)
    )
    cropped = crop_noted(synthesizer, request.source, "the source", request.crop, notes, deadline).for_video()
    source, ways = synthesizer.source(cropped.pixels), [(start.vector, end.vector)]
    if request.and_back:
        ways.append((end.vector, start.vector))
    done, origin = 0, origin_of(synthesizer.name, *pictures)
    with open_sink(request.output, rate=RATE, origin=origin, label=request.label, deadline=deadline) as video:
        for way in ways:
            for square in synthesizer.interpolated(source, *way, request.steps):
                deadline.check()
                video.write(cropped.paste(square) if request.paste_back else square)
                done += 1
                yield clock.progress(done, len(ways) * request.steps, unit="frame")
    yield _finished(synthesizer, [File(path=video.path, role="result")], notes, [cropped], [start, end], clock)
