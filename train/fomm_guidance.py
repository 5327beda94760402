"""What the drawn truth tells the animator, besides the paper's terms, and how loud."""

from dataclasses import dataclass

from train.schedules import linear


@dataclass(frozen=True, kw_only=True, slots=True)
class Guidance:
    """Weights of the terms that compare with the drawn truth; all zero for clips without one."""

    keypoints: float = 0.0
    """Mean distance of the keypoints to the landmarks, in grid units."""
    jacobians: float = 0.0
    flow: float = 0.0
    """Mean distance of the deformation to the true flow, where the source shows what the driving frame shows."""
    occlusion: float = 0.0
    """Binary cross entropy of the occlusion map with what the source shows."""
    occlusion_until: int = 0
    """Step from which the reconstruction alone shapes the occlusion map: an eye that looks elsewhere is not the same
    eye, but often better than a painted one. 0: never."""
    features: float = 0.0
    """Mean difference of pixels around eyes and mouth. It does not fade."""
    fades: int = 0
    """Step at which the weights have fallen to `floor` of their value; 0: they stay."""
    floor: float = 0.1

    def weights(self, step: int) -> dict[str, float]:
        """The weights of the motion's terms at a step; terms that never count are not named."""
        factor = linear(step, 0, self.fades, self.floor) if self.fades else 1.0
        terms = {
            "keypoints": self.keypoints,
            "jacobians": self.jacobians,
            "flow": self.flow,
            "occlusion": 0.0 if 0 < self.occlusion_until <= step else self.occlusion,
        }
        return {f"truth_{name}": factor * weight for name, weight in terms.items() if weight > 0}

    def painting(self) -> dict[str, float]:
        """The weight of what is painted, for the generator's phase alone."""
        return {"truth_features": self.features} if self.features > 0 else {}
