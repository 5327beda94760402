"""`python -m benchmarks SUBJECT NETWORK`: measure, print a table, write JSON; exits 1 when a bar is missed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.load import measure_load
from benchmarks.mark import measure_mark
from benchmarks.memory import measure_memory
from benchmarks.quality.every import measure_all
from benchmarks.report import Report
from benchmarks.robustness.attacks.report import measure_attacks
from benchmarks.robustness.measure import measure_robustness
from benchmarks.speed import measure_speed
from deepfake_core import registry
from deepfake_core.errors import LabError

ALL = "all"


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure quality, speed and memory.")
    subjects = options.add_subparsers(dest="subject", required=True)
    quality = subjects.add_parser("quality", help="against the drawn truth, beside doing nothing and copying")
    quality.add_argument(
        "network",
        choices=(*(one.name for one in registry.METHODS if one.quality), ALL),
        help="which paper, or all starters in one table",
    )
    quality.add_argument(
        "--weights",
        metavar="NAME|FILE",
        help="default: all starters, for fomm the best on this machine; for cyclegan also a training run's folder; "
        "for all a folder of files with the starters' names, which are measured beside them",
    )
    quality.add_argument(
        "--count", "--heads", type=int, default=64, metavar="N", help="how many held-out scenes (default: 64)"
    )
    quality.add_argument("--sheet", type=Path, metavar="FILE.png", help="also draw what came out")
    quality.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    speed = subjects.add_parser("speed", help="the pipeline beside the plain loop, at full size, on the CPU")
    speed.add_argument("--rounds", type=int, default=5, metavar="N", help="alternated rounds (default: 5)")
    memory = subjects.add_parser("memory", help="peak memory of a long clip beside a short one")
    mark = subjects.add_parser("mark", help="the invisible mark: how faint, how fast, what it survives")
    mark.add_argument("--count", type=int, default=40, metavar="N", help="pictures of every size (default: 40)")
    for subject in (speed, memory):
        subject.add_argument("network", choices=("fomm",), help="which paper")
    robustness = subjects.add_parser("robustness", help="broken and hostile files at every reader and at the page")
    robustness.add_argument("--inputs", type=int, default=10_000, metavar="N", help="how many (default: 10000)")
    robustness.add_argument("--seed", type=int, default=0, metavar="N", help="of the inputs (default: 0)")
    robustness.add_argument("--minutes", type=float, default=30, metavar="LIMIT", help="stop then (default: 30)")
    robustness.add_argument("--no-server", action="store_true", help="leave the page out")
    robustness.add_argument(
        "--attacks", nargs="*", metavar="NAME", help="attack a running server instead, in the ways named, or in all"
    )
    robustness.add_argument("--markdown", type=Path, metavar="FILE", help="of the attacks: write the table there")
    load = subjects.add_parser("load", help="a crowd of visitors at the page")
    load.add_argument("--visitors", type=int, default=50, metavar="N", help="how many (default: 50)")
    load.add_argument("--seconds", type=float, default=120, metavar="S", help="how long they stay (default: 120)")
    for subject in (quality, speed, memory, mark, robustness, load):
        subject.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 0 when all bars are met, 1 when one is missed, 2 after one line on a bad request."""
    asked = parser().parse_args(arguments)
    try:
        report = measured(asked)
    except LabError as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return 2
    print(report.text())
    if asked.json:
        report.write(asked.json)
    return 0 if report.passed else 1


def measured(asked: argparse.Namespace) -> Report:
    """The report that was asked for."""
    if asked.subject == "quality":
        reference = None if asked.network == ALL else registry.method(asked.network).quality
        measure = registry.resolve(reference) if reference else measure_all
        return measure(asked.weights, count=asked.count, sheet=asked.sheet, device=asked.device)
    if asked.subject == "speed":
        return measure_speed(rounds=asked.rounds)
    if asked.subject == "mark":
        return measure_mark(asked.count)
    if asked.subject == "load":
        return measure_load(asked.visitors, asked.seconds)
    if asked.subject == "robustness" and asked.attacks is not None:
        return measure_attacks(asked.attacks, asked.markdown)
    if asked.subject == "robustness":
        return measure_robustness(asked.inputs, seed=asked.seed, minutes=asked.minutes, server=not asked.no_server)
    return measure_memory()


if __name__ == "__main__":
    sys.exit(main())
