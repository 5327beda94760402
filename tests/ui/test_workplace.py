"""The server's folder of temporary files: private, gone with the server, and cleaned up after one that was killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from deepfake_core.ui.workplace import BEGINNING, remove_abandoned, remove_old, workplace

WORKING = """
import pathlib, tempfile, time
from deepfake_core.ui.workplace import workplace
with workplace() as folder:
    pathlib.Path(tempfile.mkdtemp(prefix="deepfake-lab-"), ".result.part-1.mp4").write_bytes(b"half")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_what_is_temporary_lies_in_it_and_goes_with_it(temporary):
    with workplace() as folder:
        made = Path(tempfile.mkdtemp())
        assert made.parent == folder and folder.parent == temporary
        if os.name == "posix":
            assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []
    assert tempfile.gettempdir() == str(temporary)


def test_the_folder_of_a_killed_server_goes_at_the_next_start_and_that_of_a_running_one_stays(temporary):
    processes = [subprocess.Popen([sys.executable, "-c", WORKING], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killed, running = (Path(process.stdout.readline().strip()) for process in processes if process.stdout)
    try:
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        assert list(killed.rglob("*.mp4"))
        with workplace():
            assert not killed.exists()
            assert list(running.rglob("*.mp4"))
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_a_folder_without_a_lock_is_left_to_a_start_beside_this_one_for_an_hour(temporary):
    young, old = (temporary / f"{BEGINNING}{name}" for name in ("young", "old"))
    young.mkdir()
    old.mkdir()
    os.utime(old, (time.time() - 4000,) * 2)
    remove_abandoned()
    assert young.exists() and not old.exists()


def test_a_file_goes_once_it_has_lain_there_long_enough_and_what_was_there_first_stays(tmp_path):
    first, folder = tmp_path / "example" / "a.png", tmp_path / "0a1b"
    for path in (first, folder / "mine.png"):
        path.parent.mkdir()
        path.write_bytes(b"a")
        os.utime(path, (0, 0))  # a copy of an old file
    spared = {first, first.parent}
    remove_old(tmp_path, 60.0, spared)
    assert (folder / "mine.png").exists()
    time.sleep(0.05)
    remove_old(tmp_path, 0.01, spared)
    remove_old(tmp_path, 0.01, spared)
    assert first.exists() and not folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="needs owners of files")
def test_a_folder_of_another_user_is_left_alone(temporary, monkeypatch):
    folder = temporary / f"{BEGINNING}theirs"
    folder.mkdir()
    (folder / "lock").touch()
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    remove_abandoned()
    assert folder.exists()
