"""Sharpness of a starter's results: fine detail, the grid of up-sampling, and distance to drawings as distributions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from benchmarks.images import Picture, to_tensor
from benchmarks.report import Figure
from deepfake_core.metrics.detail import fine_detail, grid_peaks
from deepfake_core.metrics.distribution import kernel_distance

PERIODS = (2, 4, 8)  # pixels; up-sampling by 2 once, twice, three times
DETAIL_BAR = 0.9
GRID_BAR = 1.2  # relative to the drawings
KID_BAR = 0.15
COLUMNS = ("detail", "grid", "KID")
NOTE = (
    "Fine detail: standard deviation of the Laplacian over the pixels that the truth changes, relative to the truth's. "
    "Grid: peaks of the spectrum of the squared Laplacian's profiles at periods of 2, 4 and 8 px, relative to the "
    "drawings'. KID: on random features, not comparable with published values."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """The measures of one set of results."""

    fine: float
    grid: float
    """Peaks of the spectrum at all of `PERIODS`, relative to the drawings'."""
    peaks: Mapping[int, float]
    """The peaks themselves, by period in pixels."""
    kid: float | None
    """None for a single image."""

    def cells(self) -> tuple[str, ...]:
        """The row of a table with `COLUMNS`."""
        return f"{self.fine:.2f}", f"{self.grid:.2f}", "-" if self.kid is None else f"{self.kid:.3f}"


Pictures = Sequence[Picture] | UInt8[np.ndarray, "n s s 3"]


def measure_detail(made: Pictures, truth: Pictures, source: Pictures) -> Detail:
    """Measure results against truths, which are in the same order."""
    mine, right, given = (to_tensor(pictures) for pictures in (made, truth, source))
    peaks, drawn = (grid_peaks(images, PERIODS) for images in (mine, right))
    return Detail(
        fine=fine_detail(mine, right, given),
        grid=float(peaks.norm() / drawn.norm()),
        peaks=dict(zip(PERIODS, peaks.tolist(), strict=True)),
        kid=kernel_distance(mine, right) if len(mine) > 1 else None,
    )


def detail_figures(prefix: str, detail: Detail, nothing: Detail, bar: float = DETAIL_BAR) -> list[Figure]:
    """The targets; `nothing` is the measure of the unchanged sources."""
    figures = [
        Figure(measure=f"{prefix}fine detail", result=detail.fine, target=bar, baseline=nothing.fine),
        Figure(
            measure=f"{prefix}grid of 2, 4 or 8 px", result=detail.grid, target=GRID_BAR, baseline=nothing.grid,
            more_is_better=False,
        ),
    ]  # fmt: skip
    if detail.kid is None:
        return figures
    kid = Figure(
        measure=f"{prefix}KID", result=detail.kid, target=KID_BAR, baseline=nothing.kid, more_is_better=False, digits=3
    )
    return [*figures, kid]
