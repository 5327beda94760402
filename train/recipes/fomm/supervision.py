"""Supervision of the First Order Motion Model by drawn truth, in addition to the terms of the paper."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import Motion, gaussian_heatmaps
from deepfake_core.networks.layers import resize_like
from train.loop.schedules import linear
from train.recipes.fomm.data import Truth

SIGMA = 0.07  # grid units: standard deviation of the Gaussians around eyes and mouth


@dataclass(frozen=True, kw_only=True, slots=True)
class Supervision:
    """Weights of the terms that compare with the drawn truth; all zero for clips without truth."""

    keypoints: float = 0.0
    """Mean distance of the keypoints to the landmarks, in grid units."""
    jacobians: float = 0.0
    flow: float = 0.0
    """Mean distance of the deformation to the true flow, where the source shows what the driving frame shows."""
    occlusion: float = 0.0
    """Binary cross entropy between the occlusion map and the true visibility in the source."""
    occlusion_until: int = 0
    """Step from which the occlusion map is trained by the reconstruction alone: warping an eye that looks elsewhere is
    often better than in-painting it. 0: never."""
    features: float = 0.0
    """Mean pixel difference around eyes and mouth. It does not fade."""
    fades: int = 0
    """Step by which the weights have faded linearly to the factor `floor`; 0: they are constant."""
    floor: float = 0.1

    def weights(self, step: int) -> dict[str, float]:
        """The weights of the motion terms at a step; unused terms are omitted."""
        factor = linear(step, 0, self.fades, self.floor) if self.fades else 1.0
        terms = {
            "keypoints": self.keypoints,
            "jacobians": self.jacobians,
            "flow": self.flow,
            "occlusion": 0.0 if 0 < self.occlusion_until <= step else self.occlusion,
        }
        return {f"truth_{name}": factor * weight for name, weight in terms.items() if weight > 0}

    def image_weights(self) -> dict[str, float]:
        """The weight of the image term, for the generator's phase only."""
        return {"truth_features": self.features} if self.features > 0 else {}


def truth_terms(truth: Truth, source: Keypoints, driving: Keypoints, motion: Motion) -> dict[str, Tensor]:
    """Distances of keypoints, Jacobians, deformation (in grid units) and occlusion to the drawn truth."""
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
    generated: Float[Tensor, "b 3 h w"], driving: Float[Tensor, "b 3 h w"], truth: Truth, places: list[int]
) -> Float[Tensor, ""]:
    """Mean pixel difference around some of the drawn keypoints, such as eyes and mouth.

    They cover few pixels, so a mean over the image hardly changes with them, but viewers look at them first.
    """
    around = Keypoints(truth.driving.position[:, places])
    small = (generated.shape[2] // 4, generated.shape[3] // 4)  # smooth enough to be upsampled, at 1/16 of the cost
    heat = gaussian_heatmaps(around, small, SIGMA**2).amax(dim=1, keepdim=True)
    near = resize_like(heat, (generated.shape[2], generated.shape[3]))[:, 0] * truth.named[:, None, None]
    return (near * (generated - driving).abs().mean(dim=1)).sum() / near.sum().clamp_min(1)
