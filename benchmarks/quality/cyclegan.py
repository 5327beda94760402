"""Translation against the truth that drawn fields have: the same field with the other animals in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from benchmarks.drawings import EQUAL, Picture, held_out, mean_psnr, save_sheet, to_frames, to_tensor
from benchmarks.report import Bar, Report, Row
from deepfake_core import CycleTranslator
from deepfake_core.metrics import ssim
from deepfake_core.synthetic import fields

DIRECTIONS = ("horse2zebra", "zebra2horse")  # weights whose name ends in the second are given zebras, others horses
STARTERS = tuple(f"cyclegan-starter-{direction}" for direction in DIRECTIONS)
BAR = 3.0  # dB of PSNR above doing nothing, for horses that become zebras
CYCLE_BAR = 0.05  # mean |x - back| with pixels in [-1, 1]
SHOWN = 6  # fields in the sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """Drawn fields: what is given, what should come out, and where the animals are."""

    source: UInt8[np.ndarray, "n s s 3"]
    truth: UInt8[np.ndarray, "n s s 3"]
    mask: Float[Tensor, "n 1 s s"]


def held_out_fields(count: int, size: int, *, zebras: bool) -> Fields:
    """Fields with zebras that should become horses, or with horses that should become zebras."""
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
    """One way of answering: means over the fields."""

    psnr: float
    inside: float
    """PSNR over the animals' own pixels."""
    ssim: float
    cycle: float | None
    """Mean |x - back| in [-1, 1]; None where the way back is not known."""


def measure_quality(
    weights: str | None = None, *, count: int = 32, sheet: Path | None = None, device: str = "auto"
) -> Report:
    """Translate held-out fields there and back through the public class, and compare; both starters by default.

    `weights` may also be the folder that a training run writes: its two files lead back from each other.
    """
    if weights and Path(weights).is_dir():
        there, back = (Path(weights) / f"{name}.safetensors" for name in DIRECTIONS)
        pairs = [(there, back), (back, there)]
        translators = [CycleTranslator.from_pretrained(one, device, back=other) for one, other in pairs]
    else:
        translators = [CycleTranslator.from_pretrained(name, device) for name in ((weights,) if weights else STARTERS)]
    return compare(translators, count, sheet)


def compare(translators: Sequence[CycleTranslator], count: int, sheet: Path | None = None) -> Report:
    """The report on some loaded directions."""
    found: dict[str, dict[str, Measured]] = {}
    pictures: list[Sequence[Picture]] = []
    for translator in translators:
        zebras = translator.name.endswith(DIRECTIONS[1])
        scene = held_out_fields(count, translator.size, zebras=zebras)
        cycles = [translator.cycle(picture, crop="none") for picture in scene.source]
        made = np.stack([cycle.translated for cycle in cycles])
        back = [cycle.back for cycle in cycles if cycle.back is not None]
        errors = [cycle.error for cycle in cycles if cycle.error is not None]
        found["zebra to horse" if zebras else "horse to zebra"] = {
            "translated": judge(made, scene, float(np.mean(errors)) if errors else None),
            "do nothing": judge(scene.source, scene, None),
        }
        pictures += [list(part[:SHOWN]) for part in (scene.source, made, scene.truth, back) if len(part)]
    if sheet:
        save_sheet(sheet, pictures)
    return report([translator.name for translator in translators], found, count)


def judge(made: UInt8[np.ndarray, "n s s 3"], scene: Fields, cycle: float | None) -> Measured:
    """Compare with the truth."""
    mine, right = to_tensor(made), to_tensor(scene.truth)
    return Measured(
        psnr=mean_psnr(mine, right),
        inside=float(psnr_inside(mine, right, scene.mask).mean()),
        ssim=float(ssim(mine, right).mean()),
        cycle=cycle,
    )


def psnr_inside(
    made: Float[Tensor, "n 3 s s"], truth: Float[Tensor, "n 3 s s"], mask: Float[Tensor, "n 1 s s"]
) -> Float[Tensor, " n"]:
    """Peak signal-to-noise ratio in decibels where the mask is, every pixel counted by its share of it."""
    error = ((made - truth).square() * mask).sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)))
    return (-10.0 * torch.log10(error)).clamp_max(EQUAL)


def report(names: Sequence[str], found: dict[str, dict[str, Measured]], count: int) -> Report:
    """Means over the fields, and the bars."""
    margins = {way: rows["translated"].psnr - rows["do nothing"].psnr for way, rows in found.items()}
    cycles = {way: rows["translated"].cycle for way, rows in found.items()}
    bars = [
        Bar(claim=f"{way}: PSNR at least {BAR:g} dB above doing nothing ({margin:+.2f})", met=margin >= BAR)
        for way, margin in margins.items()
        if way == "horse to zebra"
    ]
    bars += [
        Bar(
            claim=f"{way} and back: mean |x - back| at most {CYCLE_BAR:g}"
            + (f" ({cycle:.4f})" if cycle is not None else " (the weights of the way back are not here)"),
            met=cycle is not None and cycle <= CYCLE_BAR,
        )
        for way, cycle in cycles.items()
    ]
    return Report(
        title="quality cyclegan",
        columns=("PSNR dB", "in the animals", "SSIM", "cycle"),
        rows=tuple(
            Row(
                name=f"{way}: {answer}",
                values=(
                    f"{m.psnr:.2f}",
                    f"{m.inside:.2f}",
                    f"{m.ssim:.3f}",
                    "-" if m.cycle is None else f"{m.cycle:.4f}",
                ),
            )
            for way, rows in found.items()
            for answer, m in rows.items()
        ),
        notes=(
            f"Means over {count} held-out fields each, weights {', '.join(names)}. The truth is the same field drawn "
            "with the other animals. A zebra does not show which coat the horse has that is the truth: there no "
            "translator can come close but by chance. Cycle: mean |x - back|, pixels in [-1, 1].",
        ),
        bars=tuple(bars),
        figures={
            "weights": names,
            "fields": count,
            "means": found,
            "margins_db": margins,
        },
    )
