"""A look inside StarGAN for one picture: its attribute planes, where each change is, and the way back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.media.images import Image
from deepfake_core.pipelines.attributes import AttributesRequest, change_in_words, in_words
from deepfake_core.pipelines.charts import (
    Panel,
    difference,
    difference_panel,
    heat_legend,
    heat_picture,
    in_panels,
    plane,
    shares,
    shown,
)
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.events import Clock, Finished
from deepfake_core.pipelines.image_batch import check_pixels
from deepfake_core.pipelines.inside_files import Figure, written
from deepfake_core.pixels import to_batch, to_signed


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributesInsightRequest:
    """The picture to look at, and the output folder."""

    edit: AttributesRequest
    """Only its first source, its changes, its crop and its limits are used."""
    output: Path
    """A folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EditInspection:
    """Pictures in [-1, 1], on the CPU. The attributes of x are c', the wanted ones c."""

    image: Float[Tensor, "3 s s"]
    """x."""
    planes: Float[Tensor, "a"]
    """The value of each plane that is joined to x."""
    edited: Float[Tensor, "3 s s"]
    """G(x, c)."""
    restored: Float[Tensor, "3 s s"]
    """G(G(x, c), c')."""
    changed: Float[Tensor, "a 3 s s"]
    """x with each attribute inverted."""
    before: Float[Tensor, "a"] | None
    """D_cls(c | x), the probability of each attribute; None if the weights have no discriminator."""
    after: Float[Tensor, "a"] | None
    """D_cls(c | G(x, c))."""


def inspect(
    editor: AttributeEditor, pixels: Image, has: Mapping[str, bool], wanted: Mapping[str, bool]
) -> EditInspection:
    """Edit a crop that has the attributes `has` to those of `wanted`, back again, and invert each attribute."""
    image = to_signed(to_batch([pixels], editor.device))
    here, there = editor.labels([has]), editor.labels([wanted])
    edited = _applied(editor, image, there)
    inverted = editor.labels(editor.inversions(has))
    network, before, after = editor.network, None, None
    if editor.reads:
        before, after = (editor.probabilities(one)[0].cpu() for one in (image, edited))
    return EditInspection(
        image=image[0].cpu(),
        planes=editor.runtime(lambda: network.planes(image, there))[0].cpu(),
        edited=edited[0].cpu(),
        restored=_applied(editor, edited, here)[0].cpu(),
        changed=_applied(editor, image.expand(len(inverted), -1, -1, -1), inverted).cpu(),
        before=before,
        after=after,
    )


def _applied(
    editor: AttributeEditor, images: Float[Tensor, "b 3 s s"], labels: Float[Tensor, "b a"]
) -> Float[Tensor, "b 3 s s"]:
    """The generator's pictures, computed in batches; within [-1, 1], as pictures are."""

    def run(rows: Sequence[int]) -> Tensor:
        part = slice(rows[0], rows[-1] + 1)
        made: Tensor = editor.network(images[part], labels[part])
        return made

    return torch.cat(editor.runtime.parts(range(len(images)), run)).clamp(-1, 1)


def look_inside(
    editor: AttributeEditor, request: AttributesInsightRequest, deadline: Deadline = NEVER
) -> Iterator[Finished]:
    """Draw the figures "planes", "changes", "back" and, if the weights have a discriminator, "classes".

    If the request changes nothing, "planes" and "back" show the largest single change. Raises what `edit` raises.
    """
    clock, asked = Clock(), request.edit
    source = asked.sources[0]
    editor.check(asked.changes)
    check_pixels([source], asked.max_pixels, deadline)
    cropped = editor.cropped(source, crop=asked.crop, deadline=deadline)
    deadline.check()
    read = editor.read_pixels([cropped.pixels])[0] if editor.reads_kind(cropped.kind) else None
    wanted = editor.wanted(read, asked.changes)
    has = editor.shown(read) if read is not None else wanted
    seen = inspect(editor, cropped.pixels, has, wanted)
    if has == wanted:
        deadline.check()
        largest = int((seen.changed - seen.image).abs().mean(dim=(1, 2, 3)).argmax())
        seen = inspect(editor, cropped.pixels, has, editor.inversions(has)[largest])
    deadline.check()
    figures = drawn(editor, seen, has, certain=read is not None)
    files = written(figures, request.output, source, model=editor.name, label=asked.label)
    yield Finished(files=files, notes=(cropped.note,), seconds=clock.seconds)


def drawn(
    editor: AttributeEditor, seen: EditInspection, has: Mapping[str, bool], *, certain: bool
) -> dict[str, Figure]:
    """The figures by name; `certain`: the attributes of the picture were read from it."""
    image, size = seen.image, seen.image.shape[-1]
    colours = [(f"x: {name}", shown(channel.expand(3, -1, -1))) for name, channel in zip("rgb", image, strict=True)]
    planes = [
        (f"{in_words(name)}: {round(value, 1):g}", plane(value, size, size))
        for name, value in zip(editor.attributes, seen.planes.tolist(), strict=True)
    ]
    back = [
        ("x", shown(image)),
        ("G(x, c)", shown(seen.edited)),
        ("G(G(x, c), c')", shown(seen.restored)),
    ]
    lost = [
        heat_legend(size, size),
        difference_panel("|G(x, c) - x|", seen.edited, image),
        difference_panel("|back - x|", seen.restored, image),
    ]
    figures = {
        "changes": Figure(picture=in_panels(changes(editor, seen, has), columns=3)),
        "planes": Figure(picture=in_panels([*colours, *planes], columns=4), made=False),
        "back": Figure(
            picture=in_panels([*back, *lost], columns=3),
            facts={"reconstruction": float(difference(seen.restored, image).mean())},
        ),
    }
    if certain and seen.before is not None and seen.after is not None:
        pairs = zip(editor.attributes, seen.before.tolist(), seen.after.tolist(), strict=True)
        rows = [(in_words(name), (before, after)) for name, before, after in pairs]
        figures["classes"] = Figure(picture=shares(rows, ("x", "G(x, c)")), made=False)
    return figures


def changes(editor: AttributeEditor, seen: EditInspection, has: Mapping[str, bool]) -> list[Panel]:
    """The picture, then where each single change is, over the picture in grey."""
    panels: list[Panel] = [("x", shown(seen.image))]
    for name, changed in zip(editor.attributes, seen.changed, strict=True):
        values = difference(changed, seen.image)
        caption = f"{change_in_words(name, has[name], editor.exclusive)}: {values.mean():.3f}"
        panels.append((caption, heat_picture(values)))
    return panels
