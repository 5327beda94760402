"""Every method's speed, by name."""

from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.report import Report
from benchmarks.speed import fomm, translators
from benchmarks.speed.alternated import joined

MEASURES: Mapping[str, Callable[..., Report]] = {
    "fomm": fomm.measure_speed,
    **{name: partial(translators.measure_speed, name) for name in translators.CASES},
}


def measure_all_speeds(rounds: int) -> Report:
    """One table of all methods."""
    return joined([measure(rounds=rounds) for measure in MEASURES.values()])
