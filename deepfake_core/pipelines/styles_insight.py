"""A look inside StarGAN v2: style codes, their map, AdaIN by layer, style mixing, and the mask of the generator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from jaxtyping import Float
from PIL import ImageDraw, ImageFont
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.media.images import Image
from deepfake_core.pipelines.charts import COLOURS, INK, TYPE, bars, in_panels, shares, shown, to_width
from deepfake_core.pipelines.events import Clock, Finished
from deepfake_core.pipelines.image_batch import check_pixels
from deepfake_core.pipelines.inside_files import Figure, written
from deepfake_core.pipelines.point_map import PointMap, principal
from deepfake_core.pipelines.style_specs import crop_noted, pictures_of, resolve
from deepfake_core.pipelines.styles import MAX_REFERENCES, GridRequest
from deepfake_core.pipelines.styles_inspection import SEED, StylesInspection, decoded, inspect
from deepfake_core.pipelines.synthesizer import Source, StyleSynthesizer
from deepfake_core.pixels import from_batch, from_unit

MAP, THUMBNAIL, THUMBNAILS = 600, 92, 8
"""Side of the map in pixels; side and number of the results that are shown in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StylesInsightRequest:
    """The picture and the styles to look at, and the output folder."""

    grid: GridRequest
    """Only its first source, its styles, its crop and its limits are used."""
    output: Path
    """A folder."""


def look_inside(
    synthesizer: StyleSynthesizer, request: StylesInsightRequest, deadline: Deadline = NEVER
) -> Iterator[Finished]:
    """Draw the figures "codes", "map", "mixing", "layers" and, where the weights have them, "blend" or "kept".

    A single style is compared with a random one. Raises what `draw_grid` raises.
    """
    clock, asked, notes = Clock(), request.grid, list[str]()
    if not asked.sources or not 1 <= len(asked.styles) <= MAX_REFERENCES:
        raise BadRequest(f"a look inside needs a source and 1 to {MAX_REFERENCES} styles, got {len(asked.styles)}")
    pictures = (asked.sources[0], *pictures_of(*asked.styles))
    check_pixels(pictures, asked.max_pixels, deadline)
    resolved = [
        resolve(synthesizer, style, asked.crop, notes, f"reference {number}", deadline)
        for number, style in enumerate(asked.styles, 1)
    ]
    cropped = crop_noted(synthesizer, asked.sources[0], "the source", asked.crop, notes, deadline)
    source, vectors = synthesizer.source(cropped.pixels), [one.vector for one in resolved]
    seen_as: list[Image | None] = [one.reference.pixels if one.reference else None for one in resolved]
    if len(vectors) == 1:
        vectors.append(synthesizer.style_from(SEED, synthesizer.domains[-1]))
        seen_as.append(None)
    deadline.check()
    seen = inspect(synthesizer, source, vectors)
    deadline.check()
    figures = {"map": Figure(picture=style_map(synthesizer, source, seen)), **drawn(seen, seen_as)}
    files = written(figures, request.output, *pictures, model=synthesizer.name, label=asked.label)
    yield Finished(files=files, notes=tuple(notes), seconds=clock.seconds)


def drawn(seen: StylesInspection, references: Sequence[Image | None]) -> dict[str, Figure]:
    """All figures but the map, by name."""
    figures = {
        "codes": Figure(picture=codes(seen, references)),
        "mixing": Figure(picture=mixing(seen)),
        "layers": Figure(picture=layers(seen), made=False),
    }
    if seen.blend is not None:
        mask, colours = seen.blend
        white = from_batch(from_unit(mask.expand(1, 3, -1, -1)))[0]
        panels = [("mask m", white), ("colours g", shown(colours)), ("m g + (1 - m) x", shown(seen.plain[0]))]
        figures["blend"] = Figure(picture=in_panels(panels, columns=3))
    if seen.kept is not None:
        kept = [((seen.image + 1) * mask - 1) for mask in seen.kept]
        names = ("x", "kept at 32 px", "kept at 64 and 128 px")
        panels = [(name, shown(one)) for name, one in zip(names, (seen.image, *kept), strict=True)]
        figures["kept"] = Figure(picture=in_panels(panels, columns=3), made=False)
    return figures


