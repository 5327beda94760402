"""One ffmpeg process: what it may open, in which formats, and what its messages mean."""

import math
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

from deepfake_core.deadline import NEVER, Deadline
from deepfake_core.errors import LabError, MediaTooLarge, UnreadableMedia
from deepfake_core.media.child_process import ChildProcess, sandboxed
from deepfake_core.settings import settings

CONTAINERS = "mov,mp4,matroska,webm,gif,apng,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,wav,mp3,flac,aac"
"""Playlists (HLS, concat, DASH) are left out: an uploaded one could name other files of this machine."""

THREADS = 4
"""Of one decoder: each holds frames of its own, and on a large machine ffmpeg would start dozens."""

TRUE_COLOUR = "bicubic+accurate_rnd+full_chroma_int"
"""How to scale and change colour spaces. ffmpeg's quicker default darkens RGB by 1 to 2 levels and errs more."""

NO_SPACE = ("No space left on device", "Disk quota exceeded", "File too large")
NO_MEMORY = "allocate memory"
SIGKILL, SIGXFSZ = 9, 25


def source(path: Path, threads: int = THREADS) -> list[str]:
    """Arguments that open `path` as an input: local files only, `file:` so that no name is read as an option."""
    opened = ("-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS, "-threads", str(threads))
    return [*opened, "-i", f"file:{os.path.abspath(path)}"]


class Ffmpeg(ChildProcess):
    """A running ffmpeg, in a jail where it can open its inputs and its output and nothing else."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        reads: Sequence[Path] = (),
        writes: Path | None = None,
        feeds: bool = False,
        yields: bool = False,
        seconds: int | None = None,
        deadline: Deadline = NEVER,
    ) -> None:
        """Start it; `feeds` opens a pipe to its standard input (`pipe:0`), `yields` one from its output (`pipe:1`).

        `reads` are the files that `arguments` name as inputs and `writes` the one that it makes: without it none.
        Memory is bounded as soon as it reads a file, and its CPU time then by `seconds`, if given, and by the deadline.
        """
        program = shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
        if program is None:
            raise FileNotFoundError("there is no ffmpeg; install imageio-ffmpeg again, or unset IMAGEIO_FFMPEG_EXE")
        self._cpu = _processor_seconds(seconds, deadline) if reads else None
        libraries = Path(program).resolve().parents[1] / "lib"  # where conda keeps them
        bounded = ["-filter_threads", str(THREADS)] if reads else []
        quiet = ["-hide_banner", *([] if feeds else ["-nostdin"]), *bounded]
        command = sandboxed(
            [program, *quiet, *arguments],
            memory=settings().decode_megabytes << 20 if reads else None,
            cpu=self._cpu,
            file=0 if writes is None else None,
            reads=(*reads, libraries),
            writes=() if writes is None else (writes,),
        )
        super().__init__(command, source=subprocess.DEVNULL, feeds=feeds, yields=yields, deadline=deadline)

    def ran_out_of_space(self, status: int) -> bool:
        """Whether it ended because the disk, the quota or the largest allowed file was full."""
        return status == -SIGXFSZ or any(reason in line for line in self.messages for reason in NO_SPACE)

    def exceeded(self, name: str) -> LabError | None:
        """What to say of the file `name` when the process, which has ended, hit its limit of time or memory.

        Raises `TookTooLong` when that limit was the deadline.
        """
        self.check_deadline()
        if any(NO_MEMORY in line for line in self.messages):
            limit = f"{settings().decode_megabytes} MB"
            return MediaTooLarge(f"{name} needs more memory to decode than the limit of {limit}; scale it down first")
        spent = self._cpu is not None and self.status == -SIGKILL  # the kernel ends who has used up its processor time
        if spent and self.deadline != NEVER:
            raise self.deadline.error()
        if self.timed_out or spent:
            return UnreadableMedia(f"{name} takes too long to decode; save it again in another format")
        return None


def _processor_seconds(seconds: int | None, deadline: Deadline) -> int | None:
    """What all threads together may use; None for no limit."""
    allowed = min(math.inf if seconds is None else seconds, deadline.remaining())
    return None if allowed == math.inf else math.ceil(allowed) * THREADS
