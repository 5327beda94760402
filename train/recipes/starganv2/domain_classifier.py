"""A small classifier of domains, trained together with the generator, for a perceptual loss.

In pixels, a dog with faint cat ears is close to a correct result. The output and features of the classifier weight
images by what distinguishes the domains.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

WIDTHS = (24, 48, 96, 96)
GROUPS = 4


class DomainClassifier(nn.Module):
    """Four convolutions, each followed by 2 x 2 max pooling; then one logit per domain."""

    def __init__(self, domains: int) -> None:
        super().__init__()
        widths = (12, *WIDTHS)
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths))
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, after) for after in WIDTHS)
        self.answer = nn.Linear(WIDTHS[-1] * 16, domains)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> tuple[list[Tensor], Float[Tensor, "b d"]]:
        """Features of every layer and logits of images in [-1, 1]."""
        layers = [F.pixel_unshuffle(image, 2)]
        for conv, norm in zip(self.convs, self.norms, strict=True):
            layers.append(norm(F.max_pool2d(conv(layers[-1]), 2)).relu())
        whole = F.adaptive_avg_pool2d(layers[-1], 4)
        return layers[1:], self.answer(whole.flatten(1))


def classifier_terms(
    classifier: DomainClassifier,
    generated: Float[Tensor, "b 3 s s"],
    truth: Float[Tensor, "b 3 s s"],
    domain: Int[Tensor, "b"],
) -> dict[str, Tensor]:
    """Cross entropy with the target domain, and the mean distance of features to those of the truth over all layers."""
    with torch.no_grad():
        target, _ = classifier(truth)
    features, logits = classifier(generated)
    distances = [(mine - right).abs().mean() for mine, right in zip(features, target, strict=True)]
    return {"domain": F.cross_entropy(logits, domain), "domain_features": torch.stack(distances).mean()}
