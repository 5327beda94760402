"""The networks behind the page, imported and loaded once: torch takes seconds, and the page need not wait for it."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from deepfake_core.errors import BadRequest
from deepfake_core.hub.manifest import entry

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import ImageAnimator
    from deepfake_core.pipelines.editor import AttributeEditor
    from deepfake_core.pipelines.synthesizer import StyleSynthesizer
    from deepfake_core.pipelines.translator import CycleTranslator

log = logging.getLogger(__name__)
MOST_LOADED = 6
"""Networks in memory; beyond that the one that was asked for longest ago goes."""
Model = TypeVar("Model")


class Engine:
    """One loaded network of each name for all visitors.

    Without a name a method takes the best weights on this machine. Each raises what `from_pretrained` raises.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Any] = OrderedDict()

    def warm_up(self) -> None:
        """Import and load the animator in the background; whoever asks meanwhile waits for the same load."""
        threading.Thread(target=self._load_quietly, name="warm-up", daemon=True).start()

    def animator(self) -> "ImageAnimator":
        """The best weights on this machine for Image Animation."""

        def load() -> "ImageAnimator":
            from deepfake_core.pipelines.animator import ImageAnimator

            return ImageAnimator.from_pretrained(None, device="auto")

        return self._once("fomm", None, load)

    def translator(self, name: str | None) -> "CycleTranslator":
        """A direction of CycleGAN by its name in the manifest."""

        def load() -> "CycleTranslator":
            from deepfake_core.pipelines.translator import CycleTranslator

            return CycleTranslator.from_pretrained(name, device="auto")

        return self._once("cyclegan", name, load)

    def editor(self, name: str | None) -> "AttributeEditor":
        """A StarGAN by its name in the manifest."""

        def load() -> "AttributeEditor":
            from deepfake_core.pipelines.editor import AttributeEditor

            return AttributeEditor.from_pretrained(name, device="auto")

        return self._once("stargan", name, load)

    def synthesizer(self, name: str | None) -> "StyleSynthesizer":
        """A StarGAN v2 by its name in the manifest."""

        def load() -> "StyleSynthesizer":
            from deepfake_core.pipelines.synthesizer import StyleSynthesizer

            return StyleSynthesizer.from_pretrained(name, device="auto")

        return self._once("starganv2", name, load)

    def _once(self, network: str, name: str | None, load: Callable[[], Model]) -> Model:
        """What `load` returns, kept. A name comes from a visitor, so it must be the manifest's, never a file's."""
        if name is not None and entry(name).network != network:
            raise BadRequest(f"{name} is for another tab; choose weights from the list")
        with self._lock:
            from deepfake_core.hub.store import choose

            name = name or choose(network)
            if name not in self._loaded:
                self._loaded[name] = load()
            self._loaded.move_to_end(name)
            while len(self._loaded) > MOST_LOADED:
                self._loaded.popitem(last=False)
            model: Model = self._loaded[name]
            return model

    def _load_quietly(self) -> None:
        try:
            self.animator()
        except Exception:  # the visitor is told when the network is asked for
            log.exception("the network could not be loaded in the background")
