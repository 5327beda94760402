"""A cache of the examples' results. Results of uploads are never cached."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepfake_core.hub.files import sha256_of

MAX_RUNS = 60
"""The least recently used run is removed beyond this. A run takes less than 2 MB."""


class CachedRun:
    """A finished run: its events, and the folder with its files, which is removed with the last reference."""

    def __init__(self, events: list[Any], folder: TemporaryDirectory[str]) -> None:
        self.events = events
        weakref.finalize(self, folder.cleanup)


class ExampleCache:
    """Runs pipelines in temporary folders. The first run on an example is cached, later ones return the cached events.

    Gradio's own cache of examples does not serve: it ignores options other than the example's inputs, and its files
    stay in the working directory after the program has ended. Uploads are never cached: only files that are identical
    to an example, byte for byte, count as examples.
    """

    def __init__(self, examples: Iterable[Path]) -> None:
        self.examples = tuple(examples)
        self._runs: OrderedDict[str, CachedRun] = OrderedDict()
        self._lock = threading.Lock()

    def events(self, sources: Sequence[Path], key: str, run: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
        """The events of `run(folder)`, cached by `key`.

        The files exist until the iterator is exhausted. `sources` are the input files of the run, and `key` identifies
        inputs and options.
        """
        if not all(map(self._is_example, sources)):
            with TemporaryDirectory(prefix="deepfake-lab-") as name:
                yield from run(Path(name))
        elif cached := self._cached(key):
            yield from cached.events
        else:
            yield from self._recorded(key, run)

    def _recorded(self, key: str, run: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
        """The events of `run`, which are cached once it has finished."""
        with ExitStack() as unless_cached:
            folder = TemporaryDirectory(prefix="deepfake-lab-")
            unless_cached.callback(folder.cleanup)
            recorded: list[Any] = []
            with closing(run(Path(folder.name))) as events:  # type: ignore[type-var]
                for event in events:
                    recorded.append(event)
                    yield event
            self._add(key, CachedRun(recorded, folder))
            unless_cached.pop_all()

    def _cached(self, key: str) -> CachedRun | None:
        with self._lock:
            if key in self._runs:
                self._runs.move_to_end(key)
            return self._runs.get(key)

    def _add(self, key: str, run: CachedRun) -> None:
        with self._lock:
            self._runs.setdefault(key, run)  # another visitor may have run the same meanwhile
            while len(self._runs) > MAX_RUNS:
                self._runs.popitem(last=False)

    def _is_example(self, path: Path) -> bool:
        if not path.is_file():
            return False  # the pipeline reports it
        size = path.stat().st_size
        return size in self._digests and sha256_of(path) in self._digests[size]

    @cached_property
    def _digests(self) -> dict[int, set[str]]:
        """File size in bytes -> digests of the examples of that size; other files need not be hashed."""
        known: dict[int, set[str]] = {}
        for path in self.examples:
            known.setdefault(path.stat().st_size, set()).add(sha256_of(path))
        return known
