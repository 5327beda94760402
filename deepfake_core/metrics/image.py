"""How alike two pictures are.

Pictures are (b, 3, h, w) in [0, 1]. Every measure gives one number for each pair of them; its `.mean()` is the batch's.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.errors import MediaTooSmall

WINDOW = 11
"""Side of the Gaussian window of the structural similarity."""

DEVIATION = 1.5
"""Its standard deviation, in pixels."""

LUMINANCE_FLOOR = 0.01**2
"""(K1 L)^2 with the range L = 1: keeps the ratio of means steady in the dark."""

CONTRAST_FLOOR = 0.03**2
"""(K2 L)^2: the same for the ratio of variances, in flat regions."""


def psnr(made: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Peak signal-to-noise ratio in decibels, 10 log10(1 / mean squared error): higher is better, equal is infinity."""
    error = (made.float() - truth.float()).square().mean(dim=(1, 2, 3))
    return -10.0 * torch.log10(error)


def ssim(made: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Mean structural similarity (Wang et al., IEEE TIP 2004, eq. 13 and 17): 1 for equal pictures, lower is worse.

        SSIM = (2 m_a m_b + C1) (2 s_ab + C2) / ((m_a^2 + m_b^2 + C1) (s_a^2 + s_b^2 + C2))

    with means m, variances s^2 and covariance s_ab under an 11x11 Gaussian window; averaged over the windows that lie
    inside the picture, and over the colours. Raises `MediaTooSmall` for pictures smaller than a window.
    """
    if min(made.shape[-2:]) < WINDOW:
        height, width = made.shape[-2:]
        raise MediaTooSmall(
            f"a picture of {width}x{height} pixels is too small to compare; use {WINDOW}x{WINDOW} or more"
        )
    a, b = made.float(), truth.float()
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    variance_a = _window_mean(a * a) - mean_a.square()
    variance_b = _window_mean(b * b) - mean_b.square()
    covariance = _window_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + LUMINANCE_FLOOR) / (mean_a.square() + mean_b.square() + LUMINANCE_FLOOR)
    structure = (2 * covariance + CONTRAST_FLOOR) / (variance_a + variance_b + CONTRAST_FLOOR)
    return (luminance * structure).mean(dim=(1, 2, 3))


def _window_mean(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h-10 w-10"]:
    """Average under the Gaussian window around each pixel that has room for it: the product of two lines."""
    offset = torch.arange(WINDOW, dtype=image.dtype, device=image.device) - WINDOW // 2
    weight = torch.exp(-0.5 * (offset / DEVIATION).square())
    weight = weight / weight.sum()
    flat = image.flatten(0, 1)[:, None]  # every colour is a picture of its own
    flat = F.conv2d(F.conv2d(flat, weight.view(1, 1, -1, 1)), weight.view(1, 1, 1, -1))
    return flat.view(*image.shape[:2], *flat.shape[-2:])
