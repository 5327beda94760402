"""The networks behind the page, imported and loaded once: torch takes seconds, and the page need not wait for it."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from deepfake_core import registry
from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import entry

if TYPE_CHECKING:
    from deepfake_core.hub.cache import NetworkCache

log = logging.getLogger(__name__)
ZEROGPU = "SPACES_ZERO_GPU"
"""Environment variable that a Space with a GPU for each call, not for itself, sets."""
GPU_SECONDS = 120
"""How long one call may hold that GPU."""
Event = TypeVar("Event")
Answer = TypeVar("Answer")


class Engine:
    """One loaded network of each name for all visitors.

    Without a name a method takes the best weights on this machine. Each raises what `from_pretrained` raises.

    On a ZeroGPU Space this process only seems to have a GPU: what computes goes through `work`, which then runs in a
    forked process that has one.
    """

    def __init__(self, device: str = "auto") -> None:
        self.device = device
        self._lock = threading.Lock()
        self._cache: NetworkCache | None = None
        self._in_worker = self._here
        if os.environ.get(ZEROGPU):
            import spaces  # comes with such a Space, and has to be imported before torch

            self._in_worker = spaces.GPU(duration=GPU_SECONDS)(self._here)

    def work(
        self, network: str, name: str | None, task: Callable[..., Iterator[Event]], *arguments: Any
    ) -> Iterator[Event]:
        """What `task(model, *arguments)` yields for a network (`fomm`, `stargan` and so on) by its manifest name.

        The task is a function of a module, and its arguments and events can be pickled, for they may have to go from
        one process to another.
        """
        yield from self._in_worker(network, name, task, arguments)

    def ask(self, network: str, name: str | None, question: Callable[..., Answer], *arguments: Any) -> Answer:
        """What `question(model, *arguments)` returns, in the same way."""
        (answer,) = self.work(network, name, answered, question, arguments)
        return answer

    def _here(
        self, network: str, name: str | None, task: Callable[..., Iterator[Event]], arguments: tuple[Any, ...]
    ) -> Iterator[Event]:
        with closing(task(self.model(network, name), *arguments)) as events:  # type: ignore[type-var]
            yield from events

    def warm_up(self) -> None:
        """Load every tab's default in the background; whoever asks meanwhile waits for the same load."""
        threading.Thread(target=self._load_quietly, name="warm-up", daemon=True).start()

    def model(self, network: str, name: str | None = None) -> Any:
        """The loaded model of a method, by its weights' name in the manifest; None takes the best on this machine.

        A name comes from a visitor, so it must be the manifest's, never a file's.
        """
        if name is not None and entry(name).network != network:
            raise BadRequest(f"{name} is for another tab; choose weights from the list")
        from deepfake_core.device import choose_device
        from deepfake_core.hub.cache import Key
        from deepfake_core.hub.store import choose
        from deepfake_core.pipelines.runtime import Runtime

        device, model = choose_device(self.device), registry.method(network).model
        assert model is not None
        key = Key(name or choose(network), str(device), Runtime(device, 1).precision)
        return self._networks().get(key, lambda: registry.resolve(model).from_pretrained(name, device=self.device))

    def forget(self, name: str) -> None:
        """Let go of weights that were removed, or that others took the place of."""
        self._networks().forget(name)

    def _networks(self) -> "NetworkCache":
        """The networks of this process."""
        from deepfake_core.hub.cache import NetworkCache

        with self._lock:
            self._cache = self._cache or NetworkCache()
            return self._cache

    def _load_quietly(self) -> None:
        for one in registry.METHODS:
            try:
                if one.tab and one.model:
                    self.model(one.name)
            except Exception:  # the visitor is told when the network is asked for
                log.exception("the default network of %s could not be loaded in the background", one.title)


def answered(model: Any, question: Callable[..., Answer], arguments: tuple[Any, ...]) -> Iterator[Answer]:
    """A question as a task."""
    yield question(model, *arguments)
