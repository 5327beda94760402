"""Attribute editing by StarGAN, from a request to finished files: what screen, command line and Python call alike."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.pipelines.animator import Frame, ImageLike
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.image_batch import (
    Batch,
    Crop,
    Finished,
    View,
    alike,
    beside,
    check_pixels,
    in_rows,
    places_for,
    preview,
    save,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributesRequest:
    """Everything that editing some pictures needs to know."""

    sources: tuple[ImageLike, ...]
    changes: Mapping[str, bool] = field(default_factory=dict)
    """Attribute -> whether the result shall have it; the others stay as each picture shows them."""
    output: str | Path | None = None
    """A picture's name for one source; a folder for several."""
    crop: Crop = "auto"
    paste_back: bool = False
    """Put the edited face back into the whole picture."""
    strip: bool = False
    """Write a second file `...-strip`: the source, then the result of turning every single attribute round."""
    label: bool = True
    """The visible label; only who runs the program may switch it off."""
    max_pixels: int | None = None
    """Of all sources together; None takes any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edited:
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
    seen: Mapping[str, float] | None
    """How sure the class head is of each attribute of the source; None where the weights lack it."""
    attributes: Mapping[str, bool]
    """What the result was asked to have, all of it."""
    flips: Mapping[str, UInt8[np.ndarray, "s s 3"]] | None
    """The squares of the strip, by the attribute that was turned round."""
    strip_path: Path | None
    place: int
    """Of the source among all."""
    total: int


def edit(
    editor: AttributeEditor, request: AttributesRequest, deadline: Deadline = NEVER
) -> Iterator[Edited | Finished]:
    """Edit into files: yields `Edited` for every picture, then `Finished`.

    Of several pictures one that cannot be read, or shows no face, is named in the notes and left out. Raises
    `BadRequest` for unknown or contradictory attributes and for outputs that make no sense, `MediaTooLarge` for too
    many pixels, `TookTooLong`, and what reading and writing raise.
    """
    editor.check(request.changes)
    if request.strip:
        editor.require_head()
    places, notes, began = places_for(request.sources, request.output), list[str](), time.monotonic()
    check_pixels(request.sources, request.max_pixels, deadline)
    batch = Batch(
        sources=request.sources,
        look=lambda source, name: editor.look(source, name, crop=request.crop, deadline=deadline),
        notes=notes,
        deadline=deadline,
    )
    written: list[Path] = []
    for group in alike(batch.views(), editor.batch):
        squares = [view.pixels for _, view in group]
        seen: list[dict[str, float] | None] = [*editor.read_pixels(squares)] if editor.reads else [None] * len(group)
        wanted = [editor.wanted(one, request.changes) for one in seen]
        rows = zip(group, editor.render(squares, wanted), seen, wanted, strict=True)
        for (place, view), image, read, attributes in rows:
            done = finish(editor, request, view, image, read, attributes, places[place], place)
            written += [path for path in (done.path, done.strip_path) if path]
            notes.append(f"{done.name}: {done.note}")
            yield done
    yield Finished(paths=tuple(written), seconds=time.monotonic() - began, notes=(*notes, *editor.runtime.notes()))


def finish(
    editor: AttributeEditor,
    request: AttributesRequest,
    view: View,
    image: Frame,
    seen: Mapping[str, float] | None,
    attributes: Mapping[str, bool],
    path: Path,
    place: int,
) -> Edited:
    """Paste back, draw the strip if it is wanted, and write."""
    result = view.paste(image) if request.paste_back else image
    source, flips, strip_path = request.sources[place], None, None
    saved = save(result, path, source, model=editor.name, label=request.label)
    if request.strip and seen is not None:
        flips = editor.flip_pixels(view.pixels, editor.shown(seen))
        strip = in_rows([[view.pixels, *flips.values()]])
        strip_path = save(strip, beside(path, "strip"), source, model=editor.name, label=request.label)
    return Edited(
        name=view.name,
        note=view.note,
        before=view.before(pasted=request.paste_back),
        image=preview(result),
        path=saved,
        seen=seen,
        attributes=attributes,
        flips=flips,
        strip_path=strip_path,
        place=place,
        total=len(request.sources),
    )
