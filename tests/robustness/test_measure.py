"""The benchmark itself: it counts what is bad, and a run of a few inputs ends well."""

import random
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load.visitor import Answer, Page
from benchmarks.robustness.corpus.broken import KINDS
from benchmarks.robustness.corpus.lures import Bait
from benchmarks.robustness.endpoints import judged
from benchmarks.robustness.measure import Findings, bars, drawn, first_and_last, measure_robustness, tasks
from benchmarks.robustness.targets import ACCEPTED, CRASHED, LIBRARY, REFUSED, InputResult
from benchmarks.robustness.watch import SECRET, Cellar, Trap, listening
from benchmarks.robustness.workers import Task, run_all


def result(verdict: str) -> InputResult:
    return InputResult(target="read_image", kind="noise", seed=0, verdict=verdict)


def test_a_run_of_a_few_inputs_without_the_page_ends_well() -> None:
    report = measure_robustness(24, seed=5, minutes=3, server=False)
    assert report.passed, report.text()
    assert sum(report.figures["targets"].values()) == 24  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [
        {"results": [result(CRASHED)]},
        {"asked": 2},
        {"alive": False},
        {"left": ["a"]},
        {"kept": ["a"]},
        {"requests": ["/key"]},
        {"read": ["canary.mp4"]},
        {"written": ["touched"]},
        {"memory": {"server": [100] * 20 + [120] * 20}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_harm_alone_misses_a_bar(change) -> None:
    sound: dict[str, Any] = {"asked": 1, "results": [result(REFUSED)], "memory": {"server": [100] * 40}}
    assert all(bar.met for bar in bars(Findings(**sound)))
    assert sum(not bar.met for bar in bars(Findings(**{**sound, **change}))) == 1


def test_tasks_follow_their_shares_and_reach_every_kind() -> None:
    made = tasks(4000, seed=1)
    for name, target in LIBRARY.items():
        assert sum(task.target == name for task in made) / 4000 == pytest.approx(target.share, abs=0.03)
    assert {task.kind for task in made} == set(KINDS)
    assert len({(task.kind, task.seed) for task in made}) == 4000
    assert made == tasks(4000, seed=1) != tasks(4000, seed=2)


def test_memory_is_compared_after_the_warm_up() -> None:
    assert first_and_last([1] * 10 + [50] * 80 + [60] * 10) == (50, 60)
    assert first_and_last([7]) == (7, 7)


def test_a_process_that_dies_is_noticed_and_replaced(tmp_path: Path) -> None:
    """The functions run in fresh processes, so the death is real: a kind that nobody knows ends it."""
    inputs = [Task("read_image", "noise", 1), Task("read_image", "no such kind", 2), Task("read_image", "noise", 3)]
    done = list(run_all(inputs, Bait(tmp_path, ""), workers=1, until=time.monotonic() + 120))
    assert [one.result.verdict == CRASHED for one in done] == [False, True, False]
    assert "died" in done[1].result.words


@pytest.mark.parametrize(
    ("answer", "odd", "verdict"),
    [
        (Answer(texts=["{}"]), False, ACCEPTED),
        (Answer(texts=['<p role=\\"alert\\"><strong>That did not work:</strong> x is empty.</p>']), False, REFUSED),
        (Answer(texts=['{"detail":"files come by upload"}'], status=400), True, REFUSED),
        (Answer(texts=["Internal Server Error"], status=500, succeeded=False), False, CRASHED),
        (Answer(texts=["Traceback (most"], status=500, succeeded=False), True, CRASHED),
        (Answer(texts=['{"error":null}'], succeeded=False), False, CRASHED),
        (Answer(texts=['{"error":null}'], succeeded=False), True, REFUSED),
        (Answer(texts=["Traceback (most recent call last)"]), False, CRASHED),
        (Answer(texts=['File \\"/a.py\\", line 1']), False, CRASHED),
        (Answer(texts=[f"<p>{SECRET}</p>"]), False, CRASHED),
        (Answer(texts=["Something went wrong here; the log has the details."]), False, CRASHED),
        (Answer(lost="the stream ended early"), False, CRASHED),
    ],
)
def test_what_the_page_sent_is_judged(answer: Answer, odd: bool, verdict: str) -> None:
    assert judged(answer, odd)[0] == verdict


def test_whoever_bites_is_seen(tmp_path: Path) -> None:
    with listening() as (address, asked):
        trap = Trap(Bait(tmp_path / "bait", address))
        assert (trap.read(), trap.written()) == ([], [])
        if trap.sees_reading:
            trap.bait.clip.read_bytes()
            assert trap.read() == ["canary.mp4"]
        trap.bait.touched.touch()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{address}/key", timeout=10)
        assert (trap.written(), asked) == (["touched"], ["/key"])


def test_what_is_left_is_told_from_what_is_kept(tmp_path: Path) -> None:
    cellar = Cellar(tmp_path)
    (cellar.temporary / "server" / "gradio").mkdir(parents=True)
    upload, left = cellar.temporary / "server" / "gradio" / "a.png", cellar.temporary / "b.part"
    upload.touch()
    left.touch()
    assert (cellar.left(), cellar.kept()) == (["b.part"], {upload})
    assert cellar.kept_beyond(0, set()) == ["server/gradio/a.png"] and cellar.kept_beyond(9, {upload}) == []


def test_a_page_is_read_as_its_script_reads_it() -> None:
    common: dict[str, Any] = {"queue": None, "backend_fn": True, "outputs": []}
    page = Page(
        {
            "components": [
                {"id": 1, "type": "button", "props": {"elem_id": "start"}},
                {"id": 2, "type": "image", "props": {"value": "a.png"}},
                {"id": 3, "type": "radio", "props": {"value": "auto"}},
                {"id": 4, "type": "state", "props": {}},
            ],
            "dependencies": [
                {"id": 0, "targets": [[1, "click"]], "inputs": [], **common, "queue": False},
                {"id": 1, "targets": [], "inputs": [], "trigger_after": 0, "trigger_only_on_failure": True, **common},
                {"id": 2, "targets": [], "inputs": [2, 3], "trigger_after": 0, **common, "outputs": [4]},
                {"id": 3, "targets": [], "inputs": [], "trigger_after": 2, **common},
                {"id": 4, "targets": [[4, "change"]], "inputs": [2, 3], **common},
            ],
        }
    )
    begin = page.of("start", "click")
    assert begin is not None and not begin.queued
    assert [event.number for event in page.chain(begin)] == [0, 2, 4]
    assert page.values(page.events[2], {2: "b.png"}) == ["b.png", "auto"]


def test_kinds_are_drawn_from_those_that_fit() -> None:
    rng = random.Random(0)
    kinds = [drawn(("noise", "picture bomb"), rng) for _ in range(1000)]
    assert kinds.count("noise") > 3 * kinds.count("picture bomb") > 0
    assert len(set(kinds)) > 2


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (500, '{"error": "tick the consent box at the top of the page."}', REFUSED),
        (500, '{"error": null}', CRASHED),
        (500, "Internal Server Error", CRASHED),
        (422, '{"detail": "the file is not an upload"}', REFUSED),
        (502, '{"detail": "the file is not an upload"}', CRASHED),
    ],
)
def test_a_failure_with_a_sentence_outside_the_queue_is_a_refusal(status: int, body: str, verdict: str) -> None:
    assert judged(Answer(texts=[body], status=status), odd=False)[0] == verdict
