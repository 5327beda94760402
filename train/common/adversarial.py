"""Adversarial loss terms shared by several papers."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def least_squares(scores: Float[Tensor, "..."], target: float) -> Float[Tensor, ""]:
    """LSGAN (Mao et al., 2017): mean (score - target)^2; the target is 1 for real and 0 for generated."""
    return (scores - target).square().mean()


def log_likelihood(scores: Float[Tensor, "..."], target: float) -> Float[Tensor, ""]:
    """Goodfellow et al. (2014), non-saturating: -mean log p, p is the sigmoid for target 1, else 1 minus it."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))


def hinge(scores: Float[Tensor, "..."], target: float) -> Float[Tensor, ""]:
    """Lim & Ye (2017): mean max(0, 1 - target * score); for a discriminator, the target is 1 for real, else -1."""
    return F.relu(1 - target * scores).mean()


def feature_matching(generated: Sequence[Tensor], real: Sequence[Tensor]) -> Float[Tensor, ""]:
    """Wang et al. (2018): sum over layers of mean |features(generated) - features(real)|."""
    return torch.stack([(one - other).abs().mean() for one, other in zip(generated, real, strict=True)]).sum()