def style_map(synthesizer: StyleSynthesizer, source: Source, seen: StylesInspection) -> Image:
    """Random styles of each domain by their principal components, some with the source in them, and the chosen ones."""
    count = seen.cloud.shape[1]
    points = seen.cloud.transpose(0, 1).flatten(0, 1)  # the domains take turns, so that each gets thumbnails
    places, own, _ = principal(points.double().numpy(), seen.styles.double().numpy())
    chart, domains = PointMap(np.concatenate((places, own)), MAP), len(synthesizer.domains)
    for domain in range(domains):
        chart.dots(places[domain::domains], COLOURS[domain % len(COLOURS)])
    chosen = chart.apart(places, THUMBNAIL, own, THUMBNAILS)
    for number, picture in zip(chosen, decoded(synthesizer, source, points[chosen]), strict=True):
        chart.thumbnail(places[number], shown(picture), THUMBNAIL, COLOURS[number % domains % len(COLOURS)])
    for number, place in enumerate(own, 1):
        chart.number(place, number)
    assert len(places) == count * domains
    return chart.legend(synthesizer.domains)


def codes(seen: StylesInspection, references: Sequence[Image | None]) -> Image:
    """A row for each style: its number, its reference if it has one, its code as bars, and the source in it."""
    side, left, width = 76, 34, 390
    canvas = PIL.Image.new("RGB", (left + 2 * (side + 8) + width + 8, (side + 10) * len(references)), "white")
    brush, most = ImageDraw.Draw(canvas), float(seen.styles.abs().max())
    for row, (code, reference, made) in enumerate(zip(seen.styles, references, seen.plain, strict=True)):
        top = row * (side + 10) + 5
        brush.text((left / 2, top + side / 2), str(row + 1), fill=INK, font=ImageFont.load_default(TYPE), anchor="mm")
        if reference is not None:
            canvas.paste(PIL.Image.fromarray(to_width(reference, side)), (left, top))
        canvas.paste(PIL.Image.fromarray(bars(code.numpy(), most, width, side)), (left + side + 8, top))
        canvas.paste(PIL.Image.fromarray(to_width(shown(made), side)), (left + side + width + 16, top))
    return np.array(canvas)


def mixing(seen: StylesInspection) -> Image:
    """The source in A and in B; below, coarse layers in A and fine ones in B, then the other way round."""
    sides = _sides(seen)
    ends = [("x", seen.image), ("A", seen.plain[0]), ("B", seen.plain[1])]
    rows = [
        (f"{coarse} to {sides[count - 1]} px, then {fine}", pair[way])
        for way, (coarse, fine) in enumerate((("A", "B"), ("B", "A")))
        for count, pair in seen.mixed.items()
    ]
    return in_panels([(name, shown(picture)) for name, picture in (*ends, *rows)], columns=3)


def layers(seen: StylesInspection) -> Image:
    """How much A and B disagree on the scale and the shift of each block's channels, from 0 (not at all) to 1."""
    rows = list[tuple[str, tuple[float, ...]]]()
    for place, side in enumerate(_sides(seen)):
        pair = torch.cat(seen.affine[2 * place : 2 * place + 2], dim=2)  # n 2 c
        rows.append((f"block {place + 1}, {side} px", tuple(disagreement(*one).item() for one in pair[:2].unbind(1))))
    return shares(rows, ("scale gamma", "shift beta"))


def disagreement(one: Float[Tensor, "c"], other: Float[Tensor, "c"]) -> Float[Tensor, ""]:
    """sum |one - other| / sum (|one| + |other|): 0 if they are equal, 1 if all signs differ."""
    return (one - other).abs().sum() / (one.abs() + other.abs()).sum().clamp(min=1e-9)


def _sides(seen: StylesInspection) -> list[int]:
    """The side in pixels of each block's output: two blocks keep it, the others double it."""
    blocks, side = len(seen.affine) // 2, seen.image.shape[-1]
    return [side >> min(blocks - 1 - place, blocks - 2) for place in range(blocks)]
