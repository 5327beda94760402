"""`python -m benchmarks SUBJECT fomm`: measure, print a small table, and write JSON; exits 1 when the bar is missed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.memory import measure_memory
from benchmarks.quality import measure_quality
from benchmarks.report import Report
from benchmarks.speed import measure_speed
from deepfake_core.errors import LabError


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure quality, speed and memory.")
    subjects = options.add_subparsers(dest="subject", required=True)
    quality = subjects.add_parser("quality", help="against the drawn truth, beside two baselines")
    quality.add_argument("--weights", metavar="NAME|FILE", help="default: the best on this machine")
    quality.add_argument("--heads", type=int, default=32, metavar="N", help="how many held-out heads (default: 32)")
    quality.add_argument("--sheet", type=Path, metavar="FILE.png", help="also draw what came out")
    quality.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    speed = subjects.add_parser("speed", help="the pipeline beside the plain loop, at full size, on the CPU")
    speed.add_argument("--rounds", type=int, default=5, metavar="N", help="alternated rounds (default: 5)")
    memory = subjects.add_parser("memory", help="peak memory of a long clip beside a short one")
    for subject in (quality, speed, memory):
        subject.add_argument("network", choices=("fomm",), help="which paper")
        subject.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 0 when the bar is met, 1 when it is missed, 2 after one line on a bad request."""
    asked = parser().parse_args(arguments)
    try:
        report = measure(asked)
    except LabError as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return 2
    print(report.text())
    if asked.json:
        report.write(asked.json)
    return 0 if report.passed else 1


def measure(asked: argparse.Namespace) -> Report:
    """The report that was asked for."""
    if asked.subject == "quality":
        return measure_quality(asked.weights, heads=asked.heads, sheet=asked.sheet, device=asked.device)
    if asked.subject == "speed":
        return measure_speed(rounds=asked.rounds)
    return measure_memory()


if __name__ == "__main__":
    sys.exit(main())
