"""Attribute editing with StarGAN from a request to finished files, for the page, the command line and Python."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.faces import Crop, Face
from deepfake_core.media.images import Image, ImageLike
from deepfake_core.media.picture_kind import PictureKind
from deepfake_core.pipelines.cropped import Cropped
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.events import Clock, File, Finished, Progress
from deepfake_core.pipelines.image_batch import (
    Batch,
    BatchRequest,
    check_pixels,
    in_rows,
    of_one_size,
    places_for,
    save,
    save_numbered,
    suffixed,
)
from deepfake_core.pipelines.suitability import mismatch, noted
from deepfake_core.provenance.writer import save_input

OPPOSITES = {"Male": "Female", "Young": "Older"}
"""Attribute -> the name of its opposite, where there is one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributesRequest(BatchRequest):
    """The parameters of an edit of one or more pictures."""

    changes: Mapping[str, bool] = field(default_factory=dict)
    """Attribute -> whether the result has it; other attributes are kept."""
    strip: bool = False
    """Also write `...-strip`: the source, then the result of each single change."""
    single_changes: bool = False
    """Also write the result of each single change into the folder `...-changes`."""


def edit(
    editor: AttributeEditor, request: AttributesRequest, deadline: Deadline = NEVER
) -> Iterator[Progress | Finished]:
    """Edit into files: one `Progress` a picture, with its files, then `Finished`.

    The facts of a result are `name` (of the source), `seen` (attribute -> probability, 0 to 1; None if the weights have
    no classifier) and `attributes` (attribute -> whether the result should have it). In a batch, pictures that cannot
    be read or show no face are skipped and named in the notes. Raises `BadRequest` for unknown or contradictory
    attributes and invalid outputs, `MediaTooLarge`, `TookTooLong`, and what reading and writing raise.
    """
    editor.check(request.changes)
    if request.strip or request.single_changes:
        editor.require_classifier()
    places, notes, clock = places_for(request.sources, request.output, request.ending), list[str](), Clock()
    check_pixels(request.sources, request.max_pixels, deadline)
    batch = Batch(
        sources=request.sources,
        crop=lambda source, name: _readable(editor, request, source, name, deadline),
        notes=notes,
        deadline=deadline,
    )
    written, kinds = list[File](), list[PictureKind]()
    for group in of_one_size(batch.crops(), editor.batch):
        crops = [cropped.pixels for _, cropped in group]
        seen = _read(editor, [cropped for _, cropped in group])
        wanted = [editor.wanted(one, request.changes) for one in seen]
        rows = zip(group, editor.render(crops, wanted), seen, wanted, strict=True)
        for (place, cropped), image, read, attributes in rows:
            facts = {"name": cropped.name, "seen": read, "attributes": attributes}
            source = request.sources[place]
            files = (
                *_results(editor, request, source, cropped, image, facts, places[place]),
                *_changes(editor, request, source, cropped, read, places[place]),
            )
            written += files
            kinds.append(cropped.kind)
            notes.append(f"{cropped.name}: {cropped.note}")
            yield clock.progress(place + 1, len(places), files=files)
    unsuited = mismatch(editor.name, kinds)
    notes = [*notes, *noted(unsuited), *editor.runtime.notes()]
    yield Finished(files=tuple(written), notes=tuple(notes), seconds=clock.seconds, mismatch=unsuited)


def _readable(
    editor: AttributeEditor, request: AttributesRequest, source: ImageLike, name: str | None, deadline: Deadline
) -> Cropped:
    """The crop of a picture. Raises `BadRequest` if its attributes are neither read nor all given."""
    cropped = editor.cropped(source, name, crop=request.crop, deadline=deadline)
    if not editor.reads_kind(cropped.kind):
        editor.wanted(None, request.changes)
    return cropped


def _read(editor: AttributeEditor, pictures: Sequence[Cropped]) -> list[dict[str, float] | None]:
    """The attributes of each picture; None for a photograph if the classifier only saw drawings."""
    known = [place for place, cropped in enumerate(pictures) if editor.reads_kind(cropped.kind)]
    seen: list[dict[str, float] | None] = [None] * len(pictures)
    if known:
        for place, read in zip(known, editor.read_pixels([pictures[place].pixels for place in known]), strict=True):
            seen[place] = read
    return seen


def _results(
    editor: AttributeEditor,
    request: AttributesRequest,
    source: ImageLike,
    cropped: Cropped,
    image: Image,
    facts: Mapping[str, object],
    path: Path,
) -> Iterator[File]:
    """Paste back, and write the result and, if requested, the source."""
    if request.with_source:
        shown = cropped.source(pasted=request.paste_back)
        yield File(path=save_input(shown, suffixed(path, "source")), role="source", caption=cropped.name)
    result = cropped.paste(image) if request.paste_back else image
    saved = save(result, path, source, model=editor.name, label=request.label)
    yield File(path=saved, role="result", caption=cropped.name, facts=facts)


def _changes(
    editor: AttributeEditor,
    request: AttributesRequest,
    source: ImageLike,
    cropped: Cropped,
    seen: Mapping[str, float] | None,
    path: Path,
) -> Iterator[File]:
    """Make each single change, if requested, and write them as a strip and as single files."""
    if seen is None or not (request.strip or request.single_changes):
        return
    has = editor.shown(seen)
    flips = editor.flip_pixels(cropped.pixels, has)
    if request.strip:
        strip = in_rows([[cropped.pixels, *flips.values()]])
        saved = save(strip, suffixed(path, "strip"), source, model=editor.name, label=request.label)
        yield File(path=saved, role="strip", caption=cropped.name)
    if request.single_changes:
        folder = path.with_name(f"{path.stem}-changes")
        for number, (name, flip) in enumerate(flips.items(), 1):
            caption = change_in_words(name, has[name], editor.exclusive)
            yield save_numbered(
                flip, folder, number, caption, source, model=editor.name, role="change", label=request.label
            )


def read_attributes(
    editor: AttributeEditor, source: ImageLike, crop: Crop = Face(), deadline: Deadline = NEVER
) -> dict[str, float] | None:
    """Attribute -> probability, 0 to 1, from the classifier; None for a photograph if it only saw drawings.

    Raises `BadRequest` if the weights have no classifier, `TookTooLong`, and what reading the picture raises.
    """
    editor.require_classifier()
    return _read(editor, [editor.cropped(source, crop=crop, deadline=deadline)])[0]


def in_words(attribute: str) -> str:
    """The display name of an attribute: "Black hair" for Black_Hair."""
    return attribute.replace("_", " ").capitalize()


def change_in_words(attribute: str, has: bool, exclusive: Sequence[str]) -> str:
    """The display name of a change that inverts an attribute. An exclusive attribute replaces the other ones."""
    if attribute in exclusive:
        return f"{in_words(attribute)} (unchanged)" if has else in_words(attribute)
    if not has:
        return "Younger" if attribute == "Young" else in_words(attribute)
    return OPPOSITES.get(attribute, f"Not {in_words(attribute).lower()}")
