"""A look inside CycleGAN: cycle consistency and the identity mapping, for one picture."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.media.images import Image
from deepfake_core.pipelines.charts import (
    difference,
    difference_panel,
    framed,
    heat_legend,
    heat_picture,
    in_panels,
    shown,
)
from deepfake_core.pipelines.events import Clock, Finished
from deepfake_core.pipelines.image_batch import check_pixels
from deepfake_core.pipelines.inside_files import Figure, written
from deepfake_core.pipelines.translation import TranslationRequest
from deepfake_core.pipelines.translator import CycleTranslator
from deepfake_core.pixels import to_batch, to_signed


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationInsightRequest:
    """The picture to look at, and the output folder."""

    translation: TranslationRequest
    """Only its first source, its crop and its limits are used."""
    output: Path
    """A folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TranslationInspection:
    """Pictures in [-1, 1], on the CPU: x of the domain X, G: X -> Y, F: Y -> X."""

    image: Float[Tensor, "3 h w"]
    """x."""
    translated: Float[Tensor, "3 h w"]
    """G(x)."""
    back: Float[Tensor, "3 h w"] | None
    """F(G(x)); None if the weights of F are not installed."""
    kept: Float[Tensor, "3 h w"] | None
    """F(x), which should be x itself: the identity mapping; None without F."""
    scores: Float[Tensor, "2 hs ws"] | None
    """D_Y(x) and D_Y(G(x)): a score for each patch, near 1 where it looks real and near 0 where it looks made; None if
    the weights of the discriminator are not installed."""
    patch: int
    """Side in pixels of the patch that a score sees; 0 without a discriminator."""
    note: str
    """One sentence: which weights are F, or why there are none."""


def inspect(translator: CycleTranslator, pixels: Image) -> TranslationInspection:
    """Translate a crop, translate the result back, and apply the generator of the way back to the crop itself."""
    images = to_signed(to_batch([pixels], translator.device))
    there, note = translator.translated(translator.network, images), translator.load_reverse()
    reverse = translator.reverse
    back, kept = (translator.translated(reverse, one)[0].cpu() if reverse else None for one in (there, images))
    judge = translator.discriminator()
    scores = (
        None if judge is None else translator.runtime(lambda: judge(torch.cat((images, there))))[:, 0].float().cpu()
    )
    return TranslationInspection(
        image=images[0].cpu(),
        translated=there[0].cpu(),
        back=back,
        kept=kept,
        scores=scores,
        patch=judge.config.field if judge else 0,
        note=note,
    )


def look_inside(
    translator: CycleTranslator, request: TranslationInsightRequest, deadline: Deadline = NEVER
) -> Iterator[Finished]:
    """Draw the figures "cycle" and, if the weights of the way back are installed, "identity"; with a discriminator also
    "patches".

    Facts: the mean differences, 0 to 2. Raises what reading and cropping raise, `MediaTooLarge` and `TookTooLong`.
    """
    clock, asked = Clock(), request.translation
    source = asked.sources[0]
    check_pixels([source], asked.max_pixels, deadline)
    cropped = translator.cropped(source, crop=asked.crop, deadline=deadline)
    deadline.check()
    seen = inspect(translator, cropped.pixels)
    deadline.check()
    files = written(drawn(seen), request.output, source, model=translator.name, label=asked.label)
    yield Finished(files=files, notes=(seen.note,), seconds=clock.seconds)


def drawn(seen: TranslationInspection) -> dict[str, Figure]:
    """The figures by name."""
    image, translated = seen.image, seen.translated
    above, below = [("x", shown(image)), ("G(x)", shown(translated))], [
        heat_legend(*image.shape[1:]), difference_panel("|G(x) - x|", translated, image)
    ]  # fmt: skip
    facts = {"change": float(difference(translated, image).mean())}
    judged = {"patches": patches(seen)} if seen.scores is not None else {}
    if seen.back is None or seen.kept is None:
        return {"cycle": Figure(picture=in_panels([*above, *below], columns=2), facts=facts), **judged}
    above.append(("F(G(x))", shown(seen.back)))
    below.append(difference_panel("|F(G(x)) - x|", seen.back, image))
    facts["cycle"] = float(difference(seen.back, image).mean())
    identity = [
        ("x", shown(image)),
        ("F(x)", shown(seen.kept)),
        difference_panel("|F(x) - x|", seen.kept, image),
    ]
    return {
        "cycle": Figure(picture=in_panels([*above, *below], columns=3), facts=facts),
        "identity": Figure(
            picture=in_panels(identity, columns=3),
            facts={"identity": float(difference(seen.kept, image).mean())},
        ),
        **judged,
    }


def patches(seen: TranslationInspection) -> Figure:
    """The discriminator's scores of picture and result, and the patch of the result that looks made most of all."""
    assert seen.scores is not None
    before, after = seen.scores
    row, column = divmod(int(after.argmin()), after.shape[1])
    middle = (row + 0.5) / after.shape[0], (column + 0.5) / after.shape[1]
    height, width = seen.image.shape[1:]
    above = [
        ("x", shown(seen.image)),
        (f"G(x), {seen.patch} x {seen.patch}", framed(shown(seen.translated), middle, seen.patch)),
        heat_legend(height, width, "score", 1.0, open_=False),
    ]
    below = [
        (f"{name}: {float(scores.mean()):.2f}", heat_picture(enlarged(scores, height, width), 1.0))
        for name, scores in (("D(x)", before), ("D(G(x))", after))
    ]
    return Figure(
        picture=in_panels([*above, *below], columns=3),
        facts={"before": float(before.mean()), "after": float(after.mean()), "patch": seen.patch},
    )


def enlarged(scores: Float[Tensor, "hs ws"], height: int, width: int) -> Float[np.ndarray, "h w"]:
    """A score for each pixel: that of the nearest patch."""
    larger = F.interpolate(scores[None, None], (height, width), mode="nearest")[0, 0]
    values: np.ndarray = larger.numpy()
    return values
