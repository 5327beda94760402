"""`python -m benchmarks.cards FOLDER`: a sheet for each starter, as its model card shows it.

First 24 held-out results, those of the first 24 seeds, whatever came out; then the worst of all `LOOKED_AT` by their
distance to the truth; then a real photograph, which no starter was trained for.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from benchmarks.drawings import GAP, Picture, mean_psnr, to_tensor
from benchmarks.quality import cyclegan, fomm, stargan, starganv2
from benchmarks.worlds import cases_of, world_of
from deepfake_core import AttributeEditor, CycleTranslator, ImageAnimator, StyleSynthesizer
from deepfake_core.faces.resample import fit
from deepfake_core.synthetic.heads import ATTRIBUTES

SHOWN, WORST, LOOKED_AT = 24, 3, 64
ACROSS = 3  # strips in a row
SIDE = 128  # pixels of every picture in the sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """One result: what was given, what came out, and the truth, which stands last."""

    pictures: tuple[Picture, ...]
    distance: float
    """PSNR of the result to the truth in decibels."""


def strip(*pictures: Picture) -> Strip:
    """The last two pictures are the result and the truth."""
    made, truth = (to_tensor([picture]) for picture in pictures[-2:])
    return Strip(pictures=pictures, distance=mean_psnr(made, truth))


def animations(animator: ImageAnimator) -> Iterator[Strip]:
    """Source, driver, result, truth: the last frame of each held-out scene."""
    for index in range(LOOKED_AT):
        scene = fomm.scene_at(index, animator.size, fomm.RATE, (0, fomm.LATER))
        yield strip(scene.source, scene.driving[-1], fomm.moved(animator, scene)[-1], scene.truth[-1])


def translations(translator: CycleTranslator) -> Iterator[Strip]:
    """Given, there and back, result, truth."""
    zebras = translator.name.endswith(cyclegan.DIRECTIONS[1])
    scene = cyclegan.held_out_fields(LOOKED_AT, translator.size, zebras=zebras)
    for given, truth in zip(scene.source, scene.truth, strict=True):
        cycle = translator.cycle(given, crop="none")
        yield strip(given, given if cycle.back is None else cycle.back, cycle.translated, truth)


def edits(editor: AttributeEditor) -> Iterator[Strip]:
    """Given, result, truth: of each head's edits one, in turn."""
    for index in range(LOOKED_AT):
        head = stargan.held_out_head(index, editor.size)
        possible = stargan.edits_of(head, ATTRIBUTES)
        edit = possible[index % len(possible)]
        yield strip(head.picture, editor(head.picture, {edit.attribute: edit.value}, crop="none"), edit.truth)


def styles(synthesizer: StyleSynthesizer) -> Iterator[Strip]:
    """Source, reference, result, truth; the domains in turn."""
    world = world_of(synthesizer.name, synthesizer.domains)
    for index in range(LOOKED_AT):
        cases = cases_of(world, index, synthesizer.size)
        case = cases[(index // len(cases)) % len(cases)]
        domain = world.domains[case.domain]
        made = synthesizer.from_reference(case.source, case.reference, domain=domain, crop="none")
        yield strip(case.source, case.reference, made, case.truth)


def photographs() -> tuple[Picture, Picture]:
    """A person and a cat (NASA's portrait of Eileen Collins; Chelsea, by Stefan van der Walt; both free to use)."""
    return data.astronaut(), data.chelsea()


def animated_photograph(animator: ImageAnimator) -> list[Picture]:
    """The astronaut, moved by a held-out driver."""
    scene = fomm.held_out_scene(0, animator.size)
    return list(animator(photographs()[0], list(scene.driving), transfer="relative"))


def translated_photographs(translator: CycleTranslator) -> list[Picture]:
    """There are no horses among the free photographs here: the person and the cat show what it does to anything."""
    pairs = [(translator.cropped(photo).pixels, translator(photo)) for photo in photographs()]
    return [picture for pair in pairs for picture in pair]


def edited_photograph(editor: AttributeEditor) -> list[Picture]:
    """The astronaut with each hair colour, and of the other sex and age as the class head sees her."""
    return [editor.cropped(photographs()[0]).pixels, *editor.flips(photographs()[0]).values()]


def styled_photograph(synthesizer: StyleSynthesizer) -> list[Picture]:
    """The astronaut, or the cat, with the looks of held-out references."""
    world = world_of(synthesizer.name, synthesizer.domains)
    photo = synthesizer.cropped(photographs()[len(world.domains) > 2]).pixels  # heads have two domains, animals three
    row = [photo]
    for case in (case for index in range(2) for case in cases_of(world, index, synthesizer.size)):
        domain = world.domains[case.domain]
        row += [case.reference, synthesizer.from_reference(photo, case.reference, domain=domain, crop="none")]
    return row


def sheet(strips: list[Strip], photo: list[Picture]) -> Picture:
    """The first strips, a line, the worst, a line, the photograph."""
    worst = sorted(strips, key=lambda one: one.distance)[:WORST]
    rows = [block(strips[:SHOWN]), block(worst), joined([small(picture) for picture in photo], axis=1)]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 5 * GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(rows)


def block(strips: list[Strip]) -> Picture:
    """Strips in rows of `ACROSS`."""
    rows = [strips[start : start + ACROSS] for start in range(0, len(strips), ACROSS)]
    lines = [[joined([small(picture) for picture in one.pictures], axis=1) for one in row] for row in rows]
    return joined([joined(line, axis=1, gap=4 * GAP) for line in lines], axis=0)


def small(picture: Picture) -> Picture:
    """At the side of the sheet's pictures."""
    return fit(picture, SIDE)[0]


def joined(pictures: list[Picture], *, axis: int, gap: int = GAP) -> Picture:
    """Side by side, or one below another, on white."""
    pad = [(0, 0)] * 3
    pad[axis] = (0, gap)
    return np.concatenate([np.pad(picture, pad, constant_values=255) for picture in pictures], axis=axis)


def card(name: str) -> Picture:
    """The sheet of one starter, by its name in the manifest."""
    if name.startswith("fomm"):
        animator = ImageAnimator.from_pretrained(name)
        return sheet(list(animations(animator)), animated_photograph(animator))
    if name.startswith("cyclegan"):
        translator = CycleTranslator.from_pretrained(name)
        return sheet(list(translations(translator)), translated_photographs(translator))
    if name.startswith("starganv2"):
        synthesizer = StyleSynthesizer.from_pretrained(name)
        return sheet(list(styles(synthesizer)), styled_photograph(synthesizer))
    editor = AttributeEditor.from_pretrained(name)
    return sheet(list(edits(editor)), edited_photograph(editor))


STARTERS = ("fomm-starter", *cyclegan.STARTERS, "stargan-starter", *starganv2.STARTERS)


def main() -> None:
    """Draw the sheets that were asked for."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.cards", description="Sheets for the model cards.")
    options.add_argument("folder", type=Path, help="where the sheets go, as NAME.jpg")
    options.add_argument("names", nargs="*", default=STARTERS, help="starters (default: all)")
    asked = options.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for name in asked.names:
        with torch.inference_mode():
            Image.fromarray(card(name)).save(asked.folder / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
