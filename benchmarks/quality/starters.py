"""All starters in one table, with candidate weights next to them, if there are any.

Both are measured in the same run on the same held-out drawings. A candidate is rejected if it misses a target that the
current weights meet, or if more of its measures are worse than better.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality import cyclegan, fomm, stargan, starganv2
from benchmarks.report import Bar, Figure, Report, Row
from deepfake_core import CycleTranslator
from deepfake_core.errors import BadRequest, MissingFile

Measure = Callable[..., Report]


@dataclass(frozen=True, kw_only=True, slots=True)
class Starter:
    """Starters that are measured together: those of one recipe, or of one of its worlds."""

    name: str
    files: tuple[str, ...]
    """Names of the weights in the manifest, which are also the file names of candidates."""
    measure: Measure
    """(names or files, count, device) -> the report."""


def one(measure: Measure) -> Measure:
    """Adapt a measure of one file."""
    return lambda weights, count, device: measure(str(weights[0]), count=count, device=device)


def both_ways(weights: Sequence[str | Path], count: int, device: str) -> Report:
    """Measure two directions, each the inverse of the other."""
    there, back = weights
    pairs = ((there, back), (back, there))
    return cyclegan.compare([CycleTranslator.from_pretrained(way, device, back=other) for way, other in pairs], count)


STARTERS = (
    Starter(name="fomm", files=("fomm-starter",), measure=one(fomm.measure_quality)),
    Starter(name="cyclegan", files=cyclegan.STARTERS, measure=both_ways),
    Starter(name="stargan", files=("stargan-starter",), measure=one(stargan.measure_quality)),
    *(
        Starter(name=f"starganv2 {name.rpartition('-')[2]}", files=(name,), measure=one(starganv2.measure_quality))
        for name in starganv2.STARTERS
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """The figures of one starter and of its candidate, if there is one."""

    name: str
    figures: tuple[Figure, ...]
    candidates: tuple[Figure, ...]

    @property
    def accepted(self) -> bool:
        """Whether the candidate should replace the current weights."""
        pairs = list(zip(self.figures, self.candidates, strict=True))
        better, worse = (sum(a.better_than(b) for a, b in way) for way in ([p[::-1] for p in pairs], pairs))
        return better > worse and all(new.met or not old.met for old, new in pairs)


def measure_all(
    weights: str | None = None, *, count: int = 64, samples: Path | None = None, device: str = "auto"
) -> Report:
    """Measure all starters, and the files in the folder `weights` that have the name of a starter."""
    if samples:
        raise BadRequest(
            "'quality all' draws no sample grid; use 'python -m benchmarks.cards FOLDER' for one of each starter"
        )
    folder = Path(weights) if weights else None
    if folder and not any(complete(starter, folder) for starter in STARTERS):
        names = ", ".join(name for starter in STARTERS for name in starter.files)
        raise MissingFile(f"no candidates in {folder}; name them NAME.safetensors, with NAME one of: {names}")
    return report([compared(starter, folder, count, device) for starter in STARTERS], count)


def complete(starter: Starter, folder: Path | None) -> list[Path]:
    """The files of a candidate if all of them exist, otherwise none."""
    files = [folder / f"{name}.safetensors" for name in starter.files] if folder else []
    return files if all(file.is_file() for file in files) else []


def compared(starter: Starter, folder: Path | None, count: int, device: str) -> Compared:
    """Measure one starter, and its candidate if it is complete."""
    files = complete(starter, folder)
    return Compared(
        name=starter.name,
        figures=figures_of(starter.measure(starter.files, count, device)),
        candidates=figures_of(starter.measure(files, count, device)) if files else (),
    )


def figures_of(report: Report) -> tuple[Figure, ...]:
    """The figures of a report's targets."""
    return tuple(bar.figure for bar in report.bars if bar.figure is not None)


def report(starters: Sequence[Compared], count: int) -> Report:
    """Build the report: one row per measure."""
    pairs = any(starter.candidates for starter in starters)
    rows, bars = [], []
    for starter in starters:
        for place, figure in enumerate(starter.figures):
            new = starter.candidates[place] if starter.candidates else None
            counts = new or figure
            bar = counts.bar()
            bars.append(Bar(claim=f"{starter.name}: {bar.claim}", met=bar.met, figure=counts))
            cells = [figure.formatted(figure.baseline), figure.formatted(figure.result)]
            cells += [new.formatted(new.result) if new else "-"] if pairs else []
            sign = ">=" if figure.more_is_better else "<="
            cells += [f"{sign} {figure.formatted(figure.target)}", "met" if counts.met else "MISSED"]
            rows.append(Row(name=f"{starter.name}: {figure.measure}", values=tuple(cells)))
    verdicts = tuple(
        f"{starter.name}: candidate {'accepted' if starter.accepted else 'REJECTED'}"
        for starter in starters
        if starter.candidates
    )
    return Report(
        title="quality all",
        columns=("baseline", "current", *(("candidate",) if pairs else ()), "target", ""),
        rows=tuple(rows),
        notes=(
            f"Means over {count} held-out drawings or clips each, whose seeds are not used in training. Baseline: the "
            "unchanged source; for the pose, a copy of the reference.",
            *verdicts,
        ),
        bars=tuple(bars),
        figures={"count": count, "starters": {starter.name: starter for starter in starters}},
    )
