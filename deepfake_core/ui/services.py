"""The services that the page passes to every tab."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from deepfake_core import __version__
from deepfake_core.deadline import Deadline
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.examples import Examples

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Shared by all tabs and all sessions."""

    engine: Engine
    examples: Examples
    cache: ExampleCache

    @contextmanager
    def events(
        self,
        network: str,
        model: str | None,
        pipeline: Callable[..., Iterator[Any]],
        request: Any,
        deadline: Deadline,
        *,
        sources: Sequence[Path],
        files: Mapping[str, str],
    ) -> Iterator[Iterator[Any]]:
        """The events of a pipeline, which ends with the block; they are cached if all `sources` are examples.

        `request` is a frozen dataclass. `files`: its field -> the name of this file in a temporary folder, or "" for
        the folder itself.
        """
        run = lambda folder: self.engine.work(  # noqa: E731
            network, model, pipeline, replace(request, **{field: folder / files[field] for field in files}), deadline
        )
        key = self._key(network, model, f"{pipeline.__name__} {request} {sorted(files.items())}")
        with closing(self.cache.events(sources, key, run)) as events:  # type: ignore[type-var]
            yield events

    def ask(
        self,
        network: str,
        model: str | None,
        question: Callable[..., Answer],
        source: Path,
        options: Any,
        deadline: Deadline,
    ) -> Answer:
        """`question(model, source, options, deadline)`, a JSON-compatible value; cached if the source is an example."""
        key = self._key(network, model, f"{question.__name__} {options}")
        answer: Answer = self.cache.answer(
            [source], key, lambda: self.engine.ask(network, model, question, source, options, deadline)
        )
        return answer

    def _key(self, network: str, model: str | None, what: str) -> str:
        """What a result depends on, besides its sources: program, weights, label and options."""
        return f"{__version__} {self.engine.weights(network, model)} {_label()} {what}"


def _label() -> str:
    operator = settings()
    return f"{operator.label} {operator.label_text!r} {operator.label_place}"
