"""Throw thousands of broken files at everything that takes files, and count what comes of it."""

import asyncio
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.load.server import Server, serving
from benchmarks.report import Bar, Report, Row
from benchmarks.robustness.corpus.broken import ANY, CLIP, KINDS, PICTURE, RARE, WEIGHTS
from benchmarks.robustness.corpus.lures import Bait
from benchmarks.robustness.endpoints import LIMITS, TARGET, Question, ask_all
from benchmarks.robustness.targets import ACCEPTED, CRASHED, LIBRARY, REFUSED, InputResult
from benchmarks.robustness.watch import Cellar, Trap, listening, resident
from benchmarks.robustness.workers import Task, run_all

PAGE_SHARE = 0.06
"""Of all inputs that go through the page of a running server."""
WORKERS = 2
AT_ONCE = 4
"""Visitors of the page at a time."""
MEMORY_BAR = 1.10
SLOWEST = 8
EXPIRY_SECONDS = 200.0
"""After the last input: what the page keeps for a minute is looked for once a minute."""


@dataclass(slots=True)
class Findings:
    """Everything that was seen."""

    asked: int
    results: list[InputResult] = field(default_factory=list)
    memory: dict[str, list[int]] = field(default_factory=dict)
    """Bytes of each watched process after each of its inputs."""
    alive: bool = True
    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Uploads that were not deleted in time."""
    traces: list[str] = field(default_factory=list)
    """In the server's log, each by its last line."""
    requests: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    sees_reading: bool = True
    seconds: float = 0.0


def measure_robustness(inputs: int = 10_000, *, seed: int = 0, minutes: float = 30, server: bool = True) -> Report:
    """Try so many inputs, or as many as fit into the time, and report; `server=False` leaves the page out."""
    begun = time.monotonic()
    until = begun + 60 * minutes
    pages = round(inputs * PAGE_SHARE) if server else 0
    findings = Findings(asked=inputs)
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, listening() as (address, requests):
        cellar, trap = Cellar(Path(folder)), Trap(Bait(Path(folder) / "bait", address))
        with _environment(cellar.environment):
            _functions(findings, tasks(inputs - pages, seed), trap.bait, until)
        if pages:
            with serving(Path(folder), {**cellar.environment, **LIMITS}) as running:
                own = cellar.kept()
                asyncio.run(_page(findings, running, questions(pages, seed), trap.bait, until))
                findings.alive = running.alive()
                findings.kept = cellar.kept_beyond(EXPIRY_SECONDS, own)
            findings.traces = running.traces()
        findings.left, findings.requests = cellar.left(), list(requests)
        findings.read, findings.written = trap.read(), trap.written()
        findings.sees_reading = trap.sees_reading
    findings.seconds = time.monotonic() - begun
    return report(findings, seed)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for processes that are started within the block."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def tasks(count: int, seed: int) -> list[Task]:
    """So many inputs for the functions, by their shares, in random order."""
    rng = random.Random(seed)
    shares = [target.share for target in LIBRARY.values()]
    names = rng.choices(list(LIBRARY), shares, k=count)
    return [Task(name, drawn(LIBRARY[name].kinds, rng), seed * 1_000_000 + place) for place, name in enumerate(names)]


def questions(count: int, seed: int) -> list[Question]:
    """So many inputs for the page."""
    rng = random.Random(seed + 1)
    kinds = (*PICTURE, *PICTURE, *CLIP, *ANY, *WEIGHTS)
    return [Question(drawn(kinds, rng), seed * 1_000_000 + place) for place in range(count)]


def drawn(kinds: Sequence[str], rng: random.Random) -> str:
    """A kind; those that take long are drawn a quarter as often, and now and then it is one that does not belong."""
    if rng.random() < 0.05:
        kinds = tuple(KINDS)
    return rng.choices(kinds, [0.25 if kind in RARE else 1.0 for kind in kinds])[0]


def _functions(findings: Findings, inputs: Sequence[Task], bait: Bait, until: float) -> None:
    for done in run_all(inputs, bait, workers=WORKERS, until=until):
        findings.results.append(done.result)
        if done.memory:
            findings.memory.setdefault(f"functions, process {done.worker}", []).append(done.memory)


