"""What StarGAN v2 is trained on (Choi et al., 2020, section 2.2), with styles from latents or from references.

One step of the generator: `redraw` the source in the target's style, then `generator_terms`. The diversity term is to
be made large: its weight is negative.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import Discriminator, StarGanV2
from train.common.adversarial import log_likelihood


class Pictures(NamedTuple):
    """Real pictures in [-1, 1], and the domain of each."""

    image: Float[Tensor, "b 3 h w"]
    domain: Int[Tensor, "b"]
    masks: Masks | None = None  # of their faces, for networks with the masked skips


class Target(NamedTuple):
    """For each source picture the domain that it shall enter, and two styles there."""

    domain: Int[Tensor, "b"]
    style: Float[Tensor, "b s"]
    second: Float[Tensor, "b s"]  # for the diversity term, which asks for no gradient along it


def from_latents(
    model: StarGanV2, domain: Int[Tensor, "b"], first: Float[Tensor, "b l"], second: Float[Tensor, "b l"]
) -> Target:
    """Styles that the mapping network makes."""
    with torch.no_grad():
        other = model.mapping(second, domain)
    return Target(domain, model.mapping(first, domain), other)


def from_references(
    model: StarGanV2, domain: Int[Tensor, "b"], first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]
) -> Target:
    """Styles that the style encoder reads from pictures of that domain."""
    with torch.no_grad():
        other = model.style_encoder(second, domain)
    return Target(domain, model.style_encoder(first, domain), other)


class Redrawn(NamedTuple):
    """The source in the target's style, and all that the losses look at."""

    made: Float[Tensor, "b 3 h w"]
    other: Float[Tensor, "b 3 h w"]  # in the second style, without gradient
    style: Float[Tensor, "b s"]  # read from what was made
    rebuilt: Float[Tensor, "b 3 h w"]  # the source again, from what was made and the source's own style


def redraw(
    model: StarGanV2,
    source: Pictures,
    target: Target,
    find_masks: Callable[[Float[Tensor, "b 3 h w"]], Masks] | None = None,
) -> Redrawn:
    """Draw `source` in both styles of `target`, and back; `find_masks` finds the face in what was made."""
    encoded = model.generator.encode(source.image)
    made = model.generator.decode(encoded, target.style, source.masks)
    with torch.no_grad():
        other = model.generator.decode(encoded, target.second, source.masks)
        masks = None if find_masks is None else find_masks(made)
    own = model.style_encoder(source.image, source.domain)
    rebuilt = model.generator(made, own, masks)
    return Redrawn(made, other, model.style_encoder(made, target.domain), rebuilt)


def generator_terms(discriminator: Discriminator, seen: Redrawn, source: Pictures, target: Target) -> dict[str, Tensor]:
    """Eqs. 1 to 4, unweighted: pass for real, show the style, differ by it (negative weight), keep the source."""
    return {
        "adversarial": log_likelihood(discriminator(seen.made, target.domain), 1.0),
        "style": (seen.style - target.style).abs().mean(),
        "diversity": (seen.made - seen.other).abs().mean(),
        "cycle": (seen.rebuilt - source.image).abs().mean(),
    }


def discriminator_terms(
    discriminator: Discriminator, real: Pictures, made: Float[Tensor, "b 3 h w"], domain: Int[Tensor, "b"]
) -> dict[str, Tensor]:
    """Real pictures shall score high in their domain, those `made` for `domain` low there; R1 holds the slope down."""
    image = real.image.detach().requires_grad_()
    scores = discriminator(image, real.domain)
    return {
        "real": log_likelihood(scores, 1.0),
        "made": log_likelihood(discriminator(made.detach(), domain), 0.0),
        "r1": slope_at_real(scores, image),
    }


def slope_at_real(scores: Float[Tensor, "b"], image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """R1 (Mescheder et al., 2018): half the mean squared norm of the score's gradient at real pictures."""
    (gradient,) = torch.autograd.grad(scores.sum(), image, create_graph=True)
    return 0.5 * gradient.float().square().sum(dim=(1, 2, 3)).mean()
