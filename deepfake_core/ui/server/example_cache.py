"""Results of the examples, kept, so that a second click on one is answered at once. Of uploads nothing is kept."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deepfake_core.hub.files import sha256_of

MOST_KEPT = 60
"""Runs; beyond that the one that was asked for longest ago goes. A run is below 2 MB."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that came to its end: what it yielded, and where its files lie."""

    events: list[Any]
    folder: TemporaryDirectory[str]


class ExampleCache:
    """Runs pipelines in temporary folders. The first run on an example is recorded, later ones are played back.

    Gradio's own lazy cache of examples was not taken: it knows an example's inputs but not the options beside them,
    and it keeps its files in the working directory, beyond the program's end. Here what a visitor uploads is never
    kept, not even while it runs: only files that are an example, byte for byte, count.
    """

    def __init__(self, examples: Iterable[Path]) -> None:
        self.examples = tuple(examples)
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def events(self, sources: Sequence[Path], key: str, run: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
        """What `run(folder)` yields, or yielded for the same `key`.

        The files are there until the step after the last is asked for. `sources` are the files that the run works on,
        and `key` says all that it depends on. Called by one thread at a time: the queue lets one run at the network.
        """
        if not all(map(self._is_example, sources)):
            with TemporaryDirectory(prefix="deepfake-lab-") as name:
                yield from run(Path(name))
        elif key in self._kept:
            self._kept.move_to_end(key)
            yield from self._kept[key].events
        else:
            yield from self._recorded(key, run)

    def _recorded(self, key: str, run: Callable[[Path], Iterator[Any]]) -> Iterator[Any]:
        """What `run` yields; kept once it has come to its end."""
        with ExitStack() as unless_kept:
            folder = TemporaryDirectory(prefix="deepfake-lab-")
            unless_kept.callback(folder.cleanup)
            recorded: list[Any] = []
            with closing(run(Path(folder.name))) as events:  # type: ignore[type-var]
                for event in events:
                    recorded.append(event)
                    yield event
            self._keep(key, Kept(recorded, folder))
            unless_kept.pop_all()

    def _keep(self, key: str, run: Kept) -> None:
        self._kept[key] = run
        while len(self._kept) > MOST_KEPT:
            _, oldest = self._kept.popitem(last=False)
            oldest.folder.cleanup()

    def _is_example(self, path: Path) -> bool:
        if not path.is_file():
            return False  # whoever reads it says so
        size = path.stat().st_size
        return size in self._digests and sha256_of(path) in self._digests[size]

    @cached_property
    def _digests(self) -> dict[int, set[str]]:
        """Bytes of a file -> what files of that length are examples: others need not be read."""
        known: dict[int, set[str]] = {}
        for path in self.examples:
            known.setdefault(path.stat().st_size, set()).add(sha256_of(path))
        return known
