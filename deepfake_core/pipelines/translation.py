"""Translation with CycleGAN from a request to finished files, for the page, the command line and the Python API."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.pipelines.cropped import Cropped
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import (
    Batch,
    BatchRequest,
    check_pixels,
    of_one_size,
    places_for,
    save,
    suffixed,
)
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.pipelines.translator import Cycle, CycleTranslator
from deepfake_core.provenance.writer import save_input

LEAST_CHANGE = 0.03
"""The starters change pictures of their source by 0.07 to 0.11, and those of their target by less than 0.03."""
UNCHANGED = "almost nothing changed, so these weights found nothing to translate; try another picture, or other weights"


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationRequest(BatchRequest):
    """The parameters of a translation of one or more pictures."""

    back: bool = False
    """Also translate the result back into `...-back`, and measure the cycle error."""


def translate(
    translator: CycleTranslator, request: TranslationRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Translate into files: one `Progress` a picture, with its files, then `Finished`.

    The facts of a result are `name` (of the source), and with `back` also `cycle_error` (mean |x - back|, 0 to 2; None
    without weights for the reverse direction) and `cycle_note` (which weights translate back, or why none do). In a
    batch, pictures that cannot be read are skipped and named in the notes. Raises `BadRequest` for invalid outputs,
    `MediaTooLarge`, `TookTooLong`, and what reading and writing raise.
    """
    places, notes, clock = places_for(request.sources, request.output, request.ending), list[str](), Clock()
    check_pixels(request.sources, request.max_pixels, deadline)
    batch = Batch(
        sources=request.sources,
        crop=lambda source, name: translator.cropped(source, name, crop=request.crop, deadline=deadline),
        notes=notes,
        deadline=deadline,
    )
    written, kinds = list[File](), list[PictureKind]()
    for group in of_one_size(batch.crops(), translator.batch):
        made = _translated(translator, [cropped.pixels for _, cropped in group], back=request.back)
        for (place, cropped), (image, cycle) in zip(group, made, strict=True):
            source = request.sources[place]
            files = tuple(_save(translator, request, source, cropped, image, cycle, places[place]))
            written += files
            kinds.append(cropped.kind)
            unchanged = [f"{cropped.name}: {UNCHANGED}"] if change(cropped.pixels, image) < LEAST_CHANGE else []
            lines = [*unchanged, f"{cropped.name}: {cropped.note}", *([cycle.note] if cycle else [])]
            notes += [line for line in lines if line not in notes]
            yield clock.progress(place + 1, len(places), files=files)
    unsuited = mismatch(translator.name, kinds)
    notes = [*notes, *noted(unsuited), *translator.runtime.notes()]
    yield Finished(files=tuple(written), notes=tuple(notes), seconds=clock.seconds, mismatch=unsuited)


def change(before: UInt8[np.ndarray, "h w 3"], after: UInt8[np.ndarray, "h w 3"]) -> float:
    """Mean |before - after| with pixels in [-1, 1], as for the cycle loss: 0 is no change, 2 the most."""
    return float(np.abs(before.astype(np.float32) - after).mean() / 127.5)


def _translated(translator: CycleTranslator, crops: Sequence[Image], *, back: bool) -> list[tuple[Image, Cycle | None]]:
    """Translate the crops; with `back` also translate the results back."""
    if back:
        return [(cycle.translated, cycle) for cycle in translator.there_and_back(crops)]
    return [(image, None) for image in translator.render(crops)]


def _save(
    translator: CycleTranslator,
    request: TranslationRequest,
    source: ImageLike,
    cropped: Cropped,
    image: Image,
    cycle: Cycle | None,
    path: Path,
) -> Iterator[File]:
    """Paste back, and write the result and, if requested, the source and the result translated back."""
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
