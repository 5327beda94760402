"""What a hostile file might have done: files read, written or left, addresses asked, memory kept."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.robustness.corpus.lures import Bait
from benchmarks.robustness.corpus.originals import clip, picture

SECRET = "canary-7c1f0e9b"
"""Stands in the bait's text; nobody who is not told may know it."""
LONG_AGO = 1_000_000_000
"""Seconds since 1970: a file was last read then, as long as nobody reads it."""


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine for hostile files to name: its address, and every path that anyone has asked for."""
    asked: list[str] = []

    class Counter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


class Trap:
    """The bait's files, and whether anyone bit."""

    def __init__(self, bait: Bait) -> None:
        self.bait = bait
        bait.folder.mkdir(parents=True)
        bait.clip.write_bytes(clip("mp4"))
        bait.picture.write_bytes(picture("png"))
        bait.text.write_text(f"{SECRET}\n")
        self._files = (bait.clip, bait.picture, bait.text)
        self._set()
        bait.text.read_text()
        self.sees_reading = self._was_read(bait.text)
        """Whether this file system notes when a file is read at all."""
        self._set()

    def _set(self) -> None:
        for path in self._files:
            os.utime(path, (LONG_AGO, path.stat().st_mtime))

    def _was_read(self, path: Path) -> bool:
        return path.stat().st_atime > LONG_AGO + 1

    def read(self) -> list[str]:
        """Names of the bait's files that somebody has read."""
        return [path.name for path in self._files if self._was_read(path)]

    def written(self) -> list[str]:
        """Names of files that hostile code or names have written."""
        own = {path.name for path in self._files}
        return sorted(path.name for path in self.bait.folder.iterdir() if path.name not in own)


class Cellar:
    """Folders for everything temporary of a run, so that what is left there can be counted."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "tmp"
        self.home = folder / "home"
        for place in (self.temporary, self.home):
            place.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that send a process's files there."""
        return {"TMPDIR": str(self.temporary), "DEEPFAKE_HOME": str(self.home)}

    def left(self) -> list[str]:
        """Everything that lies there now, but for what a running server keeps for its visitors."""
        places = [path.relative_to(place) for place in (self.temporary, self.home) for path in files(place)]
        return sorted(str(path) for path in places if not ALLOWED & set(path.parts))

    def kept(self) -> set[Path]:
        """Uploads and results that a running server keeps, and copies of its own examples."""
        return {path for path in files(self.temporary) if "gradio" in path.parts}

    def kept_beyond(self, seconds: float, own: set[Path]) -> list[str]:
        """Uploads and results that are still there after so long; it ends as soon as there are none but `own`."""
        end = time.monotonic() + seconds
        while (kept := self.kept() - own) and time.monotonic() < end:
            time.sleep(2)
        return sorted(str(path.relative_to(self.temporary)) for path in kept)


ALLOWED = frozenset(("gradio", "lock", "credentials"))
"""A running server's uploads and its lock go with it; the key that signs results is made once and stays."""


def files(folder: Path) -> list[Path]:
    """All files below a folder, which may change meanwhile."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names]


def resident(process: int) -> int:
    """Bytes of memory that a process holds; 0 where the system does not tell, or the process is gone."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
