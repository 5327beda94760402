"""The networks behind the page, imported and loaded once: torch takes seconds, and the page need not wait for it."""

import logging
import threading
from collections.abc import Callable
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
Model = TypeVar("Model")


class Engine:
    """One loaded network of each name for all visitors.

    Without a name a method takes the best weights on this machine. Each raises what `from_pretrained` raises.
    """

    def __init__(self, device: str = "auto") -> None:
        self.device = device
        self._lock = threading.Lock()
        self._cache: NetworkCache | None = None

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
