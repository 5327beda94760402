"""Processes in which functions are handed broken files: one that dies or hangs is noticed, and replaced."""

import multiprocessing
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from benchmarks.robustness.corpus.broken import broken
from benchmarks.robustness.corpus.lures import Bait
from benchmarks.robustness.targets import CRASHED, InputResult, judge, warm_up
from benchmarks.robustness.watch import resident

HANGING = 120.0
"""Seconds after which one input counts as hanging: far beyond every time limit of the readers."""
STARTING = 120.0


@dataclass(frozen=True, slots=True)
class Task:
    """One input, by the numbers that make it."""

    target: str
    kind: str
    seed: int


@dataclass(frozen=True, slots=True)
class Done:
    """An result, and the memory of the process that saw it."""

    result: InputResult
    worker: int
    memory: int
    """Bytes, resident, after it."""


def serve(pipe: Connection, bait: Bait) -> None:
    """The work of one process: tasks come in, results go out, until None comes."""
    warnings.simplefilter("ignore")  # torch wonders about the pickles
    warm_up()
    with tempfile.TemporaryDirectory(prefix="robustness-") as folder:
        pipe.send(os.getpid())
        while (task := pipe.recv()) is not None:
            content = broken(task.kind, task.seed, bait)
            pipe.send((judge(task.target, content, task.seed, Path(folder)), resident(os.getpid())))


class Worker:
    """One such process, and its like after its death."""

    def __init__(self, bait: Bait) -> None:
        self._bait = bait
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._bait))
        self._process.start()
        theirs.close()
        if not self._pipe.poll(STARTING):
            raise RuntimeError("a worker did not start")
        self.number: int = self._pipe.recv()

    def run(self, task: Task) -> Done:
        """What became of a task."""
        begun = time.perf_counter()
        try:
            self._pipe.send(task)
            if self._pipe.poll(HANGING):
                result, memory = self._pipe.recv()
                return Done(result, self.number, memory)
            words = f"no answer within {HANGING:.0f} s"
        except (EOFError, OSError):
            self._process.join(5)
            words = f"the process died with status {self._process.exitcode}"
        self.end(killed=True)
        number, seconds = self.number, time.perf_counter() - begun
        self._start()
        result = InputResult(
            target=task.target, kind=task.kind, seed=task.seed, verdict=CRASHED, words=words, seconds=seconds
        )
        return Done(result, number, 0)

    def end(self, *, killed: bool = False) -> None:
        """Let the process go, or make it."""
        if not killed:
            self._pipe.send(None)
            self._process.join(10)
        self._process.kill()
        self._process.join()
        self._pipe.close()


def run_all(tasks: Iterable[Task], bait: Bait, *, workers: int, until: float) -> Iterator[Done]:
    """What became of each task, in the order in which they end; no new one starts after `until` (monotonic)."""
    waiting: Queue[Task] = Queue()
    for task in tasks:
        waiting.put(task)
    done: Queue[Done | BaseException | None] = Queue()

    def work() -> None:
        try:
            worker = Worker(bait)
            try:
                while time.monotonic() < until:
                    done.put(worker.run(waiting.get_nowait()))
            except Empty:
                pass
            finally:
                worker.end()
            done.put(None)
        except BaseException as error:  # told to whoever waits
            done.put(error)

    yield from _gathered(work, done, workers)


def _gathered(work: Callable[[], None], done: "Queue[Any]", workers: int) -> Iterator[Done]:
    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    running = workers
    while running:
        one = done.get()
        if isinstance(one, BaseException):
            raise one
        if one is None:
            running -= 1
        else:
            yield one
