"""CycleGAN, StarGAN and StarGAN v2: the pipelines against the plain demos, which treat every picture on its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import Report
from benchmarks.speed.alternated import HALF, OURS, PLAIN, Wanted, Way, alternate, report
from deepfake_core.media.images import Image
from deepfake_core.networks import cyclegan, stargan, starganv2
from deepfake_core.pipelines.editor import AttributeEditor
from deepfake_core.pipelines.synthesizer import StyleSynthesizer
from deepfake_core.pipelines.translator import CycleTranslator
from deepfake_core.pixels import from_batch, from_signed, to_batch, to_signed
from deepfake_core.settings import Precision

PICTURES, GRID = 4, 4
CPU = torch.device("cpu")
HOW: dict[str, Any] = {"name": "benchmark", "about": "", "device": CPU}


@dataclass(frozen=True, slots=True)
class Case:
    """One method: both ways to the same pictures, and what is wanted."""

    plain: Way
    ours: Callable[[Precision], Way]
    bars: dict[str, Wanted]
    note: str


def pictures(count: int, size: int, seed: int) -> list[Image]:
    """Noise: the time of a network does not depend on what is shown."""
    return list(np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def images(made: list[Tensor]) -> list[Image]:
    """Pictures of networks' outputs in [-1, 1]."""
    return from_batch(from_signed(torch.cat(made)))


def of_cyclegan(seed: int, config: cyclegan.CycleGanConfig | None = None) -> Case:
    """Several pictures translated."""
    network = cyclegan.Generator(config or cyclegan.CycleGanConfig()).eval().requires_grad_(False)
    given = pictures(PICTURES, network.config.size, seed)

    @torch.inference_mode()
    def plain() -> list[Image]:
        return images([network(to_signed(to_batch([one]))) for one in given])

    def ours(precision: Precision) -> Way:
        translator = CycleTranslator(network, **HOW, subject="scene", back=None, precision=precision)
        return lambda: translator.render(given)

    bars = {OURS: Wanted(1.25, 1), HALF: Wanted(1.9)}
    return Case(plain, ours, bars, f"{PICTURES} pictures of {network.config.size} px, random weights.")


def of_stargan(seed: int, config: stargan.StarGanConfig | None = None) -> Case:
    """All single edits of one picture."""
    config = config or stargan.CONFIGS["stargan-celeba-128"]
    network = stargan.StarGan(config).eval().requires_grad_(False)
    (given,) = pictures(1, config.size, seed)
    edits = [{name: name == each for name in config.attributes} for each in config.attributes]
    labels = torch.eye(len(edits))

    @torch.inference_mode()
    def plain() -> list[Image]:
        return images([network.generator(to_signed(to_batch([given])), label[None]) for label in labels])

    def ours(precision: Precision) -> Way:
        editor = AttributeEditor(network, **HOW, subject="face", precision=precision)
        return lambda: editor.render([given] * len(edits), edits)

    bars = {OURS: Wanted(1.25, 1), HALF: Wanted(1.9)}
    return Case(plain, ours, bars, f"{len(edits)} edits of a picture of {config.size} px, random weights.")


def of_starganv2(seed: int, config: starganv2.StarGanV2Config | None = None) -> Case:
    """A grid of sources and references."""
    config = config or starganv2.CONFIGS["starganv2-afhq"]
    network = starganv2.StarGanV2(config).eval().requires_grad_(False)
    sources, references = pictures(GRID, config.size, seed), pictures(GRID, config.size, seed + 1)
    domain = config.domains[0]

    @torch.inference_mode()
    def plain() -> list[Image]:
        made = []
        for source in sources:
            for reference in references:
                style = network.style_encoder(to_signed(to_batch([reference])), torch.zeros(1, dtype=torch.long))
                made.append(network.generator(to_signed(to_batch([source])), style))
        return images(made)

    def ours(precision: Precision) -> Way:
        synthesizer = StyleSynthesizer(network, None, **HOW, subject="animal", precision=precision)

        def grid() -> list[Image]:
            styles = synthesizer.read_styles(references, [domain] * GRID)
            return [one for source in sources for one in synthesizer.render(synthesizer.source(source), styles)]

        return grid

    bars = {OURS: Wanted(2.0, 1), HALF: Wanted(3.0)}
    return Case(plain, ours, bars, f"A grid of {GRID} x {GRID} pictures of {config.size} px, random weights.")


CASES: dict[str, Callable[[int], Case]] = {"cyclegan": of_cyclegan, "stargan": of_stargan, "starganv2": of_starganv2}


def measure_speed(name: str, *, rounds: int = 5, seed: int = 0, case: Case | None = None) -> Report:
    """Seconds per picture of the plain way and of the pipeline in both precisions."""
    torch.manual_seed(seed)
    case = case or CASES[name](seed)
    ways = {PLAIN: case.plain, OURS: case.ours("float32"), HALF: case.ours("bfloat16")}
    return report(name, alternate(ways, rounds), case.bars, [case.note])
