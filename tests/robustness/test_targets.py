"""A small seeded sample of the corpus at every reader: a result or one sentence, nothing left, nobody asked."""

from pathlib import Path

import pytest

from benchmarks.robustness.corpus.broken import KINDS, broken
from benchmarks.robustness.corpus.lures import Bait
from benchmarks.robustness.targets import ACCEPTED, CRASHED, LIBRARY, REFUSED, is_sentence, judge
from benchmarks.robustness.watch import Trap, files, listening
from deepfake_core.errors import BadRequest

SEEDS = {"read_image": 2, "read_frames": 2, "verify": 1, "weights import": 3, "weights load": 6}
"""How many files of each kind: as many as a test has time for."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "home"


@pytest.mark.parametrize("target", SEEDS)
def test_every_kind_of_broken_file_is_taken_or_refused_in_a_sentence(target: str, tmp_path: Path, home: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    with listening() as (address, asked):
        trap = Trap(Bait(tmp_path / "bait", address))
        for kind in LIBRARY[target].kinds:
            for seed in range(SEEDS[target]):
                result = judge(target, broken(kind, seed, trap.bait), seed, work)
                assert result.verdict != CRASHED, result
        assert (trap.read(), trap.written(), asked) == ([], [], [])
    assert files(home) == files(tmp_path / "temporary") == files(work) == []


def test_code_in_a_pickle_never_runs(tmp_path: Path) -> None:
    trap = Trap(Bait(tmp_path / "bait", "http://127.0.0.1:9"))
    (tmp_path / "work").mkdir()
    for seed in range(40):
        file = broken("pickle with code", seed, trap.bait)
        for target in ("weights import", "weights load"):
            assert judge(target, file, seed, tmp_path / "work").verdict == REFUSED
    assert trap.written() == []


def test_a_crash_is_told_from_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(path: Path, seed: int) -> None:
        if seed == 1:
            raise BadRequest("one sentence; the next step")
        if seed == 2:
            raise BadRequest('two lines\n  File "x.py", line 1')
        if seed == 3:
            raise ValueError("a bug")
        path.with_name("left").touch()

    target = type(LIBRARY["read_image"])(take, 1.0, tuple(KINDS))
    monkeypatch.setattr("benchmarks.robustness.targets.LIBRARY", {"it": target})
    work = tmp_path / "work"
    work.mkdir()
    verdicts = [judge("it", broken("noise", 0), seed, work).verdict for seed in range(4)]
    assert verdicts == [ACCEPTED, REFUSED, CRASHED, CRASHED]
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("words", ["", "  ", "a\nb", "Traceback (most recent call last)", 'File "a.py"', "a" * 10_000])
def test_what_is_no_sentence(words: str) -> None:
    assert not is_sentence(words)
