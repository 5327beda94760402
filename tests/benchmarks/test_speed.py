"""Ways to the same pictures, alternated; full sizes are for `python -m benchmarks speed`."""

import time
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.memory import narrow_config
from benchmarks.report import Report
from benchmarks.speed import fomm
from benchmarks.speed.alternated import HALF, OURS, PLAIN, Timed, Wanted, alternate, joined, report
from benchmarks.speed.translators import measure_speed, of_cyclegan, of_stargan, of_starganv2
from deepfake_core.networks.cyclegan import CycleGanConfig
from deepfake_core.networks.stargan import StarGanConfig
from deepfake_core.networks.starganv2 import StarGanV2Config

SMALL_STYLES = StarGanV2Config(size=64, base=8, widest=16, mapping_hidden=16, high_pass=0.0)


def pictures(level: int) -> list[np.ndarray]:
    return [np.full((2, 2, 3), level, np.uint8)] * 2


def test_the_ratio_is_that_of_the_medians_and_pictures_are_compared_with_the_first() -> None:
    def slow() -> list[np.ndarray]:
        time.sleep(0.06)
        return pictures(100)

    def fast() -> list[np.ndarray]:
        time.sleep(0.02)
        return pictures(103)

    timed = alternate({PLAIN: slow, OURS: fast}, rounds=3)
    assert 2 < timed[OURS].ratio(timed[PLAIN]) < 4 and timed[OURS].levels == 3
    assert timed[OURS].decibels == pytest.approx(20 * np.log10(255 / 3)) and timed[PLAIN].decibels == np.inf
    found = report("toys", timed, {OURS: Wanted(2, 1)})
    assert [bar.met for bar in found.bars] == [True, False]


def test_reports_are_joined_by_name() -> None:
    timed = {PLAIN: Timed((1.0,), 0, np.inf), OURS: Timed((0.5,), 0, np.inf)}
    both = joined([report(name, timed, {OURS: Wanted(3)}) for name in ("one", "two")])
    assert [row.name for row in both.rows][1] == f"one: {OURS}" and not both.passed
    assert [bar.claim for bar in both.bars] == [f"{name}, {OURS}: at least 3 times" for name in ("one", "two")]


def levels(measured: Report, way: str) -> int:
    found = measured.figures["levels"]
    assert isinstance(found, dict)
    return int(found[way])


def test_the_animator_draws_what_the_plain_loop_draws() -> None:
    measured = fomm.measure_speed(narrow_config(64), rounds=1, frames=3)
    assert levels(measured, OURS) <= 1


@pytest.mark.parametrize("name", ["cyclegan", "stargan", "starganv2"])
def test_translators_draw_what_the_plain_demos_draw(name: str) -> None:
    cases = {
        "cyclegan": lambda: of_cyclegan(0, CycleGanConfig(size=64, base=8, blocks=1)),
        "stargan": lambda: of_stargan(0, replace(StarGanConfig(), size=64, base=8, blocks=1)),
        "starganv2": lambda: of_starganv2(0, SMALL_STYLES),
    }
    measured = measure_speed(name, rounds=1, case=cases[name]())
    assert levels(measured, OURS) <= 1 and levels(measured, HALF) > 0
