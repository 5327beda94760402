"""The table of attacks, for the eye, for JSON and for SECURITY.md."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.report import Bar, Report, Row
from benchmarks.robustness.attacks.campaign import MEMORY_BAR, WAIT_BAR, Trial, figures, trials
from benchmarks.robustness.attacks.catalogue import ATTACKS
from benchmarks.robustness.attacks.record import Attack
from deepfake_core.errors import BadRequest

COLUMNS = ("item", "harm tried", "result", "memory over rest", "other visitor's time")


def measure_attacks(names: Sequence[str] = (), markdown: Path | None = None) -> Report:
    """Attack in the ways of these names, or in all; raises `BadRequest` for an unknown name."""
    done = list[Trial]()
    for trial in trials(chosen(names)):
        done.append(trial)
        print("  ".join((trial.attack.name, *cells(trial))), file=sys.stderr, flush=True)  # it takes minutes
    order = [attack.name for attack in ATTACKS]
    done.sort(key=lambda trial: order.index(trial.attack.name))
    if markdown:
        markdown.write_text(as_markdown(done), encoding="utf-8")
    return report(done)


def chosen(names: Sequence[str]) -> list[Attack]:
    """The attacks of these names, items or families' first words."""
    known = {attack.name for attack in ATTACKS} | {attack.item for attack in ATTACKS}
    if unknown := sorted(set(names) - known):
        raise BadRequest(f"unknown attack {unknown[0]!r}; choose from {', '.join(attack.name for attack in ATTACKS)}")
    return [attack for attack in ATTACKS if not names or attack.name in names or attack.item in names]


def cells(trial: Trial) -> tuple[str, ...]:
    """A row of the table, but for the name."""
    harms = trial.harms()
    result = f"HARMED: {'; '.join(harms)}" if harms else f"failed: {trial.result.detail}"
    wait = "-" if trial.wait is None else f"{trial.wait:.1f} x"
    return trial.attack.item, trial.attack.harm, result, f"{trial.memory / 1e6:.0f} MB", wait


def report(done: Sequence[Trial]) -> Report:
    """The table and one bar an attack."""
    return Report(
        title=f"attacks: {len(done)} on a running server, {sum(one.seconds for one in done):.0f} s",
        columns=COLUMNS,
        rows=tuple(Row(name=one.attack.name, values=cells(one)) for one in done),
        notes=(
            f"Failed: no harm was seen, memory stayed within {MEMORY_BAR / 1e6:.0f} MB of the highest value without an "
            f"attack, another visitor's run was answered within {WAIT_BAR:g} times its quiet time (median), and the "
            "server answered afterwards.",
        ),
        bars=tuple(Bar(claim=f"{one.attack.name} fails", met=not one.harms()) for one in done),
        figures={"attacks": [figures(one) for one in done]},
    )


def as_markdown(done: Iterable[Trial]) -> str:
    """The table for SECURITY.md."""
    head = ("Attack", "Item", "Harm tried", "Result", "Memory over rest", "Other visitor's time")
    rows = [head, ("---",) * len(head), *((one.attack.name, *cells(one)) for one in done)]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |\n" for row in rows)
