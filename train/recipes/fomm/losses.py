"""Loss terms of the First Order Motion Model (section 3.1 and appendix of the paper)."""

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
    """A driving frame reconstructed from the source, with everything that the losses need."""

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
    """Reconstruct `driving` from `source`; with `spline`, detect the keypoints of the transformed frame as well."""
    here, there = model.keypoint_detector(source), model.keypoint_detector(driving)
    encoded = model.encode(source)
    generated = model.generate(encoded, here, there)
    return Reconstruction(generated, encoded, here, there, under_transform(model, driving, there, spline))


def under_transform(
    model: FirstOrderModel, image: Float[Tensor, "b 3 h w"], keypoints: Keypoints, spline: ThinPlateSpline | None
) -> dict[str, Tensor]:
    """The equivariance terms of an image and its keypoints; empty without a transform."""
    if spline is None:
        return {}
    transformed = spline.image(image, align_corners=model.config.align_corners)
    return equivariance_terms(spline, keypoints, model.keypoint_detector(transformed))


def reconstruction_terms(
    reconstruction: Reconstruction, driving: Float[Tensor, "b 3 h w"], pyramid: Pyramid, features: Features
) -> dict[str, Tensor]:
    """The terms that need no discriminator, unweighted."""
    terms = {"perceptual": perceptual(pyramid, features, reconstruction.generated.prediction, driving)}
    return terms | reconstruction.equivariance


def adversarial_terms(
    discriminator: Discriminator, reconstruction: Reconstruction, driving: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """The generator's adversarial terms; the discriminator sees the keypoints, but sends them no gradient."""
    keypoints = Keypoints(reconstruction.driving.position.detach())
    generated, real = discriminator(reconstruction.generated.prediction, keypoints), discriminator(driving, keypoints)
    pairs = list(zip(generated, real, strict=True))
    return {
        "adversarial": torch.stack([least_squares(one.scores, 1.0) for one in generated]).sum(),
        "feature_matching": torch.stack([feature_matching(one.features, two.features) for one, two in pairs]).sum(),
    }


def discriminator_terms(
    discriminator: Discriminator, reconstruction: Reconstruction, driving: Float[Tensor, "b 3 h w"]
) -> dict[str, Tensor]:
    """The discriminator's term: target 1 for real patches, 0 for generated ones."""
    keypoints = Keypoints(reconstruction.driving.position.detach())
    generated = discriminator(reconstruction.generated.prediction.detach(), keypoints)
    real = discriminator(driving, keypoints)
    losses = [
        least_squares(one.scores, 0.0) + least_squares(two.scores, 1.0)
        for one, two in zip(generated, real, strict=True)
    ]
    return {"adversarial": torch.stack(losses).sum()}
