"""What the attacks are judged by: each harm alone counts, and memory and disk are seen wherever they are used."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load.server import Server
from benchmarks.load.visitor import Page
from benchmarks.robustness.attacks.campaign import Trial
from benchmarks.robustness.attacks.catalogue import ATTACKS
from benchmarks.robustness.attacks.commands import command
from benchmarks.robustness.attacks.monitor import Monitor, disk_of, memory_of
from benchmarks.robustness.attacks.record import AttackResult, Target
from benchmarks.robustness.attacks.report import as_markdown, chosen, report
from benchmarks.robustness.watch import Cellar
from deepfake_core.errors import BadRequest

SOUND = Trial(
    attack=ATTACKS[0],
    result=AttackResult(False, "refused"),
    memory=10_000_000,
    disk=0,
    wait=1.5,
    errors=(),
    well=True,
    seconds=1.0,
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"result": AttackResult(True, "the secret was read")}, "the secret was read"),
        ({"memory": 301_000_000}, "301 MB over rest"),
        ({"disk": 301_000_000}, "301 MB on disk"),
        ({"wait": 2.1}, "2.1 times as long"),
        ({"errors": ("503",)}, "got nothing (503)"),
        ({"well": False}, "does not answer afterwards"),
    ],
)
def test_each_harm_alone_counts(change, words):
    assert SOUND.harms() == () and report([SOUND]).passed
    harmed = replace(SOUND, **change)
    (told,) = harmed.harms()
    assert words in told and not report([harmed]).passed
    assert f"HARMED: {told}" in as_markdown([SOUND, harmed]).splitlines()[3]


def test_attacks_are_chosen_by_name_or_item_and_bear_names_of_their_own():
    assert chosen([]) == list(ATTACKS) and len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.item for attack in chosen(["2", "held"])} == {"2", "held"}
    with pytest.raises(BadRequest, match="unknown attack 'nothing'"):
        chosen(["nothing"])


@contextmanager
def running(code: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


CHILD = "held = bytearray(b'a') * 100_000_000; print(flush=True); import time; time.sleep(60)"


@linux
def test_memory_of_children_counts_and_the_ceiling_ends_the_server(tmp_path, monkeypatch):
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
    with running(parent) as process:
        assert 100_000_000 < memory_of(process.pid) < 200_000_000
        monkeypatch.setattr("benchmarks.robustness.attacks.monitor.CEILING", 90_000_000)
        with Monitor(Server("", process, tmp_path / "log"), Cellar(tmp_path)).looking() as monitor:
            process.wait(20)
            time.sleep(0.1)
        assert monitor.killed and monitor.memory > 90_000_000


@linux
def test_the_memory_of_a_command_is_its_own(tmp_path: Path) -> None:
    held = bytearray(b"a") * 1_200_000_000  # of the process that starts it
    unused: Any = None
    page, server = Page({"components": [], "dependencies": []}), Server("", unused, tmp_path / "log")
    target = Target("", page, server=server, cellar=unused, folder=tmp_path)
    status, output, memory = command(target, "--help")
    assert status == 0 and "weights" in output and len(held) == 1_200_000_000
    assert 5_000_000 < memory < 1_000_000_000


@linux
def test_files_without_a_name_take_disk_too(tmp_path: Path) -> None:
    code = (
        f"import tempfile, time; named = open({str(tmp_path / 'named')!r}, 'wb'); named.write(bytes(3_000_000)); "
        f"named.flush(); other = tempfile.TemporaryFile(dir={str(tmp_path)!r}); other.write(bytes(5_000_000)); "
        "other.flush(); print(flush=True); time.sleep(60)"
    )
    with running(code) as process:
        assert disk_of(process.pid, tmp_path) == pytest.approx(8_000_000, rel=0.01)
