"""A process that works at hostile bytes: started in its jail, watched, and ended. Nothing else here starts one."""

import math
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO
from weakref import WeakSet

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.media import sandbox
from deepfake_core.settings import settings

ENVIRONMENT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""All that it gets to see: a server's environment holds tokens and keys."""


class ChildProcess:
    """A running process. A thread drains its messages, so that it never blocks on them, and keeps the last ones."""

    timed_out: bool
    """Whether it was killed because a `guarded` block took too long."""
    deadline: Deadline
    """No `guarded` block lasts beyond it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        source: IO[bytes] | int,
        feeds: bool = False,
        yields: bool,
        deadline: Deadline = NEVER,
    ) -> None:
        """Start it. Its standard input is `source` or, with `feeds`, a pipe; `yields` opens one from its output.

        Raises `TookTooLong`, and starts nothing, when the deadline has passed.
        """
        deadline.check()
        self.deadline = deadline
        self.timed_out = False
        self._stall = settings().stall_seconds
        self._process = _start(
            command,
            stdin=subprocess.PIPE if feeds else source,
            stdout=subprocess.PIPE if yields else subprocess.DEVNULL,
        )
        self.messages: deque[str] = deque(maxlen=1000)
        self._drain = threading.Thread(target=_drain, args=(self._process.stderr, self.messages), daemon=True)
        self._drain.start()
        _running.add(self)

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin is not None, "started without feeds=True"
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None, "started without yields=True"
        return self._process.stdout

    @property
    def status(self) -> int | None:
        """Its exit status, once `wait` or `kill` has seen its end."""
        return self._process.returncode

    def wait(self, seconds: float | int | None = None) -> int:
        """Return its exit status once it ended by itself, killing it after `seconds`; `messages` is complete then."""
        with self.guarded(seconds):
            status = self._process.wait()
        self._drain.join(timeout=self._stall)
        return status

    def kill(self) -> None:
        """End it now and leave neither a process nor an open pipe. Harmless after its end."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was buffered for the dead process cannot be delivered any more
                if pipe is not None:
                    pipe.close()
        self._process.wait()

    @contextmanager
    def guarded(self, seconds: float | int | None) -> Iterator[None]:
        """Kill it when the block takes longer than `seconds`, or beyond the deadline: a blocked read or write ends."""
        allowed = min(math.inf if seconds is None else seconds, self.deadline.remaining())
        if allowed == math.inf:
            yield
            return
        timer = threading.Timer(allowed, self._kill_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def check_deadline(self) -> None:
        """Raise `TookTooLong` when it was killed because the deadline had passed."""
        if self.timed_out:
            self.deadline.check()

    def _kill_late(self) -> None:
        self.timed_out = True
        self._process.kill()


def kill_all() -> None:
    """End every process that still runs, because this program ends."""
    for child in list(_running):
        child.kill()


_running = WeakSet[ChildProcess]()


def sandboxed(
    program: Sequence[str],
    *,
    memory: int | None = None,
    cpu: int | None = None,
    file: int | None = None,
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
) -> list[str]:
    """The command that runs `program`, whose first word is a path, within the limits of `jail.confine`."""
    if os.name != "posix":
        return list(program)
    numbers = {"memory": memory, "cpu": cpu, "file": file, "parent": os.getpid()}
    words = [f"{name}={value}" for name, value in numbers.items() if value is not None]
    words += [f"read={os.path.abspath(path)}" for path in reads]
    words += [f"write={os.path.abspath(path)}" for path in writes]
    return [sys.executable, "-I", "-S", sandbox.__file__, *words, "--", *program]


def _start(command: Sequence[str], *, stdin: IO[bytes] | int, stdout: int) -> subprocess.Popen[bytes]:
    """Linux takes the *thread* that started a process for its parent, and kills the process with it (see `jail`).

    A web server's threads come and go while a clip is read, so one thread, which stays, starts them all.
    """
    with _starting:
        starter = _starter(os.getpid())
    started = starter.submit(
        subprocess.Popen,
        list(command),
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        start_new_session=True,  # Ctrl-C is for this program, which ends its children in order
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows opens a console otherwise
    )
    return started.result()


_starting = threading.Lock()


@cache
def _starter(process: int) -> ThreadPoolExecutor:
    """The thread of this process; after a fork the new one has none and gets its own."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"starter-{process}")


def _drain(stream: IO[bytes], messages: deque[str]) -> None:
    with stream:
        for line in iter(lambda: stream.readline(1000), b""):
            messages.append(line.decode("utf-8", errors="replace").rstrip("\r\n"))
