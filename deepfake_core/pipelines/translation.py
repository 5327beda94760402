"""Translation by CycleGAN, from a request to finished files: what page, command line and Python call alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.pipelines.cropped import Cropped
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import Batch, check_pixels, of_one_size, places_for, save, suffixed
from deepfake_core.pipelines.translator import Cycle, CycleTranslator
from deepfake_core.provenance.writer import save_input


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationRequest:
    """Everything that the translation of some pictures needs to know."""

    sources: tuple[ImageLike, ...]
    output: str | Path | None = None
    """A picture's name for one source; a folder for several."""
    crop: Crop = Face()
    """`Face` is the middle square where the weights are for scenes."""
    paste_back: bool = False
    """Put the translated square back into the whole picture."""
    back: bool = False
    """Translate the result back as well, into a second file `...-back`, and measure the cycle's error."""
    with_source: bool = False
    """Also write `...-source`: what the network saw, or the whole picture if the result is pasted back into it."""
    label: bool = True
    """The visible label; only who runs the program may switch it off."""
    max_pixels: int | None = None
    """Of all sources together; None takes any."""


def translate(
    translator: CycleTranslator, request: TranslationRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Translate into files: one `Progress` a picture, with its files, then `Finished`.

    The facts of a result are `name` (of the source), and with `back` also `cycle_error` (mean |x - back|, 0 to 2; None
    without weights that lead back) and `cycle_note` (which weights lead back, or why none do). Of several pictures one
    that cannot be read is named in the notes and left out. Raises `BadRequest` for outputs that make no sense,
    `MediaTooLarge` for too many pixels, `TookTooLong`, and what reading and writing raise.
    """
    places, notes, clock = places_for(request.sources, request.output), list[str](), Clock()
    check_pixels(request.sources, request.max_pixels, deadline)
    batch = Batch(
        sources=request.sources,
        crop=lambda source, name: translator.cropped(source, name, crop=request.crop, deadline=deadline),
        notes=notes,
        deadline=deadline,
    )
    written: list[File] = []
    for group in of_one_size(batch.crops(), translator.batch):
        made = _made(translator, [cropped.pixels for _, cropped in group], back=request.back)
        for (place, cropped), (image, cycle) in zip(group, made, strict=True):
            source = request.sources[place]
            files = tuple(_written(translator, request, source, cropped, image, cycle, places[place]))
            written += files
            told = [f"{cropped.name}: {cropped.note}", *([cycle.note] if cycle else [])]
            notes += [note for note in told if note not in notes]
            yield clock.progress(place + 1, len(places), files=files)
    yield Finished(files=tuple(written), notes=(*notes, *translator.runtime.notes()), seconds=clock.seconds)


def _made(translator: CycleTranslator, squares: Sequence[Image], *, back: bool) -> list[tuple[Image, Cycle | None]]:
    """Each picture translated; with `back` also the way there and back."""
    if back:
        return [(cycle.translated, cycle) for cycle in translator.there_and_back(squares)]
    return [(image, None) for image in translator.render(squares)]


def _written(
    translator: CycleTranslator,
    request: TranslationRequest,
    source: ImageLike,
    cropped: Cropped,
    image: Image,
    cycle: Cycle | None,
    path: Path,
) -> Iterator[File]:
    """Paste back, and write: the source if it is wanted, the result, the way back."""
    if request.with_source:
        shown = cropped.source(pasted=request.paste_back)
        yield File(path=save_input(shown, suffixed(path, "source")), role="source", caption=cropped.name)
    result = cropped.paste(image) if request.paste_back else image
    measured = {"cycle_error": cycle.error, "cycle_note": cycle.note} if cycle else {}
    saved = save(result, path, source, model=translator.name, label=request.label)
    yield File(path=saved, role="result", caption=cropped.name, facts={"name": cropped.name, **measured})
    if cycle and cycle.back is not None:
        saved = save(cycle.back, suffixed(path, "back"), source, model=translator.name, label=request.label)
        yield File(path=saved, role="back", caption=cropped.name)
