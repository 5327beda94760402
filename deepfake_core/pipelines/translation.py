"""Translation by CycleGAN, from a request to finished files: what screen, command line and Python call alike."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.pipelines.animator import Frame, ImageLike
from deepfake_core.pipelines.image_batch import (
    Batch,
    Crop,
    Finished,
    View,
    alike,
    beside,
    check_pixels,
    places_for,
    preview,
    save,
)
from deepfake_core.pipelines.translator import Cycle, CycleTranslator


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationRequest:
    """Everything that the translation of some pictures needs to know."""

    sources: tuple[ImageLike, ...]
    output: str | Path | None = None
    """A picture's name for one source; a folder for several."""
    crop: Crop = "auto"
    """The middle square (`auto`, `none`), or the whole picture in its own shape (`whole`)."""
    paste_back: bool = False
    """Put the translated square back into the whole picture."""
    back: bool = False
    """Translate the result back as well, into a second file `...-back`, and measure the cycle's error."""
    label: bool = True
    """The visible label; only who runs the program may switch it off."""
    max_pixels: int | None = None
    """Of all sources together; None takes any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Translated:
    """One picture is done and its files have their names. The pictures in here are small: see `image_batch.preview`."""

    name: str
    """What the source is called."""
    note: str
    """How the square was chosen that the network saw of it."""
    before: Frame
    """What the network saw, or the whole source if the result was pasted back."""
    image: Frame
    """The result, pasted back if that was asked for."""
    path: Path
    cycle: Cycle | None
    """There and back, if that was asked for; squares."""
    back_path: Path | None
    place: int
    """Of the source among all."""
    total: int


def translate(
    translator: CycleTranslator, request: TranslationRequest, deadline: Deadline = NEVER
) -> Iterator[Translated | Finished]:
    """Translate into files: yields `Translated` for every picture, then `Finished`.

    Of several pictures one that cannot be read is named in the notes and left out. Raises `BadRequest` for outputs that
    make no sense, `MediaTooLarge` for too many pixels, `TookTooLong`, and what reading and writing raise.
    """
    places, notes, began = places_for(request.sources, request.output), list[str](), time.monotonic()
    check_pixels(request.sources, request.max_pixels, deadline)
    batch = Batch(
        sources=request.sources,
        look=lambda source, name: translator.look(source, name, crop=request.crop, deadline=deadline),
        notes=notes,
        deadline=deadline,
    )
    written: list[Path] = []
    for group in alike(batch.views(), translator.batch):
        squares = [view.pixels for _, view in group]
        if request.back:
            cycles: list[Cycle | None] = [*translator.there_and_back(squares)]
            made = [cycle.translated for cycle in cycles if cycle]
        else:
            cycles, made = [None] * len(group), translator.render(squares)
        for (place, view), image, cycle in zip(group, made, cycles, strict=True):
            done = finish(translator, request, view, image, cycle, places[place], place)
            written += [path for path in (done.path, done.back_path) if path]
            notes += [note for note in notes_of(done) if note not in notes]
            yield done
    yield Finished(paths=tuple(written), seconds=time.monotonic() - began, notes=(*notes, *translator.runtime.notes()))


def finish(
    translator: CycleTranslator,
    request: TranslationRequest,
    view: View,
    image: Frame,
    cycle: Cycle | None,
    path: Path,
    place: int,
) -> Translated:
    """Paste back, and write."""
    result = view.paste(image) if request.paste_back and view.box else image
    source, back_path = request.sources[place], None
    saved = save(result, path, source, model=translator.name, label=request.label)
    if cycle and cycle.back is not None:
        back_path = save(cycle.back, beside(path, "back"), source, model=translator.name, label=request.label)
    return Translated(
        name=view.name,
        note=view.note,
        before=view.before(pasted=request.paste_back),
        image=preview(result),
        path=saved,
        cycle=cycle,
        back_path=back_path,
        place=place,
        total=len(request.sources),
    )


def notes_of(done: Translated) -> tuple[str, ...]:
    """What the user should know about one picture."""
    return (f"{done.name}: {done.note}", *([done.cycle.note] if done.cycle else []))
