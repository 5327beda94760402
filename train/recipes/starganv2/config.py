"""Options of the StarGAN v2 recipe."""

from dataclasses import dataclass, field
from typing import Literal

from deepfake_core.errors import BadRequest
from deepfake_core.networks.starganv2 import StarGanV2Config
from train.common.patch_discriminator import PatchDiscriminatorConfig
from train.loop.schedules import ramp_down
from train.recipes.starganv2.data import DrawnSet
from train.recipes.starganv2.supervision import Supervision

StyleSource = Literal["latent", "reference"]


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
    r1_every: int = 1
    """Compute the R1 penalty only at every n-th step of the discriminator, n times as strong (Karras et al., 2020)."""
    style: float = 1.0
    diversity: float = 1.0
    """Initial weight; it falls linearly to 0. The paper uses 2 for AFHQ."""
    diversity_steps: int = 100_000
    cycle: float = 1.0
    fan: str = ""
    """Weights of the face heatmap network, a name or a file, required for the masks of `network.high_pass`."""
    alternate: bool = False
    """Train with styles from latents at one step and from references at the next, instead of with both at each."""
    supervision: Supervision = field(default_factory=Supervision)
    patch_discriminator: PatchDiscriminatorConfig = field(default_factory=PatchDiscriminatorConfig)
    """Takes part in the `truth` phase."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for values out of range."""
        if self.r1_every < 1:
            raise BadRequest(f"r1_every must be at least 1, got {self.r1_every}")
        if self.patch_discriminator.used and not self.supervision.truth_weights(0):
            raise BadRequest("patch_discriminator.adversarial requires supervision.truth or supervision.features")
        if self.supervision.mask > 0 and not self.network.blend:
            raise BadRequest("supervision.mask requires network.blend = true: without it there is no mask")

    def generator(self, step: int) -> dict[str, float]:
        """Weights of the published terms of both generator phases."""
        diversity = -self.diversity * ramp_down(step, self.diversity_steps)
        return {"adversarial": 1.0, "style": self.style, "diversity": diversity, "cycle": self.cycle}

    def truth_weights(self, step: int) -> dict[str, float]:
        """Weights of the terms of the `truth` phase; empty without supervision."""
        return self.supervision.truth_weights(step) | self.patch_discriminator.generator()

    def published(self, step: int, of: StyleSource) -> bool:
        """Whether the published losses with styles of one kind are used at a step."""
        mine = not self.alternate or self.supervision.turn(step) % 2 == (of == "reference")
        return self.supervision.published(step) and mine

    def discriminator(self, step: int) -> dict[str, float]:
        """Weights of the terms of both discriminator phases; without `r1` at steps where it is not computed."""
        turn = self.supervision.turn(step) // (2 if self.alternate else 1)
        penalty = {"r1": self.r1 * self.r1_every} if turn % self.r1_every == 0 else {}
        return {"real": 1.0, "made": 1.0, **penalty}
