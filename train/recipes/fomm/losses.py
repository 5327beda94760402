"""What the First Order Motion Model is trained on: the paper's terms (section 3.1, appendix), and the truth's."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import (
    Discriminator,
    Encoded,
    FirstOrderModel,
    Generated,
)
from train.common.adversarial import feature_matching, least_squares
from train.common.perceptual import Features, Pyramid, perceptual
from train.recipes.fomm.equivariance import ThinPlateSpline, equivariance_terms


class Reconstruction(NamedTuple):
    """A driving frame rebuilt from its source, and all that the losses look at."""

    generated: Generated
    encoded: Encoded
    source: Keypoints
    driving: Keypoints
    equivariance: dict[str, Tensor]


def reconstruct(
    model: FirstOrderModel,
    source: Float[Tensor, "b 3 h w"],
    driving: Float[Tensor, "b 3 h w"],
    spline: ThinPlateSpline | None,
) -> Reconstruction:
    """Rebuild `driving` from `source`; with a transform, find the keypoints of `driving` under it too."""
    here, there = model.keypoint_detector(source), model.keypoint_detector(driving)
    encoded = model.encode(source)
    generated = model.generate(encoded, here, there)
    return Reconstruction(generated, encoded, here, there, under_transform(model, driving, there, spline))


def under_transform(
    model: FirstOrderModel, image: Float[Tensor, "b 3 h w"], keypoints: Keypoints, spline: ThinPlateSpline | None
) -> dict[str, Tensor]:
    """How the keypoints of a picture agree with those of the transformed picture; nothing without a transform."""
    if spline is None:
        return {}
    bent = spline.image(image, align_corners=model.config.align_corners)
    return equivariance_terms(spline, keypoints, model.keypoint_detector(bent))


def reconstruction_terms(
    seen: Reconstruction, driving: Float[Tensor, "b 3 h w"], pyramid: Pyramid, features: Features
) -> dict[str, Tensor]:
    """The paper's terms that need no discriminator, unweighted."""
    terms = {"perceptual": perceptual(pyramid, features, seen.generated.prediction, driving)}
    return terms | seen.equivariance


def adversarial_terms(
    discriminator: Discriminator, seen: Reconstruction, driving: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """What the generator is told by the discriminator, which sees where the keypoints are but does not move them."""
    keypoints = Keypoints(seen.driving.position.detach())
    made, real = discriminator(seen.generated.prediction, keypoints), discriminator(driving, keypoints)
    pairs = list(zip(made, real, strict=True))
    return {
        "adversarial": torch.stack([least_squares(one.scores, 1.0) for one in made]).sum(),
        "feature_matching": torch.stack([feature_matching(one.features, two.features) for one, two in pairs]).sum(),
    }


def discriminator_terms(
    discriminator: Discriminator, seen: Reconstruction, driving: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """Real patches shall score 1, made ones 0."""
    keypoints = Keypoints(seen.driving.position.detach())
    made = discriminator(seen.generated.prediction.detach(), keypoints)
    real = discriminator(driving, keypoints)
    losses = [
        least_squares(one.scores, 0.0) + least_squares(two.scores, 1.0) for one, two in zip(made, real, strict=True)
    ]
    return {"adversarial": torch.stack(losses).sum()}
