"""A small network that learns, beside the generator, to tell what real pictures show, and so what matters in them.

Compared in pixels, a dog with a cat's faint ears is nearly right, and so is short hair in a wrong colour. The reader's
answers, and its features, weigh pictures by what tells domains apart, and by the colours of hair or fur.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

WIDTHS = (24, 48, 96, 96)
GROUPS = 4


class Reading(NamedTuple):
    """What a reader finds in pictures."""

    features: list[Tensor]  # of every layer
    logits: Float[Tensor, "b d"]
    colours: Float[Tensor, "b c"]


class Reader(nn.Module):
    """Four convolutions, each followed by the largest of every 2 x 2; then one logit a domain, and some colours."""

    def __init__(self, domains: int, colours: int) -> None:
        super().__init__()
        widths = (12, *WIDTHS)
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, after) for after in WIDTHS)
        self.answer = nn.Linear(WIDTHS[-1] * 16, domains)
        self.colours = nn.Linear(WIDTHS[-1] * 16, colours)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> Reading:
        """Read pictures in [-1, 1]."""
        layers = [F.pixel_unshuffle(image, 2)]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            layers.append(norm(F.max_pool2d(conv(layers[-1]), 2)).relu())
        whole = F.adaptive_avg_pool2d(layers[-1], 4).flatten(1)
        return Reading(layers[1:], self.answer(whole), self.colours(whole).sigmoid())


def answer_terms(seen: Reading, domain: Int[Tensor, "b"], colours: Float[Tensor, "b c"]) -> dict[str, Tensor]:
    """Cross entropy of the domain, and the mean distance of colours from 0 to 1 to the true ones."""
    return {"domain": F.cross_entropy(seen.logits, domain), "colours": (seen.colours - colours).abs().mean()}


def reader_terms(
    reader: Reader,
    made: Float[Tensor, "b 3 s s"],
    truth: Float[Tensor, "b 3 s s"],
    domain: Int[Tensor, "b"],
    colours: Float[Tensor, "b c"],
) -> dict[str, Tensor]:
    """How wrong the answers about what was made are, and how far its features are from the truth's, over all layers."""
    with torch.no_grad():
        wanted = reader(truth).features
    seen = reader(made)
    apart = [(mine - right).abs().mean() for mine, right in zip(seen.features, wanted, strict=True)]
    return answer_terms(seen, domain, colours) | {"read": torch.stack(apart).mean()}
