"""The network behind the page, imported and loaded once: torch takes seconds, and the page need not wait for it."""

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfake_core.pipelines.animator import ImageAnimator

log = logging.getLogger(__name__)


class Engine:
    """One loaded network for all visitors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._animator: ImageAnimator | None = None

    def warm_up(self) -> None:
        """Import and load in the background; whoever asks meanwhile waits for the same load."""
        threading.Thread(target=self._load_quietly, name="warm-up", daemon=True).start()

    def animator(self) -> "ImageAnimator":
        """The best weights on this machine, loaded once. Raises `WeightsMissing` or `BadWeights`."""
        with self._lock:
            if self._animator is None:
                from deepfake_core.pipelines.animator import ImageAnimator

                self._animator = ImageAnimator.from_pretrained(None, device="auto")
            return self._animator

    def _load_quietly(self) -> None:
        try:
            self.animator()
        except Exception:  # the visitor is told when the network is asked for
            log.exception("the network could not be loaded in the background")
