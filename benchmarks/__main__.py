"""`python -m benchmarks SUBJECT NETWORK`: measure, print a table, write JSON; exits 1 if a target is missed."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faces.measure import measure_faces
from benchmarks.first_page import measure_first_page
from benchmarks.kinds import measure_kinds
from benchmarks.load.examples import measure_examples
from benchmarks.load.measure import measure_load
from benchmarks.memory import measure_memory
from benchmarks.quality.starters import measure_all
from benchmarks.report import Report
from benchmarks.robustness.attacks.report import measure_attacks
from benchmarks.robustness.measure import measure_robustness
from benchmarks.speed.measure import MEASURES, measure_all_speeds
from benchmarks.watermark import measure_watermark
from deepfake_core import registry
from deepfake_core.errors import LabError

ALL = "all"


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure quality, speed and memory.")
    subjects = options.add_subparsers(dest="subject", required=True)
    quality = subjects.add_parser("quality", help="against the drawn truth, with baselines")
    quality.add_argument(
        "network",
        choices=(*(one.name for one in registry.METHODS if one.quality), ALL),
        help="which paper, or all starters in one table",
    )
    quality.add_argument(
        "--weights",
        metavar="NAME|FILE",
        help="default: all starters, for fomm the best on this machine; for cyclegan also a training run's folder; "
        "for all, a folder of candidates with the starters' names, which are measured with them",
    )
    quality.add_argument(
        "--count", "--heads", type=int, default=64, metavar="N", help="number of held-out scenes (default: 64)"
    )
    quality.add_argument("--samples", "--sheet", type=Path, metavar="FILE.png", help="also write a sample grid")
    quality.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    speed = subjects.add_parser("speed", help="the pipelines against the papers' plain demos, at full size, on the CPU")
    speed.add_argument("--rounds", type=int, default=5, metavar="N", help="alternated rounds (default: 5)")
    memory = subjects.add_parser("memory", help="peak memory of a long clip against a short one")
    watermark = subjects.add_parser("watermark", aliases=["mark"], help="visibility, speed and robustness")
    watermark.add_argument("--count", type=int, default=40, metavar="N", help="images per size (default: 40)")
    speed.add_argument("network", choices=(*MEASURES, ALL), help="which paper, or all")
    memory.add_argument("network", choices=("fomm",), help="which paper")
    robustness = subjects.add_parser("robustness", help="broken and hostile files against every parser and the page")
    robustness.add_argument("--inputs", type=int, default=10_000, metavar="N", help="number of inputs (default: 10000)")
    robustness.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the inputs (default: 0)")
    robustness.add_argument("--minutes", type=float, default=30, metavar="LIMIT", help="time limit (default: 30)")
    robustness.add_argument("--no-server", action="store_true", help="without the page")
    robustness.add_argument(
        "--attacks", nargs="*", metavar="NAME", help="attack a running server instead: with these attacks, or all"
    )
    robustness.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table of attacks as Markdown")
    load = subjects.add_parser("load", help="many visitors at the page")
    load.add_argument("--visitors", type=int, default=50, metavar="N", help="number of visitors (default: 50)")
    load.add_argument("--seconds", type=float, default=120, metavar="S", help="duration (default: 120)")
    page = subjects.add_parser("page", help="what a first visit to the page costs, in Chromium")
    page.add_argument("--rounds", type=int, default=3, metavar="N", help="number of visits (default: 3)")
    load.add_argument("--examples", action="store_true", help="instead: all press Animate on the example at once")
    faces = subjects.add_parser("faces", help="the face detector, on photographs")
    kinds = subjects.add_parser("kinds", help="whether drawings and photographs are told apart")
    for subject in (faces, kinds):
        subject.add_argument(
            "folder", type=Path, metavar="PORTRAITS_FOLDER", help="upright portraits of one person each"
        )
        subject.add_argument("--count", type=int, metavar="N", help="number of portraits (default: all)")
    for subject in (quality, speed, memory, watermark, robustness, load, page, faces, kinds):
        subject.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; return 0 if all targets are met, 1 if one is missed, 2 after one line on a bad request."""
    options = parser().parse_args(arguments)
    try:
        report = measured(options)
    except LabError as error:
        print(f"python -m benchmarks: {error}", file=sys.stderr)
        return 2
    print(report.text())
    if options.json:
        report.write(options.json)
    return 0 if report.passed else 1


def measured(options: argparse.Namespace) -> Report:
    """Run the requested benchmark."""
    if options.subject == "quality":
        reference = None if options.network == ALL else registry.method(options.network).quality
        measure = registry.resolve(reference) if reference else measure_all
        return measure(options.weights, count=options.count, samples=options.samples, device=options.device)
    if options.subject == "speed":
        measure_one = MEASURES.get(options.network)
        return measure_one(rounds=options.rounds) if measure_one else measure_all_speeds(options.rounds)
    if options.subject in ("watermark", "mark"):
        return measure_watermark(options.count)
    if options.subject == "faces":
        return measure_faces(options.folder, options.count)
    if options.subject == "page":
        return measure_first_page(options.rounds)
    if options.subject == "kinds":
        return measure_kinds(options.folder, options.count)
    if options.subject == "load" and options.examples:
        return measure_examples(options.visitors)
    if options.subject == "load":
        return measure_load(options.visitors, options.seconds)
    if options.subject == "robustness" and options.attacks is not None:
        return measure_attacks(options.attacks, options.markdown)
    if options.subject == "robustness":
        return measure_robustness(
            options.inputs, seed=options.seed, minutes=options.minutes, server=not options.no_server
        )
    return measure_memory()


if __name__ == "__main__":
    sys.exit(main())
