"""Similarity of images.

Images are (b, 3, h, w) in [0, 1]. Every measure returns one value for each pair of images.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.errors import MediaTooSmall

WINDOW = 11
"""Side of the Gaussian window of the structural similarity, in pixels."""


def psnr(made: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Peak signal-to-noise ratio in decibels, 10 log10(1 / mean squared error): higher is better, infinite if equal."""
    error = (made.float() - truth.float()).square().mean(dim=(1, 2, 3))
    return -10.0 * torch.log10(error)


def ssim(made: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Mean structural similarity (Wang et al., IEEE TIP 2004, eq. 13 and 17), by scikit-image: 1 if equal.

    The Gaussian window has 11 x 11 pixels and sigma 1.5; the mean is over channels and over windows inside the image.
    Raises `MediaTooSmall` for images smaller than a window.
    """
    from skimage.metrics import structural_similarity  # not at import: training runs without scikit-image

    height, width = made.shape[-2:]
    if min(height, width) < WINDOW:
        raise MediaTooSmall(
            f"images must have at least {WINDOW}x{WINDOW} pixels for structural similarity, got {width}x{height}"
        )
    values = [
        structural_similarity(
            one.double().cpu().numpy(), other.double().cpu().numpy(), channel_axis=0, data_range=1.0,
            gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        )
        for one, other in zip(made, truth, strict=True)
    ]  # fmt: skip
    return torch.tensor(values, dtype=torch.float32, device=made.device)
