"""Quality of StarGAN v2 on drawings, whose ground truth has the reference's looks in the source's pose and scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.images import Picture, mean_psnr, save_grid, to_tensor
from benchmarks.quality.attribute_classifier import AttributeClassifier, Skill, classifier_for
from benchmarks.quality.detail import COLUMNS, NOTE, Detail, detail_figures, measure_detail
from benchmarks.quality.subjects import Labels
from benchmarks.quality.worlds import Case, World, cases_of, world_of
from benchmarks.report import Bar, Figure, Report, Row
from deepfake_core import StyleSynthesizer
from deepfake_core.metrics.perceptual import RandomFeatureDistance
from deepfake_core.synthetic.render.layers import LEAST_COAT

STARTERS = ("starganv2-starter-heads", "starganv2-starter-animals")
LATENTS = 3  # per source and domain
DOMAIN_BAR = 95.0  # % of the images that show the target domain
POSE_BAR = 5.0  # degrees
COLOUR_BAR = 85.0  # % of the pairs with the reference's colour of hair or fur
VARIETY_BAR = 0.5  # distance between latents, relative to that between different identities
NEAR = 0.15  # Euclidean RGB distance, with channels in [0, 1], below which colours count as equal
SOURCES_SHOWN, STYLES_SHOWN = 4, 4  # in the sample grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The metrics of one method: means over the cases."""

    domain: float
    """Share classified as the target domain."""
    pose: float
    """Mean difference of predicted yaw, pitch and roll from the source's true ones, in degrees."""
    looks: float | None
    """Share whose predicted looks are closer to the reference's true ones than to the source's."""
    colour: float | None
    """Share whose mean colour, over the pixels where the truth shows hair or fur, is within `NEAR` of the truth's.
    Cases where hardly any is visible, under a hat, are left out."""
    predicted_colour: float | None
    """The same for the predicted colour, against the true one; under a hat the classifier has to guess."""
    psnr: float | None
    detail: Detail
    """Of the first result of each case."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All results of one network."""

    name: str
    world: str
    cases: int
    methods: Mapping[str, Measured]
    between_latents: float
    """Mean random-feature distance between images of one source and domain from different latents."""
    between_identities: float
    """The same between drawings of different identities of a domain in one pose and scene."""
    classifier: Skill


def measure_quality(
    weights: str | None = None, *, count: int = 64, samples: Path | None = None, device: str = "auto"
) -> Report:
    """Synthesize held-out sources with the public class, and evaluate the results; both starters by default."""
    results, rows = [], []
    for name in (weights,) if weights else STARTERS:
        synthesizer = StyleSynthesizer.from_pretrained(name, device=device)
        world = world_of(synthesizer.name, synthesizer.domains)
        results.append(compare(synthesizer, world, *classifier_for(world.subject), count))
        rows += grid(synthesizer, world, count) if samples else []
    if samples:
        save_grid(samples, rows)
    return report(results)


def compare(
    synthesizer: StyleSynthesizer, world: World, classifier: AttributeClassifier, skill: Skill, count: int
) -> Result:
    """Compute all results of one loaded model."""
    cases = [case for index in range(count) for case in cases_of(world, index, synthesizer.size)]
    styled = [
        synthesizer.from_reference(case.source, case.reference, domain=world.domains[case.domain], crop="none")
        for case in cases
    ]
    drawn = [
        [
            synthesizer.from_latent(
                case.source, domain=world.domains[case.domain], seed=case.index * LATENTS + turn, crop="none"
            )
            for turn in range(LATENTS)
        ]
        for case in cases
    ]
    methods = {
        "from references": judge(styled, cases, world, classifier),
        "from latents": judge(
            [made for several in drawn for made in several],
            [case for case in cases for _ in range(LATENTS)],
            world,
            classifier,
            results=LATENTS,
        ),
        "do nothing": judge([case.source for case in cases], cases, world, classifier),
        "copy the reference": judge([case.reference for case in cases], cases, world, classifier),
        "the truth": judge([case.truth for case in cases], cases, world, classifier),
    }
    pairs = [pair for several in drawn for pair in combinations(several, 2)]
    return Result(
        name=synthesizer.name,
        world=world.subject.name,
        cases=len(cases),
        methods=methods,
        between_latents=distance([first for first, _ in pairs], [second for _, second in pairs]),
        between_identities=distance([case.truth for case in cases], [case.other for case in cases]),
        classifier=skill,
    )


def judge(
    made: Sequence[Picture],
    cases: Sequence[Case],
    world: World,
    classifier: AttributeClassifier,
    *,
    results: int = 1,
) -> Measured:
    """Compute the metrics of results; with several of each case, which are from latents, there is no truth for them."""
    referred = results == 1
    seen = classifier.predict(made)
    source, reference = (
        Labels(*map(torch.cat, zip(*(getattr(case, name) for case in cases), strict=True)))
        for name in ("source_labels", "reference_labels")
    )
    looks = [looks_apart(classifier, seen.looks, each.looks) for each in (reference, source)]
    return Measured(
        domain=float(world.shows(seen.attributes, torch.tensor([case.domain for case in cases])).float().mean()),
        pose=float((seen.angles - source.angles).abs().mean()),
        looks=float((looks[0] < looks[1]).float().mean()) if referred else None,
        colour=float(np.mean([c <= NEAR for c in map(coat_apart, made, cases) if c is not None])) if referred else None,
        predicted_colour=float((apart(seen, reference) <= NEAR).float().mean()) if referred else None,
        psnr=mean_psnr(to_tensor(made), to_tensor([case.truth for case in cases])) if referred else None,
        detail=measure_detail(
            made[::results], *([getattr(case, name) for case in cases[::results]] for name in ("truth", "source"))
        ),
    )


