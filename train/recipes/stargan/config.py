"""Options of the StarGAN recipe."""

from dataclasses import dataclass, field

from deepfake_core.networks.stargan import StarGanConfig
from train.recipes.stargan.supervision import Supervision


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanTraining:
    """The `[recipe]` table of a preset; the defaults are the paper's for CelebA."""

    network: StarGanConfig = field(default_factory=lambda: StarGanConfig(critic=True))
    batch: int = 16
    learning_rate: float = 1e-4
    critic_rate: float | None = None
    """Learning rate of the discriminator; None for the generator's."""
    adversarial: float = 1.0
    classes: float = 1.0
    reconstruction: float = 10.0
    gradient_penalty: float = 10.0
    critic_steps: int = 5
    """Discriminator steps per generator step."""
    supervision: Supervision = field(default_factory=Supervision)
    truth_first: int = 0
    """Steps in which the generator is trained on the truth alone, and the discriminator on attributes only."""
    half_size_first: int = 0
    """The first of these steps, in which the generator is trained at half the resolution, at a quarter of the cost."""
    clip_norm: float | None = None
    """Maximum norm of the generator's gradient in the steps of `truth_first`."""
    heads: int = 2500
    """Number of heads rendered before training, in three versions each."""
    spread: float = 0.8
    """Range of poses of drawn heads; 1 is about that of VoxCeleb."""

    def generator(self) -> dict[str, float]:
        """Weights of the generator's terms, except supervision."""
        return {"adversarial": self.adversarial, "classes": self.classes, "reconstruction": self.reconstruction}

    def critic(self) -> dict[str, float]:
        """Weights of the discriminator's terms."""
        adversarial = {"real": self.adversarial, "made": self.adversarial, "classes": self.classes}
        return adversarial | {"gradient_penalty": self.gradient_penalty * self.adversarial}
