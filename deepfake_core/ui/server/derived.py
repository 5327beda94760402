"""Files that are made of examples alone: results of examples, and trimmed example clips. They need no consent."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_core.deadline import Deadline
from deepfake_core.errors import LabError
from deepfake_core.hub.files import sha256_of
from deepfake_core.settings import settings
from deepfake_core.ui.server.example_cache import ExampleCache

if TYPE_CHECKING:
    from deepfake_core.pipelines.excerpts import Fingerprints

CLIPS = {".mp4", ".webm", ".mov"}
MAX_BYTES = 5_000_000
"""Of a trimmed example; larger files are not read here."""
MAX_REMEMBERED = 200


class DerivedFiles:
    """Recognises such files by their content."""

    def __init__(self, cache: ExampleCache, clips: Sequence[Path]) -> None:
        self._cache, self._clips = cache, tuple(clips)
        self._known: OrderedDict[str, bool] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, path: Path) -> bool:
        """Whether a file, of a private path, is made of examples alone. A file that cannot be read is not."""
        if path.stat().st_size > MAX_BYTES:
            return False
        digest = sha256_of(path)
        if self._cache.made(digest):
            return True
        if path.suffix.lower() not in CLIPS:
            return False
        with self._lock:
            if digest in self._known:
                return self._known[digest]
        found = self._is_excerpt(path)
        with self._lock:
            self._known[digest] = found
            while len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _is_excerpt(self, path: Path) -> bool:
        from deepfake_core.pipelines.excerpts import is_excerpt

        try:
            return is_excerpt(path, self._originals, Deadline.after(settings().look_seconds))
        except LabError:
            return False

    @cached_property
    def _originals(self) -> "list[Fingerprints]":
        from deepfake_core.pipelines.excerpts import fingerprints

        return [fingerprints(clip) for clip in self._clips]
