"""Attribute editing against the truth that drawn heads have: the same head, drawn with the attribute changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool
from torch import Tensor

from benchmarks.images import Picture, held_out, mean_psnr, save_grid, to_frames, to_tensor
from benchmarks.quality.attribute_classifier import AttributeClassifier, Skill, classifier_for
from benchmarks.quality.detail import COLUMNS, NOTE, Detail, detail_figures, measure_detail
from benchmarks.quality.subjects import HAIR, HEADS
from benchmarks.report import Figure, Report, Row
from deepfake_core import AttributeEditor
from deepfake_core.errors import BadRequest
from deepfake_core.metrics import ssim
from deepfake_core.synthetic.heads import (
    ATTRIBUTES,
    HeadIdentity,
    HeadState,
    draw,
    sample_identity,
    sample_state,
    with_attributes,
)
from deepfake_core.synthetic.heads.hairstyles import BALD
from deepfake_core.synthetic.heads.identity import BEARDS

SPREAD = 0.8  # of the poses
FOUND_BAR = 97.0  # % of the edits with the target attribute detected
KEPT_BAR = 95.0  # % of the other attributes that are kept
PSNR_BAR = 3.0  # dB above the unchanged source
SHOWN = 6  # heads in the sample grid


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """A drawn head and its picture."""

    identity: HeadIdentity
    state: HeadState
    picture: Picture


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """One attribute to change, and the true result."""

    attribute: str
    value: bool
    wanted: Bool[Tensor, " 5"]
    """All attributes of the result, in the order of ATTRIBUTES."""
    asked: Bool[Tensor, " 5"]
    """The attributes that the edit changes: for a hair colour, all three of them."""
    truth: Picture


def held_out_head(index: int, size: int) -> Head:
    """The head with this index; never bald, so that it has a hair colour, and with stubble if edited to male."""
    generator = held_out(index)
    identity = sample_identity(1, generator)
    while int(identity.hair_style) == BALD:
        identity = sample_identity(1, generator)
    if not identity.male:  # not determined by the image of a woman; the starters are trained with this one
        identity = identity._replace(beard=torch.full_like(identity.beard, BEARDS.index("stubble")))
    state = sample_state(1, generator, spread=SPREAD)
    return Head(identity=identity, state=state, picture=to_frames(draw(identity, state, size).image)[0])


def edits_of(head: Head, known: Sequence[str]) -> list[Edit]:
    """Every other hair colour, the other sex and the other age, among the editor's attributes."""
    has, edits = head.identity.attributes[0] > 0.5, []
    for place, attribute in enumerate(ATTRIBUTES):
        hair = place < HAIR
        if attribute not in known or (hair and has[place]):
            continue
        asked = torch.arange(len(ATTRIBUTES)) < HAIR if hair else torch.arange(len(ATTRIBUTES)) == place
        wanted = has & ~asked
        wanted[place] = ~has[place]
        drawn = draw(with_attributes(head.identity, wanted[None].float()), head.state, len(head.picture)).image
        edits.append(
            Edit(attribute=attribute, value=bool(wanted[place]), wanted=wanted, asked=asked, truth=to_frames(drawn)[0])
        )
    return edits


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The metrics of one method: means over the edits."""

    found: float
    """Share of the edits in which the classifier detects all target attributes."""
    kept: float
    """Share of the other attributes that the classifier detects unchanged, averaged over the edits."""
    psnr: float
    ssim: float
    by_attribute: Mapping[str, float]
    """`found`, for each attribute."""
    detail: Detail


def measure_quality(
    weights: str | None = None, *, count: int = 64, samples: Path | None = None, device: str = "auto"
) -> Report:
    """Edit held-out heads with the public class, and evaluate the results with an attribute classifier."""
    editor = AttributeEditor.from_pretrained(weights or "stargan-starter", device=device)
    return compare(editor, *classifier_for(HEADS), count, samples)


def compare(
    editor: AttributeEditor, classifier: AttributeClassifier, skill: Skill, count: int, samples: Path | None = None
) -> Report:
    """The report on one loaded model."""
    known = [name for name in ATTRIBUTES if name in editor.attributes]
    if not known:
        raise BadRequest(
            f"{editor.name} has none of the attributes of drawn heads ({', '.join(ATTRIBUTES)}); use other weights"
        )
    heads = [held_out_head(index, editor.size) for index in range(count)]
    pairs = [(head, edit) for head in heads for edit in edits_of(head, known)]
    made = [editor(head.picture, {edit.attribute: edit.value}, crop="none") for head, edit in pairs]
    sources, edits = [head.picture for head, _ in pairs], [edit for _, edit in pairs]
    found = {
        "edited": judge(made, sources, edits, classifier),
        "do nothing": judge(sources, sources, edits, classifier),
        "the truth": judge([edit.truth for edit in edits], sources, edits, classifier),
    }
    if samples:
        save_grid(samples, [[head.picture, *flips(editor, head, known)] for head in heads[:SHOWN]])
    return report(editor.name, found, skill, count, len(pairs))


def flips(editor: AttributeEditor, head: Head, known: Sequence[str]) -> list[Picture]:
    """The head with every hair colour, the other sex and the other age."""
    has = dict(zip(ATTRIBUTES, (head.identity.attributes[0] > 0.5).tolist(), strict=True))
    wanted = {name: name in ATTRIBUTES[:HAIR] or not has[name] for name in known}
    return [editor(head.picture, {name: value}, crop="none") for name, value in wanted.items()]


def judge(
    made: Sequence[Picture], sources: Sequence[Picture], edits: Sequence[Edit], classifier: AttributeClassifier
) -> Measured:
    """Compute the metrics of results."""
    mine, right = to_tensor(made), to_tensor([edit.truth for edit in edits])
    wanted, asked = (torch.stack([getattr(edit, name) for edit in edits]) for name in ("wanted", "asked"))
    as_wanted = (classifier.predict(made).attributes > 0.5) == wanted
    found = (as_wanted | ~asked).all(dim=1).float()
    kept = (as_wanted & ~asked).sum(dim=1) / (~asked).sum(dim=1)
    names = [edit.attribute for edit in edits]
    return Measured(
        found=float(found.mean()),
        kept=float(kept.mean()),
        psnr=mean_psnr(mine, right),
        ssim=float(ssim(mine, right).mean()),
        by_attribute={
            name: float(found[torch.tensor([own == name for own in names])].mean()) for name in dict.fromkeys(names)
        },
        detail=measure_detail(made, [edit.truth for edit in edits], sources),
    )


def report(name: str, found: dict[str, Measured], skill: Skill, heads: int, edits: int) -> Report:
    """Build the report: means over the edits, and targets."""
    edited, nothing = found["edited"], found["do nothing"]
    ways = ", ".join(f"{attribute} {100 * share:.0f} %" for attribute, share in edited.by_attribute.items())
    return Report(
        title="quality stargan",
        columns=("detected", "others kept", "PSNR dB", "SSIM", *COLUMNS),
        rows=tuple(
            Row(
                name=answer,
                values=(
                    f"{100 * m.found:.1f} %",
                    f"{100 * m.kept:.1f} %",
                    f"{m.psnr:.2f}",
                    f"{m.ssim:.3f}",
                    *m.detail.cells(),
                ),
            )
            for answer, m in found.items()
        ),
        notes=(
            f"Detected, by attribute: {ways}.",
            f"{edits} edits of {heads} held-out heads with hair, weights {name}: every other hair colour, the other "
            "sex and the other age. Detected: the attribute classifier detects the target attributes (for a hair "
            "colour, and neither of the other two). Others kept: mean share of the other attributes that it detects "
            f"unchanged. Accuracy of the classifier on held-out drawings: {skill}. 'The truth' is the head drawn with "
            "the attribute changed.",
            NOTE,
        ),
        bars=(
            Figure(
                measure="target attribute detected", result=100 * edited.found, target=FOUND_BAR,
                baseline=100 * nothing.found, unit=" %", digits=1,
            ).bar(),
            Figure(
                measure="other attributes kept", result=100 * edited.kept, target=KEPT_BAR,
                baseline=100 * nothing.kept, unit=" %", digits=1,
            ).bar(),
            Figure(
                measure="PSNR above the source", result=edited.psnr - nothing.psnr, target=PSNR_BAR, unit=" dB"
            ).bar(),
            *(figure.bar() for figure in detail_figures("", edited.detail, nothing.detail)),
        ),
        figures={"weights": name, "heads": heads, "edits": edits, "means": found, "classifier": skill},
    )  # fmt: skip
