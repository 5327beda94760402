"""Adversarial terms that papers share. A discriminator returns, for each scale, scores and features."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def least_squares(scores: Float[Tensor, "..."], wanted: float) -> Float[Tensor, ""]:
    """LSGAN (Mao et al., 2017): mean (score - wanted)^2; wanted is 1 for real and 0 for made."""
    return (scores - wanted).square().mean()


def log_likelihood(scores: Float[Tensor, "..."], wanted: float) -> Float[Tensor, ""]:
    """Goodfellow et al. (2014), non-saturating: -mean log p, p = sigmoid(score) for real (1), 1 - that for made (0)."""
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, wanted))


def feature_matching(made: Sequence[Tensor], real: Sequence[Tensor]) -> Float[Tensor, ""]:
    """Wang et al. (2018): sum over layers of mean |features(made) - features(real)|."""
    return torch.stack([(one - other).abs().mean() for one, other in zip(made, real, strict=True)]).sum()
