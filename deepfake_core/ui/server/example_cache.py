"""A cache of the examples' results and readings. Those of uploads are never cached."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepfake_core.hub.files import sha256_of
from deepfake_core.pipelines.events import Progress
from deepfake_core.ui.server.result_store import ResultStore

MAX_RUNS = 60
"""The least recently used run of a visitor is removed beyond this. A run takes less than 2 MB."""
MAX_ANSWERS = 500
"""Readings; the oldest is removed beyond this."""

_only_remembered: ContextVar[bool] = ContextVar("only_remembered", default=False)
_preparing: ContextVar[bool] = ContextVar("preparing", default=False)


class NotRemembered(LookupError):
    """The result is not in the cache."""


@contextmanager
def only_remembered() -> Iterator[None]:
    """In this block the cache raises `NotRemembered` instead of computing anything."""
    token = _only_remembered.set(True)
    try:
        yield
    finally:
        _only_remembered.reset(token)


@contextmanager
def preparing() -> Iterator[None]:
    """In this block results go into the store, and none of them is removed for a visitor's."""
    token = _preparing.set(True)
    try:
        yield
    finally:
        _preparing.reset(token)


class CachedRun:
    """A finished run: its events, and the folder with its files, which is removed with the last reference."""

    def __init__(self, events: list[Any], folder: TemporaryDirectory[str], *, stored: bool = False) -> None:
        self.events, self.folder, self.stored = events, Path(folder.name), stored
        self.digests = {sha256_of(path) for path in self.folder.rglob("*") if path.is_file()}
        weakref.finalize(self, folder.cleanup)


class ExampleCache:
    """Runs pipelines in temporary folders. The first run on an example is cached, later ones return the cached events.

    Gradio's own cache of examples does not serve: it ignores options other than the example's inputs, and its files
    stay in the working directory after the program has ended. Uploads are never cached: only files that are identical
    to an example, byte for byte, count as examples. With a `store`, prepared results are there after a restart, too.
    """

    def __init__(self, examples: Iterable[Path], store: ResultStore | None = None) -> None:
        self.examples, self.store = tuple(examples), store
        self._runs: OrderedDict[str, CachedRun] = OrderedDict()
        self._answers: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def events(self, sources: Sequence[Path], key: str, run: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
        """The events of `run(folder)`, cached by `key`; of cached ones those that have files, and the last.

        The files exist until the iterator is exhausted. `sources` are the input files of the run, and `key` identifies
        weights and options. Raises `NotRemembered` in a block of `only_remembered`.
        """
        known = self._key(sources, key)
        if known is None:
            require_computing()
            with TemporaryDirectory(prefix="deepfake-lab-") as name:
                yield from run(Path(name))
        elif cached := self._cached(known):
            yield from cached.events
        else:
            require_computing()
            yield from self._recorded(known, run)

    def made(self, digest: str) -> bool:
        """Whether a file of this SHA-256 is part of a cached result, and so made of examples alone."""
        with self._lock:
            runs = [*self._runs.values()]
        return any(digest in run.digests for run in runs)

    def answer(self, sources: Sequence[Path], key: str, compute: Callable[[], Any]) -> Any:
        """The JSON-compatible value of `compute()`, cached in the same way."""
        known = self._key(sources, key)
        if known is None:
            require_computing()
            return compute()
        with self._lock:
            if known in self._answers:
                return self._answers[known]
        found = self.store.answer(known) if self.store else None
        if found is None:
            require_computing()
            found = compute()
            if self.store and _preparing.get():
                self.store.save_answer(known, found)
        with self._lock:
            self._answers[known] = found
            while len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
        return found

    def _key(self, sources: Sequence[Path], key: str) -> str | None:
        """The key with the contents of the sources instead of their paths; None if one of them is not an example."""
        for path in sources:
            if (digest := self._digest(path)) is None:
                return None
            key = f"{key.replace(str(path), digest)} {digest}"
        return key

    def _recorded(self, key: str, run: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
        """The events of `run`, which are cached once it has finished."""
        with ExitStack() as unless_cached:
            folder = TemporaryDirectory(prefix="deepfake-lab-")
            unless_cached.callback(folder.cleanup)
            recorded: list[Any] = []
            with closing(run(Path(folder.name))) as events:  # type: ignore[type-var]
                for event in events:
                    if not isinstance(event, Progress) or event.files:
                        recorded.append(event)
                    yield event
            unless_cached.pop_all()
            self._store(key, self._add(key, CachedRun(recorded, folder)))

    def _store(self, key: str, run: CachedRun) -> None:
        """Store a run that is prepared, once."""
        if self.store and _preparing.get() and not run.stored:
            self.store.save(key, run.events, run.folder)
            run.stored = True

    def _cached(self, key: str) -> CachedRun | None:
        with self._lock:
            known = self._runs.get(key)
            if known:
                self._runs.move_to_end(key)
        if known:
            self._store(key, known)
        return known or self._stored(key)

    def _stored(self, key: str) -> CachedRun | None:
        """The run in the store, copied to a folder of this process: the page serves no other files."""
        if self.store is None:
            return None
        folder = TemporaryDirectory(prefix="deepfake-lab-")
        events = self.store.load(key, Path(folder.name))
        if events is None:
            folder.cleanup()
            return None
        return self._add(key, CachedRun(events, folder, stored=True))

    def _add(self, key: str, run: CachedRun) -> CachedRun:
        with self._lock:
            kept = self._runs.setdefault(key, run)  # another visitor may have run the same meanwhile
            visitors = [one for one, cached in self._runs.items() if not cached.stored and cached is not kept]
            for one in visitors[: max(0, len(visitors) + 1 - MAX_RUNS)]:
                del self._runs[one]
            return kept

    def _digest(self, path: Path) -> str | None:
        """The digest of a file that is identical to an example; None for all others."""
        if not path.is_file():
            return None  # the pipeline reports it
        size = path.stat().st_size
        digest = sha256_of(path) if size in self._digests else None
        return digest if digest in self._digests.get(size, ()) else None

    @cached_property
    def _digests(self) -> dict[int, set[str]]:
        """File size in bytes -> digests of the examples of that size; other files need not be hashed."""
        known: dict[int, set[str]] = {}
        for path in self.examples:
            known.setdefault(path.stat().st_size, set()).add(sha256_of(path))
        return known


def require_computing() -> None:
    """Raise `NotRemembered` in a block of `only_remembered`."""
    if _only_remembered.get():
        raise NotRemembered
