"""The animator against the plain loop of the paper's demo, which encodes the source again for every frame."""

import numpy as np
import torch

from benchmarks.report import Report
from benchmarks.speed.alternated import HALF, OURS, PLAIN, Wanted, alternate, report
from deepfake_core.media.images import Image
from deepfake_core.motion import RelativeMotion, transfer_motion
from deepfake_core.networks.fomm import CONFIGS, FirstOrderModel, FommConfig, Up
from deepfake_core.networks.inference import FoldedUp, prepare
from deepfake_core.pipelines.animator import ImageAnimator
from deepfake_core.pixels import from_batch, from_unit, to_batch, to_unit
from deepfake_core.settings import Precision

FRAMES = 9  # a batch of one, with which every clip begins, and four of two
BARS = {OURS: Wanted(2.2, 1), HALF: Wanted(3.3)}


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
    encoded, here = model.encode(still), model.keypoint_detector(still)
    initial = model.keypoint_detector(to_unit(to_batch([frames[0]])))
    made = []
    for frame in frames:
        moved = transfer_motion(here, model.keypoint_detector(to_unit(to_batch([frame]))), initial, RelativeMotion())
        made += from_batch(from_unit(model.generate(encoded, here, moved).prediction))
    return made


def pipeline(
    model: FirstOrderModel, network: FirstOrderModel | None = None, precision: Precision = "float32"
) -> ImageAnimator:
    """The app's pipeline, with its own network or with `network`."""
    animator = ImageAnimator(model, name="benchmark", about="", device=torch.device("cpu"), precision=precision)
    animator.network = network or animator.network
    return animator


def folded_only(model: FirstOrderModel) -> FirstOrderModel:
    """As `prepare`, but without the convolutions that replace upsampling."""
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
    """Seconds per frame of each way, each adding one optimisation to the previous; rounds alternate between them."""
    generator = np.random.default_rng(seed)
    source, *clip = generator.integers(0, 256, (frames + 1, config.size, config.size, 3), dtype=np.uint8)
    model = FirstOrderModel(config).eval().requires_grad_(False)
    batched, folded = pipeline(model, model), pipeline(model, folded_only(model))
    ours, half = pipeline(model), pipeline(model, precision="bfloat16")
    timed = alternate(
        {
            PLAIN: lambda: plain_loop(model, source, clip),
            "+ source encoded once": lambda: encoded_once(model, source, clip),
            "+ frames in batches": lambda: list(batched(source, clip, crop="none")),
            "+ folded, channels-last, packed": lambda: list(folded(source, clip, crop="none")),
            OURS: lambda: list(ours(source, clip, crop="none")),
            HALF: lambda: list(half(source, clip, crop="none")),
        },
        rounds,
    )
    note = f"{frames} frames, random weights. Each line adds to the one above it."
    return report("fomm", timed, BARS, [note])
