"""Start, monitor and kill processes that parse untrusted bytes. No other module of the package starts a process."""

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
from deepfake_core.turns import NETWORKS

ENVIRONMENT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT")
"""The only environment variables passed on: a server's environment may hold tokens and keys."""

LOW_PRIORITY = 10
"""Nice value; 19 is the lowest priority."""


class ChildProcess:
    """A running process. A thread reads its standard error, so that it never blocks, and keeps the last lines."""

    timed_out: bool
    """Whether it was killed because a `time_limit` block took too long."""
    deadline: Deadline
    """Upper bound of every `time_limit` block."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        source: IO[bytes] | int,
        pipe_input: bool = False,
        pipe_output: bool,
        deadline: Deadline = NEVER,
    ) -> None:
        """Start it. Its standard input is `source`, or a pipe with `pipe_input`; `pipe_output` opens one to read from.

        Raises `TookTooLong`, and starts nothing, when the deadline has passed.
        """
        deadline.check()
        self.deadline = deadline
        self.timed_out = False
        self._stall = settings().stall_seconds
        self._process = _start(
            command,
            stdin=subprocess.PIPE if pipe_input else source,
            stdout=subprocess.PIPE if pipe_output else subprocess.DEVNULL,
        )
        self.messages: deque[str] = deque(maxlen=1000)
        self._drain = threading.Thread(target=_drain, args=(self._process.stderr, self.messages), daemon=True)
        self._drain.start()
        _running.add(self)

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin is not None, "started without pipe_input=True"
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None, "started without pipe_output=True"
        return self._process.stdout

    @property
    def status(self) -> int | None:
        """Its exit status once `wait` or `kill` has returned; None before."""
        return self._process.returncode

    def wait(self, seconds: float | int | None = None) -> int:
        """Wait for it to exit, killing it after `seconds`; return its exit status. `messages` is complete then."""
        with self.time_limit(seconds):
            status = self._process.wait()
        self._drain.join(timeout=self._stall)
        return status

    def lower_priority(self) -> None:
        """From now on let other processes go first, where the system has such priorities."""
        if sys.platform != "win32":
            with suppress(OSError):  # it has ended already
                os.setpriority(os.PRIO_PROCESS, self._process.pid, LOW_PRIORITY)

    def kill(self) -> None:
        """Kill it and close its pipes. Does nothing when it has exited already."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # data still buffered for the dead process cannot be delivered
                if pipe is not None:
                    pipe.close()
        self._process.wait()

    @contextmanager
    def time_limit(self, seconds: float | int | None) -> Iterator[None]:
        """Kill it when the block takes longer than `seconds` or passes the deadline, which unblocks a read or write.

        The run that waits steps aside meanwhile.
        """
        allowed = min(math.inf if seconds is None else seconds, self.deadline.remaining())
        with NETWORKS.released():
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
        """Raise `TookTooLong` if it was killed because the deadline had passed."""
        if self.timed_out:
            self.deadline.check()

    def _kill_late(self) -> None:
        self.timed_out = True
        self._process.kill()


def kill_all() -> None:
    """Kill every process that is still running; called when this program exits."""
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
    """The command that runs `program`, an absolute path and its arguments, restricted by `sandbox.confine`."""
    if os.name != "posix":
        return list(program)
    numbers = {"memory": memory, "cpu": cpu, "file": file, "parent": os.getpid()}
    words = [f"{name}={value}" for name, value in numbers.items() if value is not None]
    words += [f"read={os.path.abspath(path)}" for path in reads]
    words += [f"write={os.path.abspath(path)}" for path in writes]
    return [sys.executable, "-I", "-S", sandbox.__file__, *words, "--", *program]


def _start(command: Sequence[str], *, stdin: IO[bytes] | int, stdout: int) -> subprocess.Popen[bytes]:
    """Start a process from one permanent thread.

    On Linux the parent is the *thread* that started a process, and the sandbox kills the process when that thread
    ends (PR_SET_PDEATHSIG); a web server's threads may end while a clip is still being read.
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
        start_new_session=True,  # Ctrl-C goes to this program alone, which kills its children itself
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # otherwise Windows opens a console
    )
    return started.result()


_starting = threading.Lock()


@cache
def _starter(process: int) -> ThreadPoolExecutor:
    """The starter thread of this process; a forked process has no thread and gets its own."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"starter-{process}")


def _drain(stream: IO[bytes], messages: deque[str]) -> None:
    with stream:
        for line in iter(lambda: stream.readline(1000), b""):
            messages.append(line.decode("utf-8", errors="replace").rstrip("\r\n"))
