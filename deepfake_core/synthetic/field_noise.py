"""One sheet of smooth noise that repeats in both directions, read wherever something should look grown."""

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

SIDE = 256  # texels
# Slope, the frequency from which it falls, and how far the sheet is drawn out along y.
_KINDS = {"cloud": (1.7, 2.0, 1.0), "leaf": (1.9, 9.0, 1.0), "bush": (1.0, 6.0, 1.0), "blade": (1.0, 14.0, 1.6)}


def noise(kind: str, x: Float[Tensor, "b h w"], y: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """Mean 0, deviation 1. The sheet repeats in x and y with period 1; what stands in it is the same in every picture.

    Kinds: `cloud` rolls, `leaf` clumps softly, `bush` has grain, `blade` is drawn out along y.
    """
    grid = torch.stack((x - x.floor(), y - y.floor()), -1) * 2 - 1
    sheet = _sheet(kind, x.device).expand(len(x), 1, SIDE + 1, SIDE + 1)
    return grid_sample(sheet, grid, align_corners=True)[:, 0]  # from edge to edge, which are equal


@lru_cache(maxsize=16)
def _sheet(kind: str, device: torch.device) -> Float[Tensor, "1 1 s s"]:
    """White noise whose frequencies f are weakened as f ** -slope, made on the CPU for every device alike."""
    slope, low, stretch = _KINDS[kind]
    white = torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(len(kind)))
    y = torch.fft.fftfreq(SIDE, 1 / SIDE)[:, None] * stretch
    x = torch.fft.rfftfreq(SIDE, 1 / SIDE)[None]
    f = (x * x + y * y).sqrt()
    weight = f.clamp_min(low) ** -slope * (-((f / 90) ** 2)).exp()
    weight[0, 0] = 0
    sheet = torch.fft.irfft2(torch.fft.rfft2(white) * weight, s=(SIDE, SIDE))
    sheet = (sheet - sheet.mean()) / (sheet.std() + math.ulp(1.0))
    wrapped = torch.cat((sheet, sheet[:, :1]), 1)
    return torch.cat((wrapped, wrapped[:1]), 0)[None, None].to(device)
