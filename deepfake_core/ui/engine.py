"""The networks behind the page, imported and loaded once: torch takes seconds, and the page need not wait for it."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import entry

if TYPE_CHECKING:
    from deepfake_core.hub.cache import NetworkCache
    from deepfake_core.pipelines.animator import ImageAnimator
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer
    from deepfake_core.pipelines.translator import CycleTranslator

log = logging.getLogger(__name__)
ZEROGPU = "SPACES_ZERO_GPU"
"""Environment variable that a Space with a GPU for each call, not for itself, sets."""
GPU_SECONDS = 120
"""How long one call may hold that GPU."""
Model = TypeVar("Model")
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
        models: dict[str, Callable[[str | None], Any]] = {
            "fomm": lambda name: self.animator(),
            "cyclegan": self.translator,
            "stargan": self.editor,
            "starganv2": self.synthesizer,
        }
        with closing(task(models[network](name), *arguments)) as events:  # type: ignore[type-var]
            yield from events

    def warm_up(self) -> None:
        """Load every tab's default in the background; whoever asks meanwhile waits for the same load."""
        threading.Thread(target=self._load_quietly, name="warm-up", daemon=True).start()

    def animator(self) -> "ImageAnimator":
        """The best weights on this machine for Image Animation."""

        def load() -> "ImageAnimator":
            from deepfake_core.pipelines.animator import ImageAnimator

            return ImageAnimator.from_pretrained(None, device=self.device)

        return self._once("fomm", None, load)

    def translator(self, name: str | None) -> "CycleTranslator":
        """A direction of CycleGAN by its name in the manifest."""

        def load() -> "CycleTranslator":
            from deepfake_core.pipelines.translator import CycleTranslator

            return CycleTranslator.from_pretrained(name, device=self.device)

        return self._once("cyclegan", name, load)

    def editor(self, name: str | None) -> "AttributeEditor":
        """A StarGAN by its name in the manifest."""

        def load() -> "AttributeEditor":
            from deepfake_core.pipelines.editor import AttributeEditor

            return AttributeEditor.from_pretrained(name, device=self.device)

        return self._once("stargan", name, load)

    def synthesizer(self, name: str | None) -> "StyleSynthesizer":
        """A StarGAN v2 by its name in the manifest."""

        def load() -> "StyleSynthesizer":
            from deepfake_core.pipelines.synthesizer import StyleSynthesizer

            return StyleSynthesizer.from_pretrained(name, device=self.device)

        return self._once("starganv2", name, load)

    def forget(self, name: str) -> None:
        """Let go of weights that were removed, or that others took the place of."""
        self._networks().forget(name)

    def _once(self, network: str, name: str | None, load: Callable[[], Model]) -> Model:
        """What `load` returns, kept. A name comes from a visitor, so it must be the manifest's, never a file's."""
        if name is not None and entry(name).network != network:
            raise BadRequest(f"{name} is for another tab; choose weights from the list")
        from deepfake_core.device import choose_device
        from deepfake_core.hub.cache import Key
        from deepfake_core.hub.store import choose
        from deepfake_core.pipelines.compute import Compute

        device = choose_device(self.device)
        key = Key(name or choose(network), str(device), Compute(device, 1).precision)
        return self._networks().get(key, load)

    def _networks(self) -> "NetworkCache":
        """The networks of this process."""
        from deepfake_core.hub.cache import NetworkCache

        with self._lock:
            self._cache = self._cache or NetworkCache()
            return self._cache

    def _load_quietly(self) -> None:
        defaults: tuple[Callable[[], Any], ...] = (
            self.animator,
            lambda: self.translator(None),
            lambda: self.editor(None),
            lambda: self.synthesizer(None),
        )
        for load in defaults:
            try:
                load()
            except Exception:  # the visitor is told when the network is asked for
                log.exception("a network could not be loaded in the background")


def answered(model: Any, question: Callable[..., Answer], arguments: tuple[Any, ...]) -> Iterator[Answer]:
    """A question as a task."""
    yield question(model, *arguments)
