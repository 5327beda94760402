"""Speed of the pipeline against the plain loop of the paper's demo, alternating in one process."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from benchmarks.report import Bar, Report, Row
from deepfake_core.media.images import Image
from deepfake_core.motion import RelativeMotion, transfer_motion
from deepfake_core.networks.fomm import CONFIGS, FirstOrderModel, FommConfig, Up
from deepfake_core.networks.inference import FoldedUp, prepare
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pixels import from_batch, from_unit, to_batch, to_unit

BAR = 1.25
FRAMES = 9  # a batch of one, with which every clip begins, and four of two
PLAIN = "plain loop"
OURS = "all (the pipeline)"
Way = Callable[[Image, list[Image]], list[Image]]


@torch.inference_mode()
def plain_loop(model: FirstOrderModel, source: Image, frames: list[Image]) -> list[Image]:
    """Animate as the demo of the paper does: one frame at a time, encoding the source again for each of them."""
    still = to_unit(to_batch([source]))
    here, initial = model.keypoint_detector(still), model.keypoint_detector(to_unit(to_batch([frames[0]])))
    made = []
    for frame in frames:
        moved = transfer_motion(here, model.keypoint_detector(to_unit(to_batch([frame]))), initial, RelativeMotion())
        prediction = model.generate(model.encode(still), here, moved).prediction
        made += from_batch(from_unit(prediction))
    return made


@torch.inference_mode()
def encoded_once(model: FirstOrderModel, source: Image, frames: list[Image]) -> list[Image]:
    """The same loop, with the source encoded once."""
    still = to_unit(to_batch([source]))
    here, initial = model.keypoint_detector(still), model.keypoint_detector(to_unit(to_batch([frames[0]])))
    encoded, made = model.encode(still), []
    for frame in frames:
        moved = transfer_motion(here, model.keypoint_detector(to_unit(to_batch([frame]))), initial, RelativeMotion())
        made.append(from_batch(from_unit(model.generate(encoded, here, moved).prediction))[0])
    return made


def pipeline(model: FirstOrderModel, network: FirstOrderModel | None = None) -> Way:
    """The public class, with `network`, if given, instead of the one that it prepares from `model`."""
    animator = ImageAnimator(model, name="benchmark", about="", device=torch.device("cpu"))
    animator.network = network or animator.network
    return lambda source, frames: list(animator(source, frames, crop="none"))


def folded_only(model: FirstOrderModel) -> FirstOrderModel:
    """The result of `prepare`, without the rewritten upsampling convolutions."""
    fast = prepare(model)
    blocks = (
        (fast.keypoint_detector.hourglass.decoder, model.keypoint_detector.hourglass.decoder),
        (fast.dense_motion.hourglass.decoder, model.dense_motion.hourglass.decoder),
        (fast.generator.up, model.generator.up),
    )
    for mine, theirs in blocks:
        for index, block in enumerate(theirs):
            assert isinstance(block, Up)
            mine[index] = FoldedUp(block)
    return fast.to(memory_format=torch.channels_last)


def measure_speed(
    config: FommConfig = CONFIGS["fomm-vox"], *, rounds: int = 5, frames: int = FRAMES, seed: int = 0
) -> Report:
    """Seconds per frame of each method, each adding one optimisation to the previous; rounds alternate between them."""
    generator = np.random.default_rng(seed)
    source, *clip = generator.integers(0, 256, (frames + 1, config.size, config.size, 3), dtype=np.uint8)
    model = FirstOrderModel(config).eval().requires_grad_(False)
    ways: dict[str, Way] = {
        PLAIN: lambda still, driving: plain_loop(model, still, driving),
        "+ source encoded once": lambda still, driving: encoded_once(model, still, driving),
        "+ frames in batches": pipeline(model, model),
        "+ folded, channels-last, packed": pipeline(model, folded_only(model)),
        OURS: pipeline(model),
    }
    largest = disagreement(ways[PLAIN], ways[OURS], source, clip[:3])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way(source, clip)
            seconds[name].append((time.perf_counter() - began) / frames)
    return report(seconds, frames, largest)


def disagreement(plain: Way, ours: Way, source: Image, frames: list[Image]) -> int:
    """Largest difference of the two results, in grey levels; also warms both up."""
    pairs = zip(plain(source, frames), ours(source, frames), strict=True)
    return max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)


def report(seconds: dict[str, list[float]], frames: int, largest: int) -> Report:
    """Build the report: medians, their ratios to the plain loop, and the spread of the ratios of single rounds."""
    medians = {name: median(times) for name, times in seconds.items()}
    ratios = {name: medians[PLAIN] / medians[name] for name in seconds}
    rounds = {name: [a / b for a, b in zip(seconds[PLAIN], times, strict=True)] for name, times in seconds.items()}
    notes = (
        f"{len(seconds[PLAIN])} rounds of {frames} frames each, random weights, {torch.get_num_threads()} threads. "
        "Each line adds to the one above it; in brackets, the smallest and largest ratio of single rounds.",
        f"Largest difference between the results of the first and the last line: {largest} of 255.",
    )
    return Report(
        title="speed fomm",
        columns=("s/frame", "ratio", "of single rounds"),
        rows=tuple(
            Row(
                name=name,
                values=(
                    f"{medians[name]:.3f}",
                    f"{ratios[name]:.2f}",
                    f"[{min(rounds[name]):.2f}, {max(rounds[name]):.2f}]",
                ),
            )
            for name in seconds
        ),
        notes=notes,
        bars=(Bar(claim=f"the pipeline at least {BAR:g} times as fast as the plain loop", met=ratios[OURS] >= BAR),),
        figures={"seconds_per_frame": seconds, "medians": medians, "ratios": ratios, "largest_difference": largest},
    )
