"""Options of the StarGAN v2 recipe."""

from dataclasses import dataclass, field
from typing import Literal

from deepfake_core.networks.starganv2 import StarGanV2Config
from train.loop.schedules import ramp_down
from train.recipes.starganv2.data import DrawnSet
from train.recipes.starganv2.supervision import Supervision


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanV2Training:
    """The `[recipe]` table of a preset; the defaults are the paper's for CelebA-HQ."""

    network: StarGanV2Config = field(default_factory=StarGanV2Config)
    """Its `domains` are replaced by those of the data."""
    world: Literal["heads", "animals"] = "heads"
    """The drawn world of synthetic data."""
    drawn: DrawnSet = field(default_factory=DrawnSet)
    batch: int = 8
    learning_rate: float = 1e-4
    mapping_rate: float = 1e-6
    betas: tuple[float, float] = (0.0, 0.99)
    weight_decay: float = 1e-4
    r1: float = 1.0
    style: float = 1.0
    diversity: float = 1.0
    """Initial weight; it falls linearly to 0. The paper uses 2 for AFHQ."""
    diversity_steps: int = 100_000
    cycle: float = 1.0
    fan: str = ""
    """Weights of the face heatmap network, a name or a file, required for the masks of `network.high_pass`."""
    supervision: Supervision = field(default_factory=Supervision)

    def generator(self, step: int) -> dict[str, float]:
        """Weights of the published terms of both generator phases."""
        diversity = -self.diversity * ramp_down(step, self.diversity_steps)
        return {"adversarial": 1.0, "style": self.style, "diversity": diversity, "cycle": self.cycle}
