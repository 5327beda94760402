"""Bytes and the networks' two ranges: one conversion for each, in each direction.

The First Order Motion Model and the drawn worlds work in [0, 1] ("unit"), the translators in [-1, 1] ("signed").
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor


def to_unit(pixels: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Bytes as numbers in [0, 1]."""
    return pixels.float() / 255


def from_unit(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Numbers in [0, 1] as bytes; what lies beyond is clipped."""
    return (values.float().clamp(0, 1) * 255).round().to(torch.uint8)


def to_signed(pixels: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Bytes as numbers in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def from_signed(values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Numbers in [-1, 1] as bytes; what lies beyond is clipped."""
    return ((values.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_batch(
    images: Sequence[UInt8[np.ndarray, "h w 3"]], device: torch.device | str = "cpu"
) -> UInt8[Tensor, "b 3 h w"]:
    """Images of one size as one tensor of bytes."""
    return torch.from_numpy(np.stack(list(images))).to(device).permute(0, 3, 1, 2)


def from_batch(pixels: UInt8[Tensor, "b 3 h w"]) -> list[UInt8[np.ndarray, "h w 3"]]:
    """The images of a tensor of bytes."""
    return list(pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy())
