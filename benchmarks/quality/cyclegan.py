"""Quality of CycleGAN on drawn fields, whose ground truth is the same field with the other animals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from benchmarks.images import EQUAL, Picture, held_out, mean_psnr, save_grid, to_frames, to_tensor
from benchmarks.quality.detail import COLUMNS, NOTE, Detail, detail_figures, measure_detail
from benchmarks.report import Figure, Report, Row
from deepfake_core import CycleTranslator
from deepfake_core.metrics import ssim
from deepfake_core.pixels import to_batch, to_signed
from deepfake_core.synthetic import fields

DIRECTIONS = ("horse2zebra", "zebra2horse")  # weights whose name ends in the second translate zebras, others horses
STARTERS = tuple(f"cyclegan-starter-{direction}" for direction in DIRECTIONS)
BAR = 5.0  # dB of PSNR above the unchanged source, for horses to zebras
CYCLE_BAR = 0.03  # mean |x - back| with pixels in [-1, 1]
STRIPES_BAR = 0.8  # correlation of lightness inside the animals with the true zebras'
SHIFT_BAR = 0.03  # change of the background's mean colour, as a share of the range
REAL = 0.5  # score halfway between made (0) and real (1), the targets of the least-squares loss
SHOWN = 6  # fields in the sample grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """Drawn fields: sources, true results, and masks of the animals."""

    source: UInt8[np.ndarray, "n s s 3"]
    truth: UInt8[np.ndarray, "n s s 3"]
    mask: Float[Tensor, "n 1 s s"]


def held_out_fields(count: int, size: int, *, zebras: bool) -> Fields:
    """Fields to translate from zebras to horses, or from horses to zebras."""
    sources, truths, masks = [], [], []
    for index in range(count):
        field = fields.sample_field(1, held_out(index))
        given, wanted = (fields.draw(field, torch.full((1,), float(kind)), size) for kind in (zebras, not zebras))
        sources.append(to_frames(given.image))
        truths.append(to_frames(wanted.image))
        masks.append(torch.maximum(given.mask, wanted.mask))
    return Fields(source=np.concatenate(sources), truth=np.concatenate(truths), mask=torch.cat(masks))


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The metrics of one method: means over the fields."""

    psnr: float
    inside: float
    """PSNR inside the animals."""
    ssim: float
    stripes: float
    """Correlation of lightness with the truth inside the animals."""
    shift: float
    """Change of the background's mean colour: mean over the channels, as a share of the range."""
    cycle: float | None
    """Mean |x - back| in [-1, 1]; None without weights for the other direction."""
    detail: Detail
    real: float | None
    """Share of the patches that the discriminator of the target domain takes for real: scores above `REAL`. None if its
    weights were not kept."""


def measure_quality(
    weights: str | None = None, *, count: int = 64, samples: Path | None = None, device: str = "auto"
) -> Report:
    """Translate held-out fields and back with the public class, and compare; both starters by default.

    `weights` may also be the folder of a training run, with a file for each direction.
    """
    if weights and Path(weights).is_dir():
        there, back = (Path(weights) / f"{name}.safetensors" for name in DIRECTIONS)
        pairs = [(there, back), (back, there)]
        translators = [CycleTranslator.from_pretrained(one, device, back=other) for one, other in pairs]
    else:
        translators = [CycleTranslator.from_pretrained(name, device) for name in ((weights,) if weights else STARTERS)]
    return compare(translators, count, samples)


def compare(translators: Sequence[CycleTranslator], count: int, samples: Path | None = None) -> Report:
    """The report on loaded translators."""
    found: dict[str, dict[str, Measured]] = {}
    drawn: dict[str, float | None] = {}
    pictures: list[Sequence[Picture]] = []
    for translator in translators:
        zebras = translator.name.endswith(DIRECTIONS[1])
        scene = held_out_fields(count, translator.size, zebras=zebras)
        cycles = [translator.cycle(picture, crop="none") for picture in scene.source]
        made = np.stack([cycle.translated for cycle in cycles])
        back = [cycle.back for cycle in cycles if cycle.back is not None]
        errors = [cycle.error for cycle in cycles if cycle.error is not None]
        way = "zebra to horse" if zebras else "horse to zebra"
        found[way] = {
            "translated": judge(made, scene, float(np.mean(errors)) if errors else None, translator),
            "do nothing": judge(scene.source, scene, None, translator),
        }
        drawn[way] = taken_for_real(scene.truth, translator)
        pictures += [list(part[:SHOWN]) for part in (scene.source, made, scene.truth, back) if len(part)]
    if samples:
        save_grid(samples, pictures)
    return report([translator.name for translator in translators], found, drawn, count)


def judge(
    made: UInt8[np.ndarray, "n s s 3"], scene: Fields, cycle: float | None, translator: CycleTranslator
) -> Measured:
    """Compute the metrics of results."""
    mine, right, given = to_tensor(made), to_tensor(scene.truth), to_tensor(scene.source)
    return Measured(
        psnr=mean_psnr(mine, right),
        inside=float(psnr_inside(mine, right, scene.mask).mean()),
        ssim=float(ssim(mine, right).mean()),
        stripes=float(correlation(mine.mean(1), right.mean(1), scene.mask[:, 0]).mean()),
        shift=float(colour_shift(mine, given, 1 - scene.mask).mean()),
        cycle=cycle,
        detail=measure_detail(made, scene.truth, scene.source),
        real=taken_for_real(made, translator),
    )


