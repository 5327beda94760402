"""`python -m benchmarks.cards FOLDER`: the sample grid of each starter's model card.

First 24 uncurated held-out results, those of the first 24 seeds; then the worst of all `EVALUATED` by their distance to
the truth; then a real photograph, which no starter was trained for.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from benchmarks.images import GAP, Picture, mean_psnr, to_tensor
from benchmarks.quality import cyclegan, fomm, stargan, starganv2
from benchmarks.quality.worlds import cases_of, world_of
from deepfake_core import AttributeEditor, CycleTranslator, ImageAnimator, StyleSynthesizer
from deepfake_core.faces.resample import fit
from deepfake_core.synthetic.heads import ATTRIBUTES

SHOWN, WORST, EVALUATED = 24, 3, 64
ACROSS = 3  # strips per row
SIDE = 128  # pixels of every image in the grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """One result: inputs, result, and truth, in this order."""

    pictures: tuple[Picture, ...]
    distance: float
    """PSNR of the result against the truth in decibels."""


def strip(*pictures: Picture) -> Strip:
    """A strip of images, of which the last two are the result and the truth."""
    made, truth = (to_tensor([picture]) for picture in pictures[-2:])
    return Strip(pictures=pictures, distance=mean_psnr(made, truth))


def animations(animator: ImageAnimator) -> Iterator[Strip]:
    """Source, driver, result, truth: the last frame of each held-out scene."""
    for index in range(EVALUATED):
        scene = fomm.scene_at(index, animator.size, fomm.RATE, (0, fomm.LATER))
        yield strip(scene.source, scene.driving[-1], fomm.moved(animator, scene)[-1], scene.truth[-1])


def translations(translator: CycleTranslator) -> Iterator[Strip]:
    """Source, cycle, result, truth."""
    zebras = translator.name.endswith(cyclegan.DIRECTIONS[1])
    scene = cyclegan.held_out_fields(EVALUATED, translator.size, zebras=zebras)
    for given, truth in zip(scene.source, scene.truth, strict=True):
        cycle = translator.cycle(given, crop="none")
        yield strip(given, given if cycle.back is None else cycle.back, cycle.translated, truth)


def edits(editor: AttributeEditor) -> Iterator[Strip]:
    """Source, result, truth: one edit per head, in turn."""
    for index in range(EVALUATED):
        head = stargan.held_out_head(index, editor.size)
        possible = stargan.edits_of(head, ATTRIBUTES)
        edit = possible[index % len(possible)]
        yield strip(head.picture, editor(head.picture, {edit.attribute: edit.value}, crop="none"), edit.truth)


def styles(synthesizer: StyleSynthesizer) -> Iterator[Strip]:
    """Source, reference, result, truth; the domains in turn."""
    world = world_of(synthesizer.name, synthesizer.domains)
    for index in range(EVALUATED):
        cases = cases_of(world, index, synthesizer.size)
        case = cases[(index // len(cases)) % len(cases)]
        domain = world.domains[case.domain]
        made = synthesizer.from_reference(case.source, case.reference, domain=domain, crop="none")
        yield strip(case.source, case.reference, made, case.truth)


def photographs() -> tuple[Picture, Picture]:
    """A person and a cat (NASA's portrait of Eileen Collins; Chelsea, by Stefan van der Walt; both free to use)."""
    return data.astronaut(), data.chelsea()


def animated_photograph(animator: ImageAnimator) -> list[Picture]:
    """The astronaut, animated by a held-out driver."""
    scene = fomm.held_out_scene(0, animator.size)
    return list(animator(photographs()[0], list(scene.driving), transfer="relative"))


def translated_photographs(translator: CycleTranslator) -> list[Picture]:
    """The person and the cat, translated: scikit-image has no photograph of a horse."""
    pairs = [(translator.cropped(photo).pixels, translator(photo)) for photo in photographs()]
    return [picture for pair in pairs for picture in pair]


def edited_photograph(editor: AttributeEditor) -> list[Picture]:
    """The astronaut with each hair colour, and with the opposite of her predicted sex and age."""
    return [editor.cropped(photographs()[0]).pixels, *editor.flips(photographs()[0]).values()]


def styled_photograph(synthesizer: StyleSynthesizer) -> list[Picture]:
    """The astronaut, or the cat, in the style of held-out references."""
    world = world_of(synthesizer.name, synthesizer.domains)
    photo = synthesizer.cropped(photographs()[len(world.domains) > 2]).pixels  # heads have two domains, animals three
    row = [photo]
    for case in (case for index in range(2) for case in cases_of(world, index, synthesizer.size)):
        domain = world.domains[case.domain]
        row += [case.reference, synthesizer.from_reference(photo, case.reference, domain=domain, crop="none")]
    return row


def card_grid(strips: list[Strip], photo: list[Picture]) -> Picture:
    """The first strips, the worst ones, and the photograph, below one another."""
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
    """Resize to the grid's cell size."""
    return fit(picture, SIDE)[0]


def joined(pictures: list[Picture], *, axis: int, gap: int = GAP) -> Picture:
    """Concatenate along an axis, with gaps, on white."""
    pad = [(0, 0)] * 3
    pad[axis] = (0, gap)
    return np.concatenate([np.pad(picture, pad, constant_values=255) for picture in pictures], axis=axis)


def card(name: str) -> Picture:
    """The sample grid of one starter, by its name in the manifest."""
    if name.startswith("fomm"):
        animator = ImageAnimator.from_pretrained(name)
        return card_grid(list(animations(animator)), animated_photograph(animator))
    if name.startswith("cyclegan"):
        translator = CycleTranslator.from_pretrained(name)
        return card_grid(list(translations(translator)), translated_photographs(translator))
    if name.startswith("starganv2"):
        synthesizer = StyleSynthesizer.from_pretrained(name)
        return card_grid(list(styles(synthesizer)), styled_photograph(synthesizer))
    editor = AttributeEditor.from_pretrained(name)
    return card_grid(list(edits(editor)), edited_photograph(editor))


STARTERS = ("fomm-starter", *cyclegan.STARTERS, "stargan-starter", *starganv2.STARTERS)


def main() -> None:
    """Draw the requested grids."""
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.cards", description="Sample grids for the model cards."
    )
    options.add_argument("folder", type=Path, help="output folder, for files NAME.jpg")
    options.add_argument("names", nargs="*", default=STARTERS, help="starters (default: all)")
    arguments = options.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        with torch.inference_mode():
            Image.fromarray(card(name)).save(arguments.folder / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
