"""Peak memory of animating a long clip against a short one: it must not grow with the clip."""

import multiprocessing
import resource
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from benchmarks.quality.fomm import drawn
from benchmarks.report import Bar, Report, Row
from deepfake_core.faces import Whole
from deepfake_core.media.encode import VideoEncoder
from deepfake_core.media.images import Image
from deepfake_core.networks.fomm import FirstOrderModel, FommConfig, HourglassConfig
from deepfake_core.pipelines.animation import AnimationRequest, animate
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pipelines.events import Finished
from deepfake_core.synthetic.heads import sample_identity
from deepfake_core.synthetic.heads.motions import turning_clip

BAR = 1.10
SHORT, LONG = 300, 3000
LOOP = 50  # distinct frames in the driving clip, which repeats them


def narrow_config(size: int) -> FommConfig:
    """A fast network of few channels with frames of full size, so that buffered frames would still be noticed."""
    hourglass = HourglassConfig(base=4, widest=16, levels=3)
    return FommConfig(size=size, base=4, widest=8, residual_blocks=1, detector=hourglass, motion=hourglass)


def measure_memory(size: int = 192, short: int = SHORT, long: int = LONG) -> Report:
    """Animate two clips through the whole pipeline (decode, network, encode), each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {count: peak_in_subprocess(Path(folder), count, size) for count in (short, long)}
    ratio = peaks[long] / peaks[short]
    held = (long - short) * size * size * 3
    return Report(
        title="memory fomm",
        columns=("peak MB",),
        rows=tuple(Row(name=f"{count} frames", values=(f"{peak / 1e6:.0f}",)) for count, peak in peaks.items()),
        notes=(
            f"Ratio {ratio:.3f}. Frames of {size} px; keeping all of them would add {held / 1e6:.0f} MB. The network "
            "has few channels, for speed: its own memory depends on the batch, not on the clip. Peak resident memory "
            "of the animating process, a new one for each clip, without ffmpeg's processes.",
        ),
        bars=(Bar(claim=f"{long} frames take at most {BAR:g} times the memory of {short}", met=ratio <= BAR),),
        figures={"peak_bytes": peaks, "ratio": ratio, "size": size},
    )


def peak_in_subprocess(folder: Path, frames: int, size: int) -> int:
    """Peak resident bytes of a new process that animates a clip of `frames` frames."""
    driving = folder / f"driving-{frames}.mp4"
    write_clip(driving, frames, size)
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        made, peak = pool.apply(animate_and_measure, (driving, folder / f"result-{frames}.mp4", size))
    if made != frames:
        raise RuntimeError(f"expected {frames} frames, got {made}")
    return peak


def write_clip(path: Path, frames: int, size: int) -> None:
    """Write a clip of a moving drawn head, repeated as often as needed."""
    generator = torch.Generator().manual_seed(0)
    loop = drawn(sample_identity(1, generator), turning_clip(min(LOOP, frames), generator), size)
    with VideoEncoder(path, rate=Fraction(25)) as video:
        for index in range(frames):
            video.write(loop[index % len(loop)])


def animate_and_measure(driving: Path, output: Path, size: int) -> tuple[int, int]:
    """Animate in this process; return the number of frames and the peak resident bytes."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = FirstOrderModel(narrow_config(size)).eval().requires_grad_(False)
    animator = ImageAnimator(model, name="narrow", about="", device=torch.device("cpu"))
    source: Image = np.full((size, size, 3), 128, dtype=np.uint8)
    request = AnimationRequest(source=source, driving=driving, output=output, source_crop=Whole(), driving_crop=Whole())
    *_, finished = animate(animator, request)
    assert isinstance(finished, Finished)
    frames: int = finished.files[0].facts["frames"]
    return frames, peak_memory()


def peak_memory() -> int:
    """Peak resident bytes of this process, without its parent's: Linux hands `ru_maxrss` down through fork and exec."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