@torch.inference_mode()
def taken_for_real(pictures: UInt8[np.ndarray, "n s s 3"], translator: CycleTranslator) -> float | None:
    """Share of the patches that the discriminator of the results takes for real."""
    discriminator = translator.discriminator()
    if discriminator is None:
        return None
    scores = discriminator(to_signed(to_batch(list(pictures), translator.device)))
    return float((scores > REAL).float().mean())


def correlation(
    first: Float[Tensor, "n h w"], second: Float[Tensor, "n h w"], mask: Float[Tensor, "n h w"]
) -> Float[Tensor, " n"]:
    """Pearson's r of two images, weighted by the mask; 0 if one of them is constant."""
    weight = mask / mask.sum(dim=(1, 2), keepdim=True)
    a, b = (x - (x * weight).sum(dim=(1, 2), keepdim=True) for x in (first, second))
    together, alone = (a * b * weight).sum(dim=(1, 2)), [(x * x * weight).sum(dim=(1, 2)) for x in (a, b)]
    return together / (alone[0] * alone[1]).sqrt().clamp_min(1e-6)


def colour_shift(
    made: Float[Tensor, "n 3 h w"], given: Float[Tensor, "n 3 h w"], mask: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, " n"]:
    """Change of the mean colour inside the mask: mean over the channels, in [0, 1]."""
    difference = ((made - given) * mask).sum(dim=(2, 3)) / mask.sum(dim=(2, 3))
    return difference.abs().mean(dim=1)


def psnr_inside(
    made: Float[Tensor, "n 3 s s"], truth: Float[Tensor, "n 3 s s"], mask: Float[Tensor, "n 1 s s"]
) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio in decibels, weighted by the mask."""
    error = ((made - truth).square() * mask).sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)))
    return (-10.0 * torch.log10(error)).clamp_max(EQUAL)


def report(
    names: Sequence[str], found: dict[str, dict[str, Measured]], drawn: dict[str, float | None], count: int
) -> Report:
    """Build the report: means over the fields, and targets."""
    margins = {way: rows["translated"].psnr - rows["do nothing"].psnr for way, rows in found.items()}
    bars = [figure.bar() for way, rows in found.items() for figure in figures(way, rows)]
    return Report(
        title="quality cyclegan",
        columns=("PSNR dB", "in the animals", "SSIM", "stripes", "shift", "cycle", *COLUMNS, "real"),
        rows=tuple(
            Row(
                name=f"{way}: {answer}",
                values=(
                    f"{m.psnr:.2f}",
                    f"{m.inside:.2f}",
                    f"{m.ssim:.3f}",
                    f"{m.stripes:.2f}",
                    f"{100 * m.shift:.2f} %",
                    "-" if m.cycle is None else f"{m.cycle:.4f}",
                    *m.detail.cells(),
                    "-" if m.real is None else f"{m.real:.0%}",
                ),
            )
            for way, rows in found.items()
            for answer, m in rows.items()
        ),
        notes=(
            f"Means over {count} held-out fields each, weights {', '.join(names)}. The truth is the same field drawn "
            "with the other animals. A zebra does not show the coat of its horse, so the truth of that direction can "
            "only be met by chance. Stripes: correlation of lightness with the truth inside the animals. Shift: change "
            "of the background's mean colour. Cycle: mean |x - back|, pixels in [-1, 1].",
            NOTE,
            "Real: share of the patches that the discriminator takes for real. Of the drawn truth: "
            + ", ".join(f"{way} {'-' if share is None else f'{share:.0%}'}" for way, share in drawn.items())
            + ".",
        ),
        bars=tuple(bars),
        figures={
            "weights": names,
            "fields": count,
            "means": found,
            "real_of_truth": drawn,
            "margins_db": margins,
        },
    )


def figures(way: str, rows: dict[str, Measured]) -> list[Figure]:
    """The targets of one direction; a zebra does not show its horse's coat, so there the truth is no target."""
    made, nothing = rows["translated"], rows["do nothing"]
    there = [
        Figure(measure=f"{way}: PSNR above the source", result=made.psnr - nothing.psnr, target=BAR, unit=" dB"),
        Figure(measure=f"{way}: stripes", result=made.stripes, target=STRIPES_BAR, baseline=nothing.stripes),
    ]
    return [
        *(there if way == "horse to zebra" else ()),
        Figure(
            measure=f"{way}: shift of the background's colour",
            result=100 * made.shift, target=100 * SHIFT_BAR, more_is_better=False, unit=" %",
        ),
        Figure(
            measure=f"{way} and back: mean |x - back|",
            result=made.cycle, target=CYCLE_BAR, more_is_better=False, digits=4,
        ),
        *detail_figures(f"{way}: ", made.detail, nothing.detail),
    ]  # fmt: skip
