"""The networks behind the page. torch and the networks are loaded after the start, since that takes seconds."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from deepfake_core import registry
from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import entry
from deepfake_core.ui.server.gpu_seconds import gpu_seconds

if TYPE_CHECKING:
    from deepfake_core.faces import Crop
    from deepfake_core.hub.cache import NetworkCache
    from deepfake_core.media.images import ImageLike

log = logging.getLogger(__name__)
ZEROGPU = "SPACES_ZERO_GPU"
"""Environment variable of Spaces that allocate a GPU per call (ZeroGPU)."""
Event = TypeVar("Event")
Answer = TypeVar("Answer")


class Engine:
    """Loads each network once and shares it between all sessions.

    Without a name, methods use the best installed weights. All methods raise what `from_pretrained` raises.

    On a ZeroGPU Space this process has no GPU of its own: computations go through `work`, which runs them in a forked
    process that has one.
    """

    def __init__(self, device: str = "auto") -> None:
        self.device = device
        self._lock = threading.Lock()
        self._cache: NetworkCache | None = None
        self._in_worker = self._here
        self._zerogpu = bool(os.environ.get(ZEROGPU))
        if self._zerogpu:
            import spaces  # preinstalled on such a Space; must be imported before torch

            self._in_worker = spaces.GPU(duration=gpu_seconds)(self._here)

    @property
    def needs_quota(self) -> bool:
        """Whether runs count against a visitor's quota, so that there are none in the background."""
        return self._zerogpu

    def work(
        self, network: str, name: str | None, task: Callable[..., Iterator[Event]], *arguments: Any
    ) -> Iterator[Event]:
        """The events of `task(model, *arguments)` for a method (such as `fomm`) and the manifest name of weights.

        `task` must be a module-level function, and arguments and events must be picklable: they may cross processes.
        """
        yield from self._in_worker(network, name, task, arguments)

    def ask(self, network: str, name: str | None, question: Callable[..., Answer], *arguments: Any) -> Answer:
        """The return value of `question(model, *arguments)`, as `work` has it.

        On ZeroGPU it is computed on the CPU: a reading is short, and would cost a visitor seconds of GPU time.
        """
        model = self._model_on("cpu", network, name) if self._zerogpu else self.model(network, name)
        return question(model, *arguments)

    def _here(
        self, network: str, name: str | None, task: Callable[..., Iterator[Event]], arguments: tuple[Any, ...]
    ) -> Iterator[Event]:
        with closing(task(self.model(network, name), *arguments)) as events:  # type: ignore[type-var]
            yield from events

    def warm_up(self) -> None:
        """Load every tab's network for a drawing, as the first examples are, in the background.

        Requests meanwhile wait for the same load.
        """
        threading.Thread(target=self._load_quietly, name="warm-up", daemon=True).start()

    def model(self, network: str, name: str | None = None) -> Any:
        """The loaded model of a method for a manifest name; None selects the best installed weights.

        The name is sent by the browser, so it must be in the manifest and never a path.
        """
        return self._model_on(self.device, network, name)

    def _model_on(self, device: str, network: str, name: str | None) -> Any:
        if name is not None and entry(name).network != network:
            raise BadRequest(f"{name} is for another tab; choose weights from the list")
        from deepfake_core.device import choose_device
        from deepfake_core.hub.cache import Key
        from deepfake_core.hub.store import choose
        from deepfake_core.pipelines.runtime import Runtime

        chosen, model = choose_device(device), registry.method(network).model
        assert model is not None
        key = Key(name or choose(network), str(chosen), Runtime(chosen, 1).precision)
        return self._networks().get(key, lambda: registry.resolve(model).from_pretrained(name, device=device))

    def weights_for(
        self,
        network: str,
        choice: str | None,
        picture: "ImageLike | None" = None,
        crop: "Crop | None" = None,
        deadline: Deadline = NEVER,
    ) -> str:
        """The name of the weights that a choice of the page means for a picture: see `pipelines.suitability`."""
        from deepfake_core.faces import Face
        from deepfake_core.pipelines.suitability import weights_for

        return weights_for(network, choice, picture, crop or Face(), deadline=deadline)

    def weights(self, network: str, name: str | None = None) -> str:
        """Name and hash of weights, and the hashes of the network's others, which a run may use as well."""
        from deepfake_core.hub.store import choose, installed
        from deepfake_core.pipelines.saving import hash_of

        others = sorted(f"{one}={hash_of(one)}" for one in installed(network))
        return f"{name or choose(network)} of {' '.join(others)}"

    def forget(self, name: str) -> None:
        """Drop the loaded network of weights that were removed or replaced."""
        self._networks().forget(name)

    def _networks(self) -> "NetworkCache":
        """The network cache of this process."""
        from deepfake_core.hub.cache import NetworkCache

        with self._lock:
            self._cache = self._cache or NetworkCache()
            return self._cache

    def _load_quietly(self) -> None:
        for one in registry.METHODS:
            try:
                if one.tab and one.model:
                    self.model(one.name, self.weights_for(one.name, None))
            except Exception:  # the error is shown when the network is used
                log.exception("the default network of %s could not be loaded in the background", one.title)
