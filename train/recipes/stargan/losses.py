"""Loss terms of StarGAN (Eqs. 1 to 8 of the paper)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.networks.stargan import Discriminator


def classification(
    logits: Float[Tensor, "b a"], attributes: Float[Tensor, "b a"], exclusive: bool
) -> Float[Tensor, ""]:
    """Eqs. 2 and 3: cross entropy with the attributes, summed over the attributes and averaged over the images."""
    if exclusive:
        return F.cross_entropy(logits, attributes)
    return F.binary_cross_entropy_with_logits(logits, attributes, reduction="sum") / len(logits)


def gradient_penalty(
    discriminator: Discriminator,
    real: Float[Tensor, "b 3 h w"],
    made: Float[Tensor, "b 3 h w"],
    share: Float[Tensor, "b 1 1 1"],
) -> Float[Tensor, ""]:
    """Eq. 8, last term: mean (|d scores / d x|_2 - 1)^2 at x = share * real + (1 - share) * made."""
    between = (share * real + (1 - share) * made).requires_grad_()
    scores = discriminator(between).scores
    (slope,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def critic_terms(
    discriminator: Discriminator,
    real: Float[Tensor, "b 3 h w"],
    attributes: Float[Tensor, "b a"],
    made: Float[Tensor, "b 3 h w"],
    share: Float[Tensor, "b 1 1 1"],
    exclusive: bool,
) -> dict[str, Tensor]:
    """The discriminator's terms, unweighted (WGAN-GP, Eq. 8, and Eq. 2)."""
    output = discriminator(real)
    return {
        "real": -output.scores.mean(),
        "made": discriminator(made).scores.mean(),
        "classes": classification(output.logits, attributes, exclusive),
        "gradient_penalty": gradient_penalty(discriminator, real, made, share),
    }


def generator_terms(
    discriminator: Discriminator,
    real: Float[Tensor, "b 3 h w"],
    made: Float[Tensor, "b 3 h w"],
    wanted: Float[Tensor, "b a"],
    rebuilt: Float[Tensor, "b 3 h w"],
    exclusive: bool,
) -> dict[str, Tensor]:
    """The generator's terms, unweighted: Eqs. 8, 3 and 4; `rebuilt` is the reconstruction from the edited image."""
    output = discriminator(made)
    return {
        "adversarial": -output.scores.mean(),
        "classes": classification(output.logits, wanted, exclusive),
        "reconstruction": (real - rebuilt).abs().mean(),
    }
