"""Style synthesis against the truth that drawings have: the reference's looks in the source's pose and scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.drawings import Picture, mean_psnr, save_sheet, to_tensor
from benchmarks.examiner import Examiner, Skill, examiner_for
from benchmarks.report import Bar, Figure, Report, Row
from benchmarks.subjects import Answers
from benchmarks.worlds import Case, World, cases_of, world_of
from deepfake_core import StyleSynthesizer
from deepfake_core.metrics.perceptual import RandomFeatureDistance
from deepfake_core.synthetic.render.layers import LEAST_COAT

STARTERS = ("starganv2-starter-heads", "starganv2-starter-animals")
LATENTS = 3  # for every source and domain
DOMAIN_BAR = 95.0  # % of the pictures that show the wanted domain
POSE_BAR = 5.0  # degrees
COLOUR_BAR = 85.0  # % of the pairs whose hair or fur has the reference's colour
VARIETY_BAR = 0.5  # distance between latents, as a share of that between different identities
NEAR = 0.15  # Euclidean distance of two colours in RGB, from 0 to 1 a channel, up to which they count as the same
SOURCES_SHOWN, STYLES_SHOWN = 4, 4  # in the sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One way of answering: means over the cases."""

    domain: float
    """Share that the examiner takes for the wanted domain."""
    pose: float
    """Mean difference of yaw, pitch and roll, as the examiner sees them, from the source's true ones, in degrees."""
    looks: float | None
    """Share whose looks, as the examiner sees them, are nearer to the reference's true ones than to the source's."""
    colour: float | None
    """Share whose hair or fur has the reference's colour: the mean over the pixels where the truth shows hair or fur
    lies within `NEAR` of the truth's own. Where next to none shows, under a hat, nothing is asked."""
    read: float | None
    """The same as the examiner sees it, against the true colour; it has to guess where a hat hides the hair."""
    psnr: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """All about one network."""

    name: str
    world: str
    cases: int
    answers: Mapping[str, Measured]
    between_latents: float
    """Mean distance of random features between pictures of one source and domain from different latents."""
    between_identities: float
    """The same between drawings of different identities of one domain in one pose and scene."""
    examiner: Skill


def measure_quality(
    weights: str | None = None, *, count: int = 64, sheet: Path | None = None, device: str = "auto"
) -> Report:
    """Redraw held-out sources through the public class, and let an examiner look; both starters by default."""
    outcomes, rows = [], []
    for name in (weights,) if weights else STARTERS:
        synthesizer = StyleSynthesizer.from_pretrained(name, device=device)
        world = world_of(synthesizer.name, synthesizer.domains)
        outcomes.append(compare(synthesizer, world, *examiner_for(world.subject), count))
        rows += grid(synthesizer, world, count) if sheet else []
    if sheet:
        save_sheet(sheet, rows)
    return report(outcomes)


def compare(synthesizer: StyleSynthesizer, world: World, examiner: Examiner, skill: Skill, count: int) -> Outcome:
    """Everything about one loaded model."""
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
    answers = {
        "from references": judge(styled, cases, world, examiner),
        "from latents": judge(
            [made for several in drawn for made in several],
            [case for case in cases for _ in range(LATENTS)],
            world,
            examiner,
            referred=False,
        ),
        "do nothing": judge([case.source for case in cases], cases, world, examiner),
        "copy the reference": judge([case.reference for case in cases], cases, world, examiner),
        "the truth": judge([case.truth for case in cases], cases, world, examiner),
    }
    pairs = [pair for several in drawn for pair in combinations(several, 2)]
    return Outcome(
        name=synthesizer.name,
        world=world.subject.name,
        cases=len(cases),
        answers=answers,
        between_latents=distance([first for first, _ in pairs], [second for _, second in pairs]),
        between_identities=distance([case.truth for case in cases], [case.other for case in cases]),
        examiner=skill,
    )


def judge(
    made: Sequence[Picture], cases: Sequence[Case], world: World, examiner: Examiner, *, referred: bool = True
) -> Measured:
    """See what the examiner sees; without a reference, looks and the truth are nobody's."""
    seen = examiner.read(made)
    source, reference = (
        Answers(*map(torch.cat, zip(*(getattr(case, name) for case in cases), strict=True)))
        for name in ("source_answers", "reference_answers")
    )
    looks = [looks_apart(examiner, seen.looks, each.looks) for each in (reference, source)]
    return Measured(
        domain=float(world.shows(seen.marks, torch.tensor([case.domain for case in cases])).float().mean()),
        pose=float((seen.angles - source.angles).abs().mean()),
        looks=float((looks[0] < looks[1]).float().mean()) if referred else None,
        colour=float(np.mean([c <= NEAR for c in map(coat_apart, made, cases) if c is not None])) if referred else None,
        read=float((apart(seen, reference) <= NEAR).float().mean()) if referred else None,
        psnr=mean_psnr(to_tensor(made), to_tensor([case.truth for case in cases])) if referred else None,
    )


