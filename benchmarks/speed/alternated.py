"""Two or more ways to the same pictures, alternated in one process, because machines are never quiet for long."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from benchmarks.report import Bar, Report, Row
from deepfake_core.media.images import Image

PLAIN, OURS, HALF = "plain, float32", "the pipeline, float32", "the pipeline, bfloat16"
MATRIX, MATRIX_ROUNDS = 1024, 8
Way = Callable[[], Sequence[Image]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a way has to reach."""

    ratio: float | None = None
    """Times as fast as `PLAIN`."""
    levels: int | None = None
    """Largest difference to `PLAIN` in grey levels; None: decibels are stated only."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A way in all rounds."""

    seconds: tuple[float, ...]
    """Per picture."""
    levels: int
    """Largest difference to `PLAIN`, of 255."""
    decibels: float
    """PSNR to `PLAIN`; infinite if equal."""

    def ratio(self, plain: "Timed") -> float:
        """Times as fast as another, by the medians."""
        return median(plain.seconds) / median(self.seconds)


def alternate(ways: Mapping[str, Way], rounds: int) -> dict[str, Timed]:
    """Run all ways once to warm up and to compare, then `rounds` times in turn."""
    made_first = {name: np.stack(list(way())).astype(np.float64) for name, way in ways.items()}
    plain = next(iter(made_first.values()))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            made = way()
            seconds[name].append((time.perf_counter() - began) / len(made))
    return {name: Timed(tuple(seconds[name]), *distance(pictures, plain)) for name, pictures in made_first.items()}


def distance(pictures: np.ndarray, others: np.ndarray) -> tuple[int, float]:
    """Largest difference in levels, and PSNR in decibels."""
    error = float(np.square(pictures - others).mean())
    return int(np.abs(pictures - others).max()), 10 * float(np.log10(255**2 / error)) if error else float("inf")


def matrix_ceiling() -> float:
    """GFLOP/s of a float32 matrix product: what this machine gives at most, in this moment."""
    matrix = torch.rand(MATRIX, MATRIX)
    best = float("inf")
    for _ in range(MATRIX_ROUNDS):
        began = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return 2 * MATRIX**3 / best / 1e9


def report(name: str, timed: Mapping[str, Timed], bars: Mapping[str, Wanted], notes: Sequence[str] = ()) -> Report:
    """The table: seconds a picture, ratio to the first way and its spread, distance to its pictures."""
    plain = next(iter(timed.values()))
    rows, claims = [], []
    for way, one in timed.items():
        singles = [mine / its for mine, its in zip(plain.seconds, one.seconds, strict=True)]
        spread = f"[{min(singles):.2f}, {max(singles):.2f}]"
        close = "-" if one is plain else f"{one.levels} of 255, {one.decibels:.0f} dB"
        rows.append(Row(name=way, values=(f"{median(one.seconds):.3f}", f"{one.ratio(plain):.2f}", spread, close)))
        wanted = bars.get(way, Wanted())
        if wanted.ratio is not None:
            claims.append(Bar(claim=f"{way}: at least {wanted.ratio:g} times", met=one.ratio(plain) >= wanted.ratio))
        if wanted.levels is not None:
            claims.append(Bar(claim=f"{way}: within {wanted.levels} of 255", met=one.levels <= wanted.levels))
    ceiling = matrix_ceiling()
    machine = f"{torch.get_num_threads()} threads; a matrix product reaches {ceiling:.0f} GFLOP/s here."
    return Report(
        title=f"speed {name}",
        columns=("s/picture", "ratio", "of single rounds", "distance to the first"),
        rows=tuple(rows),
        notes=(*notes, f"{len(plain.seconds)} rounds, {machine}"),
        bars=tuple(claims),
        figures={
            "seconds": {way: one.seconds for way, one in timed.items()},
            "ratios": {way: one.ratio(plain) for way, one in timed.items()},
            "levels": {way: one.levels for way, one in timed.items()},
            "matrix_gflops": ceiling,
        },
    )


def joined(reports: Sequence[Report]) -> Report:
    """One report of several methods."""
    named = [(one.title.removeprefix("speed "), one) for one in reports]
    return Report(
        title="speed of all methods",
        columns=reports[0].columns,
        rows=tuple(Row(name=f"{name}: {row.name}", values=row.values) for name, one in named for row in one.rows),
        notes=tuple(f"{name}: {note}" for name, one in named for note in one.notes),
        bars=tuple(Bar(claim=f"{name}, {bar.claim}", met=bar.met) for name, one in named for bar in one.bars),
        figures={name: one.figures for name, one in named},
    )
