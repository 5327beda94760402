"""What StarGAN is trained on: the paper's terms (Eqs. 1 to 8), and the truth's."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.networks.stargan import Discriminator

LEAST_CHANGE = 3 / 64**2  # mean square of a change that counts half as much as a large one
EDGES = 1 / 12  # of edges it is that part


def classification(
    logits: Float[Tensor, "b a"], attributes: Float[Tensor, "b a"], exclusive: bool
) -> Float[Tensor, ""]:
    """Eqs. 2 and 3: cross entropy with the attributes, summed over those of a picture, averaged over the pictures."""
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
    seen = discriminator(real)
    return {
        "real": -seen.scores.mean(),
        "made": discriminator(made).scores.mean(),
        "classes": classification(seen.logits, attributes, exclusive),
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
    """The generator's terms, unweighted: Eqs. 8, 3, and 4 for the picture rebuilt from the made one."""
    seen = discriminator(made)
    return {
        "adversarial": -seen.scores.mean(),
        "classes": classification(seen.logits, wanted, exclusive),
        "reconstruction": (real - rebuilt).abs().mean(),
    }


def truth_terms(
    real: Float[Tensor, "b 3 h w"], made: Float[Tensor, "b 3 h w"], truth: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """How far the made picture is from the drawn one, everywhere, and how much of the change is missing.

    The second is the share of the change's energy that is missing, so that wrinkles, which are few pixels and faint
    ones, count nearly as much as a head of hair. Going some of the way is better than nothing there, which a median,
    the best guess for the first, does not find. The third is the same of edges, each pixel beside the mean of the nine
    around it: of what age changes, greying hair has most of the energy, but lines tell it.
    """
    missing, change = made - truth, real - truth
    least = LEAST_CHANGE * real.shape[2] * real.shape[3]
    return {
        "truth": missing.abs().mean(),
        "truth_changed": (energy(missing) / (energy(change) + least)).mean(),
        "truth_edges": (energy(edges(missing)) / (energy(edges(change)) + EDGES * least)).mean(),
    }


def energy(difference: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b"]:
    """Sum over the pixels of the mean square of their colours."""
    return difference.square().mean(dim=1).sum(dim=(1, 2))


def edges(image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Each pixel's difference from the mean of the nine around it."""
    return image - F.avg_pool2d(image, 3, stride=1, padding=1, count_include_pad=False)
