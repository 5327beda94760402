"""One ffmpeg process: allowed files and formats, and the meaning of its messages."""

import math
import os
import re
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
"""Demuxers allowed. Playlists (HLS, concat, DASH) are excluded: an uploaded one could name other local files."""

THREADS = 4
"""Threads per decoder: each holds its own frames, and on a large machine ffmpeg would start dozens."""

TRUE_COLOUR = "bicubic+accurate_rnd+full_chroma_int"
"""Flags for scaling and colour conversion. ffmpeg's faster default darkens RGB by 1 to 2 levels and is less exact."""

NO_SPACE = ("No space left on device", "Disk quota exceeded", "File too large")
NO_MEMORY = "allocate memory"
SIGKILL, SIGSEGV, SIGXFSZ = 9, 11, 25


def source(path: Path, threads: int = THREADS) -> list[str]:
    """Arguments that open `path` as an input: local files only, with `file:` so that no name is taken for an option."""
    opened = ("-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS, "-threads", str(threads))
    return [*opened, "-i", f"file:{os.path.abspath(path)}"]


def escaped(path: Path) -> str:
    """A path as the value of a filter's option: escaped for the option, then for the filter graph."""
    option = re.sub(r"([\\':\s])", r"\\\1", path.as_posix())
    return re.sub(r"([\\'\[\],;])", r"\\\1", option)


class Ffmpeg(ChildProcess):
    """A running ffmpeg, sandboxed so that it can open its inputs and its output and nothing else."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        reads: Sequence[Path] = (),
        writes: Path | None = None,
        pipe_input: bool = False,
        pipe_output: bool = False,
        seconds: int | None = None,
        deadline: Deadline = NEVER,
    ) -> None:
        """Start it; `pipe_input` opens a pipe to its standard input (`pipe:0`), `pipe_output` to its output (`pipe:1`).

        `reads` are the input files named in `arguments`, `writes` is the output file (None: it may write none). A
        process that reads files has limited memory, and its CPU time is limited by `seconds`, if given, and the
        deadline.
        """
        program = shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
        if program is None:
            raise FileNotFoundError("ffmpeg not found; reinstall imageio-ffmpeg, or unset IMAGEIO_FFMPEG_EXE")
        self._cpu = _cpu_seconds(seconds, deadline) if reads else None
        libraries = Path(program).resolve().parents[1] / "lib"  # conda's location
        bounded = ["-filter_threads", str(THREADS)] if reads else []
        common = ["-hide_banner", *([] if pipe_input else ["-nostdin"]), *bounded]
        command = sandboxed(
            [program, *common, *arguments],
            memory=settings().decode_megabytes << 20 if reads else None,
            cpu=self._cpu,
            file=0 if writes is None else None,
            reads=(*reads, libraries),
            writes=() if writes is None else (writes,),
        )
        super().__init__(
            command, source=subprocess.DEVNULL, pipe_input=pipe_input, pipe_output=pipe_output, deadline=deadline
        )

    def ran_out_of_space(self, status: int) -> bool:
        """Whether it failed because the disk or the quota was full or the file size limit was reached."""
        return status == -SIGXFSZ or any(reason in line for line in self.messages for reason in NO_SPACE)

    def exceeded(self, name: str) -> LabError | None:
        """The error for the file `name` if the process, which has ended, hit its time or memory limit; else None.

        Raises `TookTooLong` when that limit was the deadline.
        """
        self.check_deadline()
        if any(NO_MEMORY in line for line in self.messages):
            return out_of_memory(name)
        spent = (
            self._cpu is not None and self.status == -SIGKILL
        )  # the kernel kills a process that exceeds its CPU time limit
        if spent and self.deadline != NEVER:
            raise self.deadline.error()
        if self.timed_out or spent:
            return UnreadableMedia(f"{name} takes too long to decode; save it again in another format")
        return None


def out_of_memory(name: str) -> MediaTooLarge:
    """The error for the file `name` when its decoder reached the memory limit."""
    limit = f"{settings().decode_megabytes} MB"
    return MediaTooLarge(f"{name} needs more memory to decode than the limit of {limit}; scale it down first")


def _cpu_seconds(seconds: int | None, deadline: Deadline) -> int | None:
    """CPU time allowed for all threads together; None for no limit."""
    allowed = min(math.inf if seconds is None else seconds, deadline.remaining())
    return None if allowed == math.inf else math.ceil(allowed) * THREADS
