"""What the server uses while it is attacked: memory with that of its children, and disk, highest values."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.load.server import Server
from benchmarks.robustness.watch import Cellar, files, resident

EVERY = 0.1
"""Seconds between two looks."""
CEILING = 4_000_000_000
"""Bytes of memory at which the server is killed, lest the attack take this machine with it."""


def children(process: int) -> list[int]:
    """The processes that a process started, and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in os.scandir("/proc") if os.path.isdir("/proc") else ():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                after = Path(entry.path, "stat").read_text(errors="replace").rpartition(")")[2].split()
                parents.setdefault(int(after[1]), []).append(int(entry.name))
    found, waiting = list[int](), [process]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def memory_of(process: int) -> int:
    """Bytes of a process and its children; what a child shares with others counts by its share.

    A child with its parent's command line is between fork and exec: its memory is still its parent's.
    """
    own = _command(process)
    return resident(process) + sum(_share(child) for child in children(process) if _command(child) != own)


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def _share(process: int) -> int:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return 0


def disk_of(process: int, folder: Path) -> int:
    """Bytes on disk below a folder, files included that the process has open and that have no name any more."""
    total = 0
    for path in files(folder):
        with suppress(OSError):
            total += path.lstat().st_blocks * 512
    with suppress(OSError):
        for one in os.scandir(f"/proc/{process}/fd"):
            with suppress(OSError):
                name = os.readlink(one.path)
                if name.startswith(str(folder)) and name.endswith("(deleted)"):
                    total += os.stat(one.path).st_blocks * 512
    return total


class Monitor:
    """Looks at a server in a thread of its own. Kills it at `CEILING`."""

    def __init__(self, server: Server, cellar: Cellar) -> None:
        self._server, self._folder = server, cellar.temporary
        self._over = threading.Event()
        self._last = 0
        self.memory = 0
        """Bytes, at most; what is there for less than two looks is a process between fork and exec, and not counted."""
        self.disk = 0
        self.killed = False

    @contextmanager
    def looking(self) -> Iterator["Monitor"]:
        """Look until the end of the block."""
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            now = memory_of(self._server.process.pid)
            self.memory, self._last = max(self.memory, min(now, self._last)), now
            self.disk = max(self.disk, disk_of(self._server.process.pid, self._folder))
            if self.memory > CEILING:
                self.killed = True
                self._server.process.kill()
                return
            time.sleep(EVERY)
