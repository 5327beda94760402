"""What the First Order Motion Model is trained on: the paper's terms (section 3.1, appendix), and the truth's."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import (
    Discriminator,
    Encoded,
    FirstOrderModel,
    Generated,
    Motion,
    gaussian_heatmaps,
)
from deepfake_core.networks.layers import resize_like
from train.adversarial import feature_matching, least_squares
from train.clips import Truth
from train.equivariance import ThinPlateSpline, equivariance_terms
from train.perceptual import Features, Pyramid, perceptual

CLOSE = 0.07  # grid units: deviation of the Gaussians that single out eyes and mouth


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


def truth_terms(truth: Truth, source: Keypoints, driving: Keypoints, motion: Motion) -> dict[str, Tensor]:
    """How far keypoints, Jacobians, deformation (in grid units) and occlusion are from the drawn truth."""
    pairs = ((source, truth.source), (driving, truth.driving))
    gap = (motion.deformation - truth.flow).abs().sum(dim=-1)

    def named(distance: Float[Tensor, "b k ..."]) -> Tensor:
        """Mean over the pairs whose keypoints are known."""
        return (distance.flatten(1).mean(dim=1) * truth.named).sum() / truth.named.sum().clamp_min(1)

    occlusion = motion.occlusion[:, 0].clamp(1e-4, 1 - 1e-4)
    terms = {
        "truth_keypoints": torch.stack([named((a.position - b.position).abs()) for a, b in pairs]).mean(),
        "truth_flow": (gap * truth.shown).sum() / truth.shown.sum().clamp_min(1),
        "truth_occlusion": F.binary_cross_entropy(occlusion.float(), truth.shown),
    }
    jacobians = [named((a.jacobian - b.jacobian).abs()) for a, b in pairs if a.jacobian is not None]  # type: ignore[operator]
    return terms | ({"truth_jacobians": torch.stack(jacobians).mean()} if jacobians else {})


def feature_difference(
    made: Float[Tensor, "b 3 h w"], driving: Float[Tensor, "b 3 h w"], truth: Truth, places: list[int]
) -> Float[Tensor, ""]:
    """Mean difference of pixels around some of the drawn keypoints, such as eyes and mouth.

    They are few of a picture's pixels, so that a mean over all of it hardly tells whether they move, and the first that
    anybody looks at.
    """
    around = Keypoints(truth.driving.position[:, places])
    small = (made.shape[2] // 4, made.shape[3] // 4)  # smooth enough to be enlarged, at a sixteenth of the time
    heat = gaussian_heatmaps(around, small, CLOSE**2).amax(dim=1, keepdim=True)
    near = resize_like(heat, (made.shape[2], made.shape[3]))[:, 0] * truth.named[:, None, None]
    return (near * (made - driving).abs().mean(dim=1)).sum() / near.sum().clamp_min(1)
