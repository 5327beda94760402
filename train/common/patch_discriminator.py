"""A conditional patch discriminator to train beside a known truth, for any recipe that has one.

Regression to the truth averages what it cannot know, so its results are soft. This discriminator is shown each image
together with the source that it was made from, and scores overlapping patches at several scales, with one output per
domain (Isola et al., CVPR 2017; Wang et al., CVPR 2018; Miyato et al., ICLR 2018). As the truth already says where
everything goes, it may be narrow, and its weight small.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from deepfake_core.errors import BadRequest
from train.common.adversarial import feature_matching, hinge

SLOPE = 0.2  # negative slope of every leaky ReLU
DISCRIMINATOR_WEIGHTS = {"real": 1.0, "made": 1.0, "real_taken_for_real": 0.0, "made_taken_for_real": 0.0}
"""Weights of the discriminator's terms; the shares are only logged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchDiscriminatorConfig:
    """The `[recipe.patch_discriminator]` table of a preset; without an adversarial weight there is none."""

    adversarial: float = 0.0
    """Weight of the generator's hinge term. 0.06 sharpens; 0.5 tears images apart."""
    feature_matching: float = 10.0
    """Weight of the mean difference of its features of results to those of the truths."""
    learning_rate: float = 5e-4
    betas: tuple[float, float] = (0.0, 0.99)
    base: int = 24
    """Channels after the first convolution; they double with each of the following."""
    levels: int = 3
    """Convolutions of stride 2."""
    scales: int = 2
    """Each scale has half the resolution of the one before, and its own discriminator."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for values out of range."""
        for name in ("base", "levels", "scales"):
            if getattr(self, name) < 1:
                raise BadRequest(f"patch_discriminator.{name} must be at least 1, got {getattr(self, name)}")
        if min(self.adversarial, self.feature_matching) < 0:
            raise BadRequest(
                "the weights of patch_discriminator must not be negative, "
                f"got {min(self.adversarial, self.feature_matching)}"
            )

    @property
    def used(self) -> bool:
        """Whether there is a discriminator."""
        return self.adversarial > 0

    def generator(self) -> dict[str, float]:
        """Weights of the generator's terms; empty without a discriminator."""
        if not self.used:
            return {}
        return {"patch_adversarial": self.adversarial, "patch_features": self.feature_matching}


class Scored(NamedTuple):
    """The output at one scale."""

    scores: Float[Tensor, "b hp wp"]  # of the target domain; positive for real
    features: list[Tensor]


class PatchScores(nn.Module):
    """Convolutions of stride 2, then one of stride 1, and one score per patch and domain; all spectrally normalised."""

    def __init__(self, config: PatchDiscriminatorConfig, domains: int) -> None:
        super().__init__()
        channels = [6, *(config.base * 2**level for level in range(config.levels))]
        halving = [nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in pairwise(channels)]
        convs = [*halving, nn.Conv2d(channels[-1], channels[-1], 3, padding=1)]
        self.convs = nn.ModuleList(spectral_norm(conv) for conv in convs)
        self.scores = spectral_norm(nn.Conv2d(channels[-1], domains, 3, padding=1))

    def forward(self, x: Float[Tensor, "b 6 h w"], domain: Int[Tensor, "b"]) -> Scored:
        features: list[Tensor] = []
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
            features.append(x)
        return Scored(self.scores(x)[torch.arange(len(domain), device=domain.device), domain], features)


class ConditionalPatchDiscriminator(nn.Module):
    """Scores images in [-1, 1] beside their sources, at several scales."""

    def __init__(self, config: PatchDiscriminatorConfig, domains: int = 1) -> None:
        super().__init__()
        self.patches = nn.ModuleList(PatchScores(config, domains) for _ in range(config.scales))

    def forward(
        self, image: Float[Tensor, "b 3 h w"], source: Float[Tensor, "b 3 h w"], domain: Int[Tensor, "b"]
    ) -> list[Scored]:
        """The output of every scale, the finest first; `domain` is that of the wanted result."""
        x, scored = torch.cat((image, source), dim=1), []
        for patch in self.patches:
            scored.append(patch(x, domain))
            x = F.avg_pool2d(x, 2)
        return scored


class Compared(NamedTuple):
    """Results with what they are compared with."""

    generated: Float[Tensor, "b 3 h w"]
    truth: Float[Tensor, "b 3 h w"]
    source: Float[Tensor, "b 3 h w"]
    domain: Int[Tensor, "b"]  # of the results


def patch_generator_terms(discriminator: ConditionalPatchDiscriminator, images: Compared) -> dict[str, Tensor]:
    """For the generator: -mean score of its results, and feature matching with the truths; means over the scales."""
    with torch.no_grad():
        wanted = discriminator(images.truth, images.source, images.domain)
    got = discriminator(images.generated, images.source, images.domain)
    matching = [feature_matching(mine.features, right.features) for mine, right in zip(got, wanted, strict=True)]
    return {
        "patch_adversarial": -torch.stack([scale.scores.mean() for scale in got]).mean(),
        "patch_features": torch.stack(matching).mean(),
    }


def patch_discriminator_terms(discriminator: ConditionalPatchDiscriminator, images: Compared) -> dict[str, Tensor]:
    """For the discriminator: hinge losses, truths being real, and the shares of patches that it takes for real."""
    terms: dict[str, Tensor] = {}
    for name, image, target in (("real", images.truth, 1.0), ("made", images.generated.detach(), -1.0)):
        scales = discriminator(image, images.source, images.domain)
        terms[name] = torch.stack([hinge(scale.scores, target) for scale in scales]).mean()
        terms[f"{name}_taken_for_real"] = torch.stack([share_above_zero(scale.scores) for scale in scales]).mean()
    return terms


def share_above_zero(scores: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """The share of positive scores."""
    return (scores > 0).float().mean()
