"""What Windows lacks is needed neither at import nor at first use; the rest of it cannot be tried here."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from deepfake_core.hub.cache import physical_memory
from deepfake_core.media.child_process import sandboxed
from deepfake_core.media.memory import release_memory

ROOT = Path(__file__).parents[1]
IMPORT_ALL = """
import importlib, os, pkgutil, signal, sys

def import_all():
    import deepfake_core, train
    names = [
        module.name
        for package in (deepfake_core, train)
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        if not module.name.endswith("__main__")
    ]
    for name in names:
        importlib.import_module(name)
    return len(names)

import_all()  # with what other packages need
for name in list(sys.modules):
    if name.partition(".")[0] in ("deepfake_core", "train"):
        del sys.modules[name]
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_PATH", "getuid", "geteuid", "sysconf", "uname",
             "fork", "sched_getaffinity", "killpg", "setsid", "statvfs", "register_at_fork"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGXCPU", "SIGXFSZ", "SIGALRM", "SIGUSR1"):
    delattr(signal, name)
sys.platform = "win32"
print(import_all())
"""


def test_every_module_can_be_imported_without_what_windows_lacks() -> None:
    run = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 250


def test_memory_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 << 28 < physical_memory() < 1 << 50

    def fill(status: Callable[[], None]) -> None:
        values = ctypes.cast(status, ctypes.POINTER(ctypes.c_uint64))  # type: ignore[arg-type]
        assert values[0] == 64, "the size of the structure comes first"
        values[1] = 16 << 30

    kernel = SimpleNamespace(GlobalMemoryStatusEx=fill)
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.delattr(os, "sysconf")
    assert physical_memory() == 16 << 30


def test_free_memory_is_no_matter_where_the_c_library_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str | None) -> None:
        raise TypeError("LoadLibrary() argument 1 must be str, not None")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    release_memory()


def test_decoders_start_without_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    command = sandboxed(["C:/ffmpeg.exe", "-i", "a"], memory=1, cpu=1, file=0)
    monkeypatch.undo()
    assert command == ["C:/ffmpeg.exe", "-i", "a"]
