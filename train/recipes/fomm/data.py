"""Pairs of frames from the clips of a folder, and the types of pairs and their ground truth."""

import logging
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from deepfake_core.errors import BadRequest, LabError
from deepfake_core.motion import Keypoints
from deepfake_core.pixels import to_unit

logger = logging.getLogger("train")
CLIPS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".gif")
FRAMES_PER_CLIP = 32  # kept in memory, evenly spaced over the clip


class Truth(NamedTuple):
    """Ground truth of a batch of drawn pairs."""

    source: Keypoints
    driving: Keypoints
    flow: Float[Tensor, "b hs ws 2"]  # position in the source of each pixel of the driving frame
    shown: Float[Tensor, "b hs ws"]  # 1 where it is visible in the source
    named: Float[Tensor, " b"]  # 1 where the keypoints are known; 0 for objects without a face


class Pairs(NamedTuple):
    """b pairs of frames, in [0, 1], each from one clip; drawn ones have ground truth."""

    source: Float[Tensor, "b 3 h w"]
    driving: Float[Tensor, "b 3 h w"]
    truth: Truth | None = None


def sample_clips(folder: str, batch: int, size: int, device: torch.device) -> Callable[[torch.Generator], Pairs]:
    """Return a function that draws `batch` pairs from the clips of a folder: videos, or folders of numbered frames.

    Every clip is read once, and `FRAMES_PER_CLIP` of its frames are kept in memory (uint8, size x size: 6 MB per clip
    at 256). Clips that cannot be read or have fewer than two frames are skipped with a warning; raises `BadRequest` if
    none is left.
    """
    clips = read_clips(Path(folder), size)

    def draw(generator: torch.Generator) -> Pairs:
        def chance(count: int) -> int:
            return int(torch.randint(count, (), generator=generator, device=generator.device))

        pairs = []
        for _ in range(batch):
            clip = clips[chance(len(clips))]
            first = chance(len(clip))
            pairs.append(clip[[first, (first + 1 + chance(len(clip) - 1)) % len(clip)]])
        both = to_unit(torch.stack(pairs).to(device).permute(1, 0, 4, 2, 3))  # (2, b, 3, h, w)
        mirrored = torch.rand(batch, generator=generator, device=generator.device).to(device) < 0.5
        both = torch.where(mirrored[None, :, None, None, None], both.flip(-1), both)
        return Pairs(both[0], both[1])

    return draw


def read_clips(folder: Path, size: int) -> list[UInt8[Tensor, "n h w 3"]]:
    """Read up to `FRAMES_PER_CLIP` frames of every clip in `folder`, cropped and resized to squares of `size`."""
    clips, skipped = [], 0
    for path in sorted(folder.iterdir()):
        if not (path.is_dir() or path.suffix.lower() in CLIPS):
            continue
        try:
            frames = read_frames_of(path, size)
        except LabError as error:
            logger.warning("skipped: %s", error)
            skipped += 1
            continue
        if len(frames) < 2:
            logger.warning("skipped: %s has fewer than two frames", path.name)
            skipped += 1
            continue
        clips.append(torch.stack(frames))
    if not clips:
        raise BadRequest(f"no clip in {folder}; add videos ({', '.join(CLIPS)}) or folders of frames")
    logger.info("%d clips of %s, %d skipped", len(clips), folder, skipped)
    return clips


def read_frames_of(path: Path, size: int) -> list[UInt8[Tensor, "h w 3"]]:
    """Read at most `FRAMES_PER_CLIP` frames of one clip, evenly spaced."""
    from deepfake_core.media.decode import probe, read_frames  # not at import: a GPU machine may have no ffmpeg
    from deepfake_core.media.images import SUFFIXES, read_image

    if path.is_dir():
        stills = sorted(still for still in path.iterdir() if still.suffix.lower() in SUFFIXES)
        step = max(1, -(-len(stills) // FRAMES_PER_CLIP))
        return [square(read_image(still, trusted=True), size) for still in stills[::step]]
    step = max(1, -(-(probe(path).frames or 1) // FRAMES_PER_CLIP))
    with read_frames(path) as stream:
        frames = (square(frame, size) for place, frame in enumerate(stream) if place % step == 0)
        return list(islice(frames, FRAMES_PER_CLIP))


def square(frame: UInt8[np.ndarray, "h w 3"], size: int) -> UInt8[Tensor, "s s 3"]:
    """Crop the centre square and resize it."""
    side = min(frame.shape[:2])
    top, left = (frame.shape[0] - side) // 2, (frame.shape[1] - side) // 2
    pixels = torch.from_numpy(np.ascontiguousarray(frame[top : top + side, left : left + side]))
    image = pixels.permute(2, 0, 1)[None].float()
    image = F.interpolate(image, size=(size, size), mode="bilinear", antialias=True, align_corners=False)
    return image[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8)
