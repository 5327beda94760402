"""Loss terms of CycleGAN (Zhu et al., ICCV 2017, section 3), for two domains a and b."""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from train.common.adversarial import least_squares, log_likelihood

OBJECTIVES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "least_squares": least_squares,
    "log_likelihood": log_likelihood,
}


class Networks(NamedTuple):
    """The generators of both directions and the discriminators of both domains."""

    a2b: nn.Module
    b2a: nn.Module
    discriminator_a: nn.Module
    discriminator_b: nn.Module


class Pair(NamedTuple):
    """Images of both domains, unpaired."""

    a: Float[Tensor, "b c h w"]
    b: Float[Tensor, "b c h w"]


def distance(one: Float[Tensor, "b c h w"], other: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean |one - other|, the L1 norm of all terms that compare images."""
    return (one - other).abs().mean()


def translate(networks: Networks, real: Pair) -> Pair:
    """Translate b to a, and a to b."""
    return Pair(networks.b2a(real.b), networks.a2b(real.a))


def adversarial_terms(networks: Networks, made: Pair, objective: str) -> dict[str, Tensor]:
    """Eq. 1 for the generators: results should be classified as real."""
    criterion = OBJECTIVES[objective]
    return {
        "adversarial_a2b": criterion(networks.discriminator_b(made.b), 1.0),
        "adversarial_b2a": criterion(networks.discriminator_a(made.a), 1.0),
    }


def cycle_terms(networks: Networks, real: Pair, made: Pair) -> dict[str, Tensor]:
    """Eq. 2: translating to the other domain and back gives the original image."""
    return {"cycle_a": distance(networks.b2a(made.b), real.a), "cycle_b": distance(networks.a2b(made.a), real.b)}


def identity_terms(networks: Networks, real: Pair) -> dict[str, Tensor]:
    """Section 5.2: an image that is already in the target domain is unchanged."""
    return {
        "identity_a2b": distance(networks.a2b(real.b), real.b),
        "identity_b2a": distance(networks.b2a(real.a), real.a),
    }


def discriminator_terms(networks: Networks, real: Pair, made: Pair, objective: str) -> dict[str, Tensor]:
    """Eq. 1 for the discriminators, halved to slow them down relative to the generators (appendix 7.1)."""
    criterion = OBJECTIVES[objective]
    sides = {"a": (networks.discriminator_a, real.a, made.a), "b": (networks.discriminator_b, real.b, made.b)}
    return {
        f"adversarial_{name}": 0.5 * (criterion(network(shown), 1.0) + criterion(network(drawn), 0.0))
        for name, (network, shown, drawn) in sides.items()
    }
