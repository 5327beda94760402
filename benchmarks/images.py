"""Held-out drawings of the benchmarks: seeds, conversions, and sample grids."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from deepfake_core.metrics import psnr
from deepfake_core.pixels import from_batch, from_unit, to_batch, to_unit

Picture = UInt8[np.ndarray, "h w 3"]
HELD_OUT = 7_000_000_001  # neither this seed nor the following ones are used in training
EQUAL = 99.0  # dB reported for equal images, whose PSNR is infinite
GAP = 4  # white pixels between the images of a grid


def held_out(index: int) -> torch.Generator:
    """The generator of the scene with this index, the same on every machine."""
    return torch.Generator().manual_seed(HELD_OUT + index)


def to_frames(image: Float[Tensor, "b 3 h w"]) -> UInt8[np.ndarray, "b h w 3"]:
    """Convert drawings in [0, 1] to uint8 arrays, as the public classes take them."""
    return np.stack(from_batch(from_unit(image)))


def to_tensor(frames: Sequence[Picture] | UInt8[np.ndarray, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
    """Convert uint8 arrays to tensors in [0, 1], as the metrics take them."""
    return to_unit(to_batch(list(frames)))


def mean_psnr(made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]) -> float:
    """Peak signal-to-noise ratio in decibels, averaged over the images."""
    return float(psnr(made, truth).clamp_max(EQUAL).mean())


def save_grid(path: Path, rows: Sequence[Sequence[Picture | None]]) -> None:
    """Write images of one size as a grid on white; None leaves a cell empty."""
    height, width = next(picture.shape[:2] for row in rows for picture in row if picture is not None)
    down, across = height + GAP, width + GAP
    grid = np.full((len(rows) * down - GAP, max(map(len, rows)) * across - GAP, 3), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            if picture is not None:
                grid[y * down : y * down + height, x * across : x * across + width] = picture
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grid).save(path)
