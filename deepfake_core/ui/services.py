"""The services that the page passes to every tab."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deepfake_core.deadline import Deadline
from deepfake_core.ui.server.example_cache import ExampleCache
from deepfake_core.ui.server.inference import Engine
from deepfake_core.ui.widgets.examples import Examples


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
        name: str = "",
    ) -> Iterator[Iterator[Any]]:
        """The events of a pipeline, which ends with the block; they are cached if all `sources` are examples.

        `request` is a frozen dataclass; its `output` becomes a temporary folder, or the file `name` in one.
        """
        key = f"{self.engine.model(network, model).name} {request}"
        run = lambda folder: self.engine.work(  # noqa: E731
            network, model, pipeline, replace(request, output=folder / name), deadline
        )
        with closing(self.cache.events(sources, key, run)) as events:  # type: ignore[type-var]
            yield events
