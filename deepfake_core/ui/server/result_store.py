"""The results of the examples on disk: they are there at the next start. Uploads never get here."""

import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deepfake_core.media.atomic_write import atomic_file

EVENTS, ANSWER = "events.json", "answer.json"
MAX_STORED = 300
"""Results and readings; the least recently used ones beyond this are removed. A result takes less than 2 MB."""
UNFINISHED = ".part-"

log = logging.getLogger(__name__)


class ResultStore:
    """A folder with one folder a result, which appears under its name only once it is complete."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    def load(self, key: str, into: Path) -> list[Any] | None:
        """The events of a run, with copies of its files in the empty folder `into`; None if it is not stored."""
        from deepfake_core.pipelines.stored_events import from_json

        return self._read(key, EVENTS, lambda place, text: self._copied(place, into) or from_json(text, into))

    def save(self, key: str, events: Sequence[Any], folder: Path) -> None:
        """Store the events of a run whose files are in `folder`. A full or read-only disk is only logged."""
        from deepfake_core.pipelines.stored_events import to_json

        self._write(key, EVENTS, lambda: to_json(events, folder), folder)

    def answer(self, key: str) -> Any:
        """A stored reading; None if there is none."""
        return self._read(key, ANSWER, lambda place, text: json.loads(text))

    def save_answer(self, key: str, answer: Any) -> None:
        """Store a reading, which is JSON-compatible."""
        self._write(key, ANSWER, lambda: json.dumps(answer), None)

    def _place(self, key: str) -> Path:
        return self.folder / hashlib.sha256(key.encode()).hexdigest()

    def _read(self, key: str, name: str, read: Callable[[Path, str], Any]) -> Any:
        place = self._place(key)
        try:
            text = (place / name).read_text(encoding="utf-8")
            with suppress(OSError):
                os.utime(place)  # used now
            return read(place, text)
        except FileNotFoundError:
            return None
        except Exception:  # damaged: it is made again
            log.warning("a stored result cannot be read; it is made again", exc_info=True)
            shutil.rmtree(place, ignore_errors=True)
            return None

    def _write(self, key: str, name: str, text: Callable[[], str], files: Path | None) -> None:
        place = self._place(key)
        temporary = self.folder / f"{place.name}{UNFINISHED}{os.getpid()}-{threading.get_ident()}"
        try:
            with self._lock:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                temporary.mkdir()
                if files is not None:
                    self._copied(files, temporary)
                with atomic_file(temporary / name) as file:  # flushed, so that no power cut leaves an empty one
                    file.write_text(text(), encoding="utf-8")
                if not place.exists():
                    os.rename(temporary, place)
                self._prune()
        except (OSError, ValueError, TypeError):
            log.warning("a result of an example cannot be stored in %s", self.folder, exc_info=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @staticmethod
    def _copied(source: Path, target: Path) -> None:
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(EVENTS, ANSWER, "live.*"))

    def _prune(self) -> None:
        """Remove the least recently used results, and what a killed server left unfinished."""
        stored = list[tuple[float, Path]]()
        for place in self.folder.iterdir():
            with suppress(OSError):
                stored.append((place.stat().st_mtime, place))
        old = [place for when, place in stored if UNFINISHED in place.name and time.time() - when > 3600]
        finished = sorted(one for one in stored if UNFINISHED not in one[1].name)
        for place in [*old, *(place for _, place in finished[: max(0, len(finished) - MAX_STORED)])]:
            shutil.rmtree(place, ignore_errors=True)
