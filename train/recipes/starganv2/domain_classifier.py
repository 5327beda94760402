"""A small network that learns, beside the generator, to tell what real pictures show, and so what matters in them.

Compared in pixels, a dog with a cat's faint ears is nearly right. The reader's answer, and its features, weigh pictures
by what tells domains apart.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

WIDTHS = (24, 48, 96, 96)
GROUPS = 4


class Reader(nn.Module):
    """Four convolutions, each followed by the largest of every 2 x 2; then one logit a domain."""

    def __init__(self, domains: int) -> None:
        super().__init__()
        widths = (12, *WIDTHS)
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, after) for after in WIDTHS)
        self.answer = nn.Linear(WIDTHS[-1] * 16, domains)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> tuple[list[Tensor], Float[Tensor, "b d"]]:
        """The features of every layer, and the logits, of pictures in [-1, 1]."""
        layers = [F.pixel_unshuffle(image, 2)]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            layers.append(norm(F.max_pool2d(conv(layers[-1]), 2)).relu())
        whole = F.adaptive_avg_pool2d(layers[-1], 4)
        return layers[1:], self.answer(whole.flatten(1))


def reader_terms(
    reader: Reader, made: Float[Tensor, "b 3 s s"], truth: Float[Tensor, "b 3 s s"], domain: Int[Tensor, "b"]
) -> dict[str, Tensor]:
    """Cross entropy of the wanted domain, and the mean distance of features to those of the truth over all layers."""
    with torch.no_grad():
        wanted, _ = reader(truth)
    features, logits = reader(made)
    apart = [(mine - right).abs().mean() for mine, right in zip(features, wanted, strict=True)]
    return {"domain": F.cross_entropy(logits, domain), "read": torch.stack(apart).mean()}
