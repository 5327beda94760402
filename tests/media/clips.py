"""Small clips made by ffmpeg itself, and independent looks into files (not through the code under test)."""

import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np


def ffmpeg(*arguments: str | Path) -> str:
    """Run ffmpeg and return what it printed; a failure is the test's failure."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def make_clip(
    path: Path,
    *,
    rate: str = "25",
    frames: int = 25,
    size: str = "64x48",
    sound: float | None = None,
    extra: tuple[str, ...] = (),
) -> Path:
    """Encode a moving test pattern, with a tone of `sound` seconds."""
    tone = () if sound is None else ("-f", "lavfi", "-i", f"sine=440:d={sound}")
    pattern = ("-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}")
    codec = () if path.suffix in (".gif", ".webm") else ("-pix_fmt", "yuv420p", "-movflags", "+faststart")
    ffmpeg(*pattern, *tone, "-frames:v", str(frames), *codec, *extra, path)
    return path


def count_frames(path: Path) -> int:
    """How many pictures the file holds, decoded as stored."""
    report = ffmpeg("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "null", "-")
    return int(re.findall(r"frame= *(\d+)", report)[-1])


def describe(path: Path) -> str:
    """What ffmpeg prints of a file's header."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, check=False).stderr.decode()


def duration(path: Path, stream: str) -> float:
    """Seconds of the stream `v:0` or `a:0`, decoded to the end."""
    report = ffmpeg("-i", path, "-map", f"0:{stream}", "-f", "null", "-")
    hours, minutes, seconds = re.findall(r"time=(\d+):(\d+):([\d.]+)", report)[-1]
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def samples(path: Path, rate: int = 48000) -> np.ndarray:
    """Mono sound on the file's clock."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:a:0"]
    command += ["-af", "aresample=async=1:first_pts=0", "-f", "s16le", "-ac", "1", "-ar", str(rate), "-"]
    wave: np.ndarray = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.int16)
    return wave


def onset_of_sound(path: Path) -> float:
    """Seconds to the first loud sample."""
    wave = np.abs(samples(path).astype(int))
    return float(np.argmax(wave > wave.max() / 3)) / 48000


def gradient(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Return a smooth frame whose brightness says its number."""
    ramp = np.linspace(0, 60, width)[None, :, None] + np.linspace(0, 60, height)[:, None, None]
    frame: np.ndarray = np.clip(ramp + np.array([20, 60, 100]) + index % 30, 0, 255).astype(np.uint8)
    return frame


def make_slow_clip(path: Path, side: int = 4096, frames: int = 2000) -> Path:
    """A small file that takes minutes to read: a few huge frames, encoded once and repeated."""
    short = path.with_name(f"{path.stem}-short.mp4")
    make_clip(short, size=f"{side}x{side}", rate="50", frames=4, extra=("-preset", "veryfast", "-crf", "45"))
    ffmpeg("-stream_loop", str(frames // 4 - 1), "-i", short, "-c", "copy", "-movflags", "+faststart", path)
    return path


def child_processes() -> list[str]:
    """Commands of the decoders and encoders that this process started and has not buried."""
    listing = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "command="], capture_output=True, check=False, text=True
    )
    ours = ("ffmpeg", "deepfake_core", "<defunct>")
    return [line for line in listing.stdout.splitlines() if any(word in line for word in ours)]


NTSC = Fraction(30000, 1001)
