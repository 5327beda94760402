"""One ffmpeg process: how it is started, watched and ended. It is the only program that this package starts."""

import os
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import imageio_ffmpeg

STALL_SECONDS = 60.0
"""A decoder that yields nothing for this long has been handed something it cannot finish."""

CONTAINERS = "mov,mp4,matroska,webm,gif,apng,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,wav,mp3,flac,aac"
"""Playlists (HLS, concat, DASH) are left out: an uploaded one could name other files of this machine."""

TRUE_COLOUR = "bicubic+accurate_rnd+full_chroma_int"
"""How to scale and change colour spaces. ffmpeg's quicker default darkens RGB by 1 to 2 levels and errs more."""

NO_SPACE = ("No space left on device", "Disk quota exceeded", "File too large")
SIGXFSZ = 25


def source(path: Path) -> list[str]:
    """Arguments that open `path` as an input: local files only, `file:` so that no name is read as an option."""
    return ["-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS, "-i", f"file:{os.path.abspath(path)}"]


class Ffmpeg:
    """A running ffmpeg. A thread drains its messages, so that it never blocks on them, and keeps the last ones."""

    def __init__(self, arguments: Sequence[str], *, feeds: bool = False, yields: bool = False) -> None:
        """Start it; `feeds` opens a pipe to its standard input (`pipe:0`), `yields` one from its output (`pipe:1`)."""
        quiet = ["-hide_banner", *([] if feeds else ["-nostdin"])]
        self._process = subprocess.Popen(
            [imageio_ffmpeg.get_ffmpeg_exe(), *quiet, *arguments],
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE if yields else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for this program, which ends its ffmpegs in order
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows opens a console otherwise
        )
        self.messages: deque[str] = deque(maxlen=1000)
        self._drain = threading.Thread(target=_drain, args=(self._process.stderr, self.messages), daemon=True)
        self._drain.start()

    @property
    def input(self) -> IO[bytes]:
        assert self._process.stdin is not None, "started without feeds=True"
        return self._process.stdin

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None, "started without yields=True"
        return self._process.stdout

    def wait(self, seconds: float | None = None) -> int:
        """Return its exit status once it ended by itself, killing it after `seconds`; `messages` is complete then."""
        with self.guarded(seconds):
            status = self._process.wait()
        self._drain.join(timeout=STALL_SECONDS)
        return status

    def kill(self) -> None:
        """End it now and leave neither a process nor an open pipe. Harmless after its end."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was buffered for the dead process cannot be delivered any more
                if pipe is not None:
                    pipe.close()
        self._process.wait()

    @contextmanager
    def guarded(self, seconds: float | None = STALL_SECONDS) -> Iterator[None]:
        """Kill it when the block takes longer than `seconds`: a blocked read or write then ends too."""
        if seconds is None:
            yield
            return
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def ran_out_of_space(self, status: int) -> bool:
        """Whether it ended because the disk, the quota or the largest allowed file was full."""
        return status == -SIGXFSZ or any(reason in line for line in self.messages for reason in NO_SPACE)


def _drain(stream: IO[bytes], messages: deque[str]) -> None:
    with stream:
        for line in iter(lambda: stream.readline(1000), b""):
            messages.append(line.decode("utf-8", errors="replace").rstrip("\r\n"))
