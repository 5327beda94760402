"""Loss terms of StarGAN v2 (Choi et al., 2020, section 2.2), with styles from latents or from references.

A step of the generator is `synthesize`, then `generator_terms`. The diversity term is maximised by a negative weight.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import Discriminator, StarGanV2
from train.common.adversarial import log_likelihood

FindMasks = Callable[[Float[Tensor, "b 3 h w"]], Masks]


class Pictures(NamedTuple):
    """Real images in [-1, 1] and their domains."""

    image: Float[Tensor, "b 3 h w"]
    domain: Int[Tensor, "b"]
    masks: Masks | None = None  # face masks, for networks with masked skip connections


class Target(NamedTuple):
    """For each source image the target domain and two styles of it."""

    domain: Int[Tensor, "b"]
    style: Float[Tensor, "b s"]
    second: Float[Tensor, "b s"]  # for the diversity term; no gradient flows through it


def from_latents(
    model: StarGanV2, domain: Int[Tensor, "b"], first: Float[Tensor, "b l"], second: Float[Tensor, "b l"]
) -> Target:
    """Styles from the mapping network."""
    with torch.no_grad():
        other = model.mapping(second, domain)
    return Target(domain, model.mapping(first, domain), other)


def from_references(
    model: StarGanV2, domain: Int[Tensor, "b"], first: Float[Tensor, "b 3 h w"], second: Float[Tensor, "b 3 h w"]
) -> Target:
    """Styles from the style encoder, for reference images of the domain."""
    with torch.no_grad():
        other = model.style_encoder(second, domain)
    return Target(domain, model.style_encoder(first, domain), other)


class Synthesized(NamedTuple):
    """The source in the target style, with everything that the losses need."""

    generated: Float[Tensor, "b 3 h w"]
    other: Float[Tensor, "b 3 h w"]  # in the second style, without gradient
    style: Float[Tensor, "b s"]  # of the generated image, by the style encoder
    rebuilt: Float[Tensor, "b 3 h w"]  # the source, reconstructed from the generated image and its own style


def synthesize(
    model: StarGanV2,
    source: Pictures,
    target: Target,
    find_masks: FindMasks | None = None,
) -> Synthesized:
    """Generate `source` in both styles of `target`, and back; `find_masks` finds faces in generated images."""
    encoded = model.generator.encode(source.image)
    generated = model.generator.decode(encoded, target.style, source.masks)
    with torch.no_grad():
        other = model.generator.decode(encoded, target.second, source.masks)
        masks = None if find_masks is None else find_masks(generated)
    own = model.style_encoder(source.image, source.domain)
    rebuilt = model.generator(generated, own, masks)
    return Synthesized(generated, other, model.style_encoder(generated, target.domain), rebuilt)


def generator_terms(
    discriminator: Discriminator, result: Synthesized, source: Pictures, target: Target
) -> dict[str, Tensor]:
    """Eqs. 1 to 4, unweighted: adversarial, style reconstruction, diversity (negative weight), cycle consistency."""
    return {
        "adversarial": log_likelihood(discriminator(result.generated, target.domain), 1.0),
        "style": (result.style - target.style).abs().mean(),
        "diversity": (result.generated - result.other).abs().mean(),
        "cycle": (result.rebuilt - source.image).abs().mean(),
    }


def discriminator_terms(
    discriminator: Discriminator,
    real: Pictures,
    generated: Float[Tensor, "b 3 h w"],
    domain: Int[Tensor, "b"],
    penalty: bool = True,
) -> dict[str, Tensor]:
    """Target 1 for real images in their domain and 0 for generated ones in `domain`; R1 penalises the gradient."""
    image = real.image.detach().requires_grad_(penalty)
    scores = discriminator(image, real.domain)
    terms = {
        "real": log_likelihood(scores, 1.0),
        "made": log_likelihood(discriminator(generated.detach(), domain), 0.0),
    }
    return terms | ({"r1": r1_penalty(scores, image)} if penalty else {})


def r1_penalty(scores: Float[Tensor, "b"], image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """R1 (Mescheder et al., 2018): half the mean squared norm of the score's gradient at real images."""
    (gradient,) = torch.autograd.grad(scores.sum(), image, create_graph=True)
    return 0.5 * gradient.float().square().sum(dim=(1, 2, 3)).mean()