def coat_apart(made: Picture, case: Case) -> float | None:
    """Distance of the mean colours where the truth shows hair or fur; None where it hardly does."""
    if case.coat.mean() < LEAST_COAT:
        return None
    first, second = (picture[case.coat].mean(axis=0) / 255 for picture in (made, case.truth))
    return float(np.linalg.norm(first - second))


def apart(seen: Answers, true: Answers) -> Tensor:
    """Distance of the colours of hair or fur, which stand first among the looks of either world."""
    return (seen.looks[:, :3] - true.looks[:, :3]).norm(dim=1)


def looks_apart(examiner: Examiner, first: Tensor, second: Tensor) -> Tensor:
    """Mean difference of looks, each in its own standard deviation."""
    return (examiner.normalised(first) - examiner.normalised(second)).abs().mean(dim=1)


def distance(first: Sequence[Picture], second: Sequence[Picture]) -> float:
    """Mean distance of random features."""
    between = RandomFeatureDistance()
    return float(np.mean([float(between(to_tensor([a]), to_tensor([b]))) for a, b in zip(first, second, strict=True)]))


def grid(synthesizer: StyleSynthesizer, world: World, count: int) -> list[list[Picture | None]]:
    """Sources down the side; references along the top, and beside them latents, of the domains in turn."""
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


def report(outcomes: Sequence[Outcome]) -> Report:
    """Means over the cases, and the bars."""
    return Report(
        title="quality starganv2",
        columns=("domain", "pose error", "looks of reference", "its colour", "as read", "PSNR dB"),
        rows=tuple(
            Row(
                name=f"{outcome.world}: {answer}",
                values=(
                    f"{100 * m.domain:.1f} %",
                    f"{m.pose:.1f}°",
                    "-" if m.looks is None else f"{100 * m.looks:.1f} %",
                    "-" if m.colour is None else f"{100 * m.colour:.1f} %",
                    "-" if m.read is None else f"{100 * m.read:.1f} %",
                    "-" if m.psnr is None else f"{m.psnr:.2f}",
                ),
            )
            for outcome in outcomes
            for answer, m in outcome.answers.items()
        ),
        notes=(
            *(note for outcome in outcomes for note in notes(outcome)),
            "Domain: share that the examiner takes for the wanted one. Pose error: mean difference of yaw, pitch and "
            "roll, as it sees them, from the source's true ones; doing nothing shows its own error, copying the "
            "reference that of two random poses. Looks: share whose colours and features, as it sees them, are nearer "
            "to the reference's true ones than to the source's. Its colour: share whose mean colour, over the pixels "
            f"where the truth shows hair or fur, lies within {NEAR:g} of the truth's, a distance in RGB from 0 to 1. "
            "As read: the same as the examiner sees it, who misses some of the truths as well. The truth: the "
            "reference's looks drawn in the source's pose and scene.",
            "Distance: that of random features, which is not LPIPS and compares with nothing but itself.",
        ),
        bars=tuple(bar for outcome in outcomes for bar in bars(outcome)),
        figures={"networks": {outcome.name: outcome for outcome in outcomes}},
    )


def notes(outcome: Outcome) -> tuple[str, ...]:
    """How one network was measured."""
    return (
        f"{outcome.world}: {outcome.cases} pairs of held-out source and reference, and {LATENTS} latents for each, "
        f"weights {outcome.name}. Distance between latents of one source {outcome.between_latents:.4f}, between "
        f"different identities of one domain drawn in its place {outcome.between_identities:.4f}.",
        f"{outcome.world}: the examiner's own answers on other drawings: {outcome.examiner}.",
    )


def bars(outcome: Outcome) -> list[Bar]:
    """What is demanded of one network."""
    world, nothing = outcome.world, outcome.answers["do nothing"]
    styled, drawn = outcome.answers["from references"], outcome.answers["from latents"]
    assert styled.colour is not None and nothing.colour is not None
    figures = [
        *(
            Figure(
                measure=f"{world}: wanted domain, {way}", result=100 * m.domain, target=DOMAIN_BAR,
                baseline=100 * nothing.domain, unit=" %", digits=1,
            )
            for way, m in (("from references", styled), ("from latents", drawn))
        ),
        Figure(
            measure=f"{world}: error of the pose", result=max(styled.pose, drawn.pose), target=POSE_BAR,
            baseline=outcome.answers["copy the reference"].pose, more_is_better=False, unit=" deg", digits=1,
        ),
        Figure(
            measure=f"{world}: the reference's colour", result=100 * styled.colour, target=COLOUR_BAR,
            baseline=100 * nothing.colour, unit=" %", digits=1,
        ),
        Figure(
            measure=f"{world}: variety of latents, beside the drawings'",
            result=outcome.between_latents / outcome.between_identities, target=VARIETY_BAR,
        ),
    ]  # fmt: skip
    return [figure.bar() for figure in figures]