def first_and_last(sizes: Sequence[int]) -> tuple[int, int]:
    """The usual memory after a tenth of the inputs, which is the warm-up, and at the end."""
    tenth = max(1, len(sizes) // 10)
    return round(statistics.median(sizes[tenth : 2 * tenth] or sizes)), round(statistics.median(sizes[-tenth:]))


async def _page(findings: Findings, server: Server, inputs: Sequence[Question], bait: Bait, until: float) -> None:
    async for result in ask_all(server.address, inputs, bait, at_once=AT_ONCE, until=until):
        findings.results.append(result)
        findings.memory.setdefault("server", []).append(resident(server.process.pid))


def report(findings: Findings, seed: int) -> Report:
    """The table and the bars."""
    verdicts = Counter((result.kind, result.verdict) for result in findings.results)
    columns = (ACCEPTED, REFUSED, CRASHED)
    rows = [_row(kind, [verdicts[kind, verdict] for verdict in columns]) for kind in KINDS]
    by_target = Counter((result.target, result.verdict) for result in findings.results)
    rows += [_row(f"all, {name}", [by_target[name, verdict] for verdict in columns]) for name in (*LIBRARY, TARGET)]
    crashes = [result for result in findings.results if result.verdict == CRASHED]
    slowest = sorted(findings.results, key=lambda result: -result.seconds)[:SLOWEST]
    return Report(
        title=f"robustness: {len(findings.results)} broken inputs, seed {seed}, {findings.seconds:.0f} s",
        columns=columns,
        rows=tuple(row for row in rows if any(value != "0" for value in row.values)),
        notes=(*_notes(findings), *map(_describe, crashes[:20]), *(f"Slow: {_describe(one)}" for one in slowest)),
        bars=bars(findings),
        figures={
            **{key: value for key, value in asdict(findings).items() if key not in ("results", "memory")},
            "seed": seed,
            "memory": {name: first_and_last(sizes) for name, sizes in findings.memory.items()},
            "kinds": {f"{kind}, {verdict}": count for (kind, verdict), count in sorted(verdicts.items())},
            "targets": {f"{name}, {verdict}": count for (name, verdict), count in sorted(by_target.items())},
            "crashes": [asdict(one) for one in crashes],
            "slowest": [asdict(one) for one in slowest],
        },
    )


def _row(name: str, counts: Sequence[int]) -> Row:
    return Row(name=name, values=tuple(map(str, counts)))


def _describe(result: InputResult) -> str:
    return f"{result.target}, {result.kind} {result.seed}: {result.verdict} in {result.seconds:.1f} s {result.words}"


def _notes(findings: Findings) -> Iterator[str]:
    yield (
        "Every input is made from its kind and number, and stored nowhere. Accepted: a result came. Refused: one "
        "sentence (a LabError; on the page, an alert or a status). Crashed: anything else."
    )
    for name, sizes in findings.memory.items():
        course = ", ".join(f"{size / 1e6:.0f}" for size in sizes[:: max(1, len(sizes) // 10)])
        first, last = first_and_last(sizes)
        yield f"Memory of {name}: {first / 1e6:.0f} MB after the warm-up, {last / 1e6:.0f} MB at the end ({course})."
    yield from (f"Left: {name}" for name in (*findings.left, *findings.kept, *findings.read, *findings.written)[:10])
    yield from (f"In the log {number} times: {line}" for line, number in Counter(findings.traces).most_common(10))
    if not findings.sees_reading:
        yield "This file system does not note when a file is read, so only what was written or shown could be seen."


def bars(findings: Findings) -> tuple[Bar, ...]:
    """What has to hold."""
    crashed = sum(result.verdict == CRASHED for result in findings.results)
    ends = map(first_and_last, findings.memory.values())
    worst = max((last / first for first, last in ends if first), default=1.0)
    tried = len(findings.results)
    counts = {
        "crashes, traces on the screen or errors without a sentence": crashed,
        "files left": len(findings.left),
        "uploads kept beyond their time": len(findings.kept),
        "requests to addresses in the files": len(findings.requests),
        "files read or written that the inputs name": len(findings.read) + len(findings.written),
    }
    return (
        Bar(claim=f"{findings.asked} inputs in the time that was given: {tried}", met=tried == findings.asked),
        *(Bar(claim=f"no {what}: {count}", met=count == 0) for what, count in counts.items()),
        Bar(claim="the server answers afterwards", met=findings.alive),
        Bar(claim=f"memory within {MEMORY_BAR:g} of the start: {worst:.3f}", met=worst <= MEMORY_BAR),
    )