def coat_apart(made: Picture, case: Case) -> float | None:
    """Distance of the mean colours of hair or fur; None if hardly any is visible in the truth."""
    if case.coat.mean() < LEAST_COAT:
        return None
    first, second = (picture[case.coat].mean(axis=0) / 255 for picture in (made, case.truth))
    return float(np.linalg.norm(first - second))


def apart(seen: Labels, true: Labels) -> Tensor:
    """Distance of the colours of hair or fur, which are the first looks of both worlds."""
    return (seen.looks[:, :3] - true.looks[:, :3]).norm(dim=1)


def looks_apart(classifier: AttributeClassifier, first: Tensor, second: Tensor) -> Tensor:
    """Mean difference of standardised looks."""
    return (classifier.normalised(first) - classifier.normalised(second)).abs().mean(dim=1)


def distance(first: Sequence[Picture], second: Sequence[Picture]) -> float:
    """Mean random-feature distance of pairs of images."""
    between = RandomFeatureDistance()
    return float(np.mean([float(between(to_tensor([a]), to_tensor([b]))) for a, b in zip(first, second, strict=True)]))


def grid(synthesizer: StyleSynthesizer, world: World, count: int) -> list[list[Picture | None]]:
    """Sample grid: sources on the left, references on top, then latents; domains alternate."""
    domains = [world.domains[turn % len(world.domains)] for turn in range(STYLES_SHOWN)]
    scenes = [cases_of(world, index, synthesizer.size) for index in range(min(count, SOURCES_SHOWN))]
    references = [scenes[turn % len(scenes)][turn % len(domains) % len(world.domains)] for turn in range(STYLES_SHOWN)]
    rows: list[list[Picture | None]] = [[None, *(case.reference for case in references)]]
    for case, *_ in scenes:
        pairs = zip(references, domains, strict=True)
        styled = [synthesizer.from_reference(case.source, r.reference, domain=d, crop="none") for r, d in pairs]
        drawn = [
            synthesizer.from_latent(case.source, domain=domain, seed=seed, crop="none")
            for seed, domain in enumerate(domains)
        ]
        rows.append([case.source, *styled, *drawn])
    return rows


def report(results: Sequence[Result]) -> Report:
    """Build the report: means over the cases, and targets."""
    return Report(
        title="quality starganv2",
        columns=("domain", "pose error", "looks of reference", "its colour", "predicted", "PSNR dB", *COLUMNS),
        rows=tuple(
            Row(
                name=f"{result.world}: {answer}",
                values=(
                    f"{100 * m.domain:.1f} %",
                    f"{m.pose:.1f}°",
                    "-" if m.looks is None else f"{100 * m.looks:.1f} %",
                    "-" if m.colour is None else f"{100 * m.colour:.1f} %",
                    "-" if m.predicted_colour is None else f"{100 * m.predicted_colour:.1f} %",
                    "-" if m.psnr is None else f"{m.psnr:.2f}",
                    *m.detail.cells(),
                ),
            )
            for result in results
            for answer, m in result.methods.items()
        ),
        notes=(
            *(note for result in results for note in notes(result)),
            "Domain: share that the attribute classifier assigns to the target domain. Pose error: mean difference of "
            "predicted yaw, pitch and roll from the source's true ones; 'do nothing' shows the classifier's own error, "
            "'copy the reference' that of two random poses. Looks: share whose predicted colours and features are "
            "closer to the reference's true ones than to the source's. Its colour: share whose mean colour, over the "
            f"pixels where the truth shows hair or fur, is within {NEAR:g} of the truth's (RGB in [0, 1]). Predicted: "
            "the same for the classifier's prediction, which is wrong for some of the truths as well. The truth: the "
            "reference's looks drawn in the source's pose and scene.",
            "Distance: random-feature distance, which is not LPIPS; its values can be compared with one another only.",
            NOTE,
        ),
        bars=tuple(bar for result in results for bar in bars(result)),
        figures={"networks": {result.name: result for result in results}},
    )


def notes(result: Result) -> tuple[str, ...]:
    """Notes on the measurement of one network."""
    return (
        f"{result.world}: {result.cases} pairs of held-out source and reference, and {LATENTS} latents for each, "
        f"weights {result.name}. Distance between latents of one source {result.between_latents:.4f}, between "
        f"different identities of one domain in its pose and scene {result.between_identities:.4f}.",
        f"{result.world}: accuracy of the attribute classifier on held-out drawings: {result.classifier}.",
    )


def bars(result: Result) -> list[Bar]:
    """The targets of one network."""
    world, nothing = result.world, result.methods["do nothing"]
    styled, drawn = result.methods["from references"], result.methods["from latents"]
    assert styled.colour is not None and nothing.colour is not None
    figures = [
        *(
            Figure(
                measure=f"{world}: target domain, {way}", result=100 * m.domain, target=DOMAIN_BAR,
                baseline=100 * nothing.domain, unit=" %", digits=1,
            )
            for way, m in (("from references", styled), ("from latents", drawn))
        ),
        Figure(
            measure=f"{world}: pose error", result=max(styled.pose, drawn.pose), target=POSE_BAR,
            baseline=result.methods["copy the reference"].pose, more_is_better=False, unit=" deg", digits=1,
        ),
        Figure(
            measure=f"{world}: the reference's colour", result=100 * styled.colour, target=COLOUR_BAR,
            baseline=100 * nothing.colour, unit=" %", digits=1,
        ),
        Figure(
            measure=f"{world}: diversity of latents, relative to the drawings",
            result=result.between_latents / result.between_identities, target=VARIETY_BAR,
        ),
        *detail_figures(f"{world}: ", styled.detail, nothing.detail),
    ]  # fmt: skip
    return [figure.bar() for figure in figures]
