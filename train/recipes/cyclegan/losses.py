"""What CycleGAN is trained on (Zhu et al., ICCV 2017, section 3), for two domains called a and b."""

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
    """The two directions, and the judge of each domain's pictures."""

    a2b: nn.Module
    b2a: nn.Module
    judge_a: nn.Module
    judge_b: nn.Module


class Pair(NamedTuple):
    """Pictures of both domains that do not belong together."""

    a: Float[Tensor, "b c h w"]
    b: Float[Tensor, "b c h w"]


def distance(one: Float[Tensor, "b c h w"], other: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean |one - other|, the norm of all of the paper's terms that compare pictures."""
    return (one - other).abs().mean()


def translate(networks: Networks, real: Pair) -> Pair:
    """b's counterpart in a, and a's in b."""
    return Pair(networks.b2a(real.b), networks.a2b(real.a))


def adversarial_terms(networks: Networks, made: Pair, objective: str) -> dict[str, Tensor]:
    """Eq. 1 for the generators: made pictures should be taken for real ones."""
    judge = OBJECTIVES[objective]
    return {
        "adversarial_a2b": judge(networks.judge_b(made.b), 1.0),
        "adversarial_b2a": judge(networks.judge_a(made.a), 1.0),
    }


def cycle_terms(networks: Networks, real: Pair, made: Pair) -> dict[str, Tensor]:
    """Eq. 2: there and back again gives the picture itself."""
    return {"cycle_a": distance(networks.b2a(made.b), real.a), "cycle_b": distance(networks.a2b(made.a), real.b)}


def identity_terms(networks: Networks, real: Pair) -> dict[str, Tensor]:
    """Section 5.2: a picture that is in the target domain already is left as it is."""
    return {
        "identity_a2b": distance(networks.a2b(real.b), real.b),
        "identity_b2a": distance(networks.b2a(real.a), real.a),
    }


def discriminator_terms(networks: Networks, real: Pair, made: Pair, objective: str) -> dict[str, Tensor]:
    """Eq. 1 for the judges, halved, so that they learn more slowly than the generators (appendix 7.1)."""
    judge = OBJECTIVES[objective]
    sides = {"a": (networks.judge_a, real.a, made.a), "b": (networks.judge_b, real.b, made.b)}
    return {
        f"adversarial_{name}": 0.5 * (judge(network(shown), 1.0) + judge(network(drawn), 0.0))
        for name, (network, shown, drawn) in sides.items()
    }
