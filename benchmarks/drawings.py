"""Held-out drawings as the benchmarks use them: their seeds, their bytes, and sheets of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from deepfake_core.metrics import psnr

Picture = UInt8[np.ndarray, "h w 3"]
HELD_OUT = 7_000_000_001  # no training run draws with this seed, or one of the next
EQUAL = 99.0  # dB that stand for pictures without any difference
GAP = 4  # white pixels between the pictures of a sheet


def held_out(index: int) -> torch.Generator:
    """The generator of the scene with that number, the same on every machine."""
    return torch.Generator().manual_seed(HELD_OUT + index)


def to_frames(image: Float[Tensor, "b 3 h w"]) -> UInt8[np.ndarray, "b h w 3"]:
    """Drawings in [0, 1] as the public classes take them."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def to_tensor(frames: Sequence[Picture] | UInt8[np.ndarray, "b h w 3"]) -> Float[Tensor, "b 3 h w"]:
    """Pictures as the measures take them, in [0, 1]."""
    return torch.from_numpy(np.stack(list(frames))).permute(0, 3, 1, 2).float() / 255


def mean_psnr(made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]) -> float:
    """Peak signal-to-noise ratio in decibels, averaged over the pictures."""
    return float(psnr(made, truth).clamp_max(EQUAL).mean())


def save_sheet(path: Path, rows: Sequence[Sequence[Picture | None]]) -> None:
    """Write pictures of one size in rows and columns on white; None leaves a place empty."""
    height, width = next(picture.shape[:2] for row in rows for picture in row if picture is not None)
    down, across = height + GAP, width + GAP
    sheet = np.full((len(rows) * down - GAP, max(map(len, rows)) * across - GAP, 3), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            if picture is not None:
                sheet[y * down : y * down + height, x * across : x * across + width] = picture
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path)
