"""The server's folder of temporary files: private, removed at the end, and removed later if the server was killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from deepfake_core.ui.server.temp_files import BEGINNING, remove_abandoned, remove_old, state_folder, temp_folder

WORKING = """
import pathlib, tempfile, time
from deepfake_core.ui.server.temp_files import temp_folder
with temp_folder() as folder:
    pathlib.Path(tempfile.mkdtemp(prefix="deepfake-lab-"), ".result.part-1.mp4").write_bytes(b"half")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files; the notes are stored elsewhere."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("DEEPFAKE_HOME", str(tmp_path / "home"))
    return folder


def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Switch to another folder for temporary files."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def killed_server() -> Path:
    """The folder of a running server that was killed."""
    process = subprocess.Popen([sys.executable, "-c", WORKING], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()
    assert list(folder.rglob("*.mp4"))
    return folder


def test_what_is_temporary_lies_in_it_and_goes_with_it(temporary):
    with temp_folder() as folder:
        made = Path(tempfile.mkdtemp())
        assert made.parent == folder and folder.parent == temporary
        if os.name == "posix":
            assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == [] and list(state_folder().iterdir()) == []
    assert tempfile.gettempdir() == str(temporary)


def test_the_folder_of_a_killed_server_goes_at_the_next_start_and_that_of_a_running_one_stays(temporary):
    processes = [subprocess.Popen([sys.executable, "-c", WORKING], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    killed, running = (Path(process.stdout.readline().strip()) for process in processes if process.stdout)
    try:
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait()
        assert list(killed.rglob("*.mp4"))
        with temp_folder():
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


def test_the_folder_of_a_killed_server_goes_wherever_it_lay(temporary, tmp_path, monkeypatch):
    killed = killed_server()
    moved(tmp_path, monkeypatch)
    with temp_folder() as folder:
        assert not killed.exists() and temporary.exists()
        assert (state_folder() / f"{folder.name}.txt").read_text() == str(folder)
        assert (state_folder() / f"{folder.name}.txt").stat().st_mode & 0o777 == 0o600


def test_the_folder_of_a_running_server_elsewhere_stays(temporary, tmp_path, monkeypatch):
    with temp_folder() as running:
        moved(tmp_path, monkeypatch)
        remove_abandoned()
        assert running.exists()


@pytest.mark.skipif(os.name != "posix", reason="needs owners of files and links")
@pytest.mark.parametrize("what", ["a name of ours", "not ours", "a link", "relative", "upwards", "nothing", "binary"])
def test_a_note_leads_to_nothing_but_a_servers_folder(what, temporary, tmp_path, monkeypatch):
    """Whatever a note contains, other folders are not touched."""
    kept = tmp_path / "kept" / (f"{BEGINNING}x" if what != "not ours" else "photos")
    kept.mkdir(parents=True)
    (kept / "lock").touch()
    (kept / "photo.png").write_bytes(b"a")
    link = tmp_path / f"{BEGINNING}link"
    link.symlink_to(kept)
    target = {"a link": str(link), "relative": f"{BEGINNING}x", "nothing": "", "binary": "a\0b"}.get(what, str(kept))
    if what == "upwards":
        target = f"{tmp_path}/tmp/../kept/{BEGINNING}x"
    monkeypatch.chdir(tmp_path / "kept")
    state_folder().mkdir(parents=True, mode=0o700)
    (state_folder() / "a.txt").write_text(target)
    remove_abandoned()
    assert (kept / "photo.png").exists() == (what != "a name of ours")


@pytest.mark.skipif(os.name != "posix", reason="needs owners of files")
@pytest.mark.parametrize("what", ["everybody's", "a link", "a file", "another user's"])
def test_notes_that_others_could_write_are_neither_read_nor_written(what, temporary, tmp_path, monkeypatch, caplog):
    killed = killed_server()
    notes, owner = state_folder(), os.getuid()
    if what == "everybody's":
        notes.chmod(0o777)
    elif what == "another user's":
        monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    else:
        notes.rename(notes.with_name("others"))
        notes.symlink_to("others") if what == "a link" else notes.touch()
    moved(tmp_path, monkeypatch)
    with temp_folder() as folder:
        assert killed.exists()
        assert not (notes.with_name("others") / f"{folder.name}.txt").exists()
    assert "could not write a note" in caplog.text and not folder.exists()


def test_a_note_is_kept_while_its_server_starts_and_goes_an_hour_later(temporary):
    notes = state_folder()
    notes.mkdir(parents=True, mode=0o700)
    for name, age in (("young", 0), ("old", 4000)):
        (notes / f"{name}.txt").write_text(str(temporary / f"{BEGINNING}{name}"))
        os.utime(notes / f"{name}.txt", (time.time() - age,) * 2)
    remove_abandoned()
    assert [note.name for note in notes.iterdir()] == ["young.txt"]
