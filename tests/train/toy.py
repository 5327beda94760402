"""A toy recipe for the loop's tests: a two-phase GAN that learns a colour, with batch norm and dropout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfake_core.registry import Method
from train.loop.recipe import Phase

TOY = Method(
    name="toy",
    title="Toy",
    paper="none",
    licence="MIT",
    network="tests.train.toy:ToyRecipe",
    config="tests.train.toy:ToyRecipe",
    recipe="tests.train.toy:build",
)
"""Its record, for tests of the command line."""


class ToyBatch(NamedTuple):
    """Noise, the images to imitate, and what the generator made of the noise."""

    noise: Tensor
    real: Tensor
    fake: Tensor


@dataclass(kw_only=True)
class ToyRecipe:
    """Learns to draw 4 x 4 images of one colour."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    batch_size: int = 4
    ema_networks: tuple[str, ...] = ("generator",)
    poison_from: int | None = None
    """Batches from this one on are not finite."""
    poison_until: int = 10**9
    clip_norm: float | None = 1.0
    networks: nn.ModuleDict = field(init=False)
    phases: tuple[Phase, ...] = field(init=False)
    batches: int = 0

    def __post_init__(self) -> None:
        """Build the networks and the two phases."""
        generator = nn.Sequential(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.3), nn.Conv2d(4, 3, 1))
        discriminator = nn.Sequential(nn.Conv2d(3, 4, 1), nn.LeakyReLU(), nn.Conv2d(4, 1, 1))
        self.networks = nn.ModuleDict({"generator": generator, "discriminator": discriminator}).to(self.device)
        self.phases = (
            Phase(
                name="generator",
                trained=generator,
                optimizer=torch.optim.Adam(generator.parameters(), lr=1e-2),
                losses=self.generator_losses,
                weights=lambda step: {"adversarial": 1.0, "colour": 10.0},
                clip_norm=self.clip_norm,
            ),
            Phase(
                name="discriminator",
                trained=discriminator,
                optimizer=torch.optim.Adam(discriminator.parameters(), lr=1e-2),
                losses=self.discriminator_losses,
                weights=lambda step: {"adversarial": 1.0},
                active=lambda step: step % 2 == 1,
            ),
        )

    def batch(self, generator: torch.Generator) -> ToyBatch:
        """Draw noise."""
        noise = torch.randn(self.batch_size, 2, 4, 4, generator=generator, device=self.device)
        poisoned = self.poison_from is not None and self.poison_from <= self.batches < self.poison_until
        self.batches += 1
        real = torch.full((self.batch_size, 3, 4, 4), 0.5, device=self.device)
        return ToyBatch(noise * float("nan") if poisoned else noise, real, real)

    def generator_losses(self, batch: ToyBatch, step: int) -> tuple[dict[str, Tensor], Any]:
        """Please the discriminator, and match the colour."""
        fake = self.networks["generator"](batch.noise)
        adversarial = -self.networks["discriminator"](fake).mean()
        return {"adversarial": adversarial, "colour": F.l1_loss(fake, batch.real)}, batch._replace(fake=fake.detach())

    def discriminator_losses(self, batch: ToyBatch, step: int) -> tuple[dict[str, Tensor], Any]:
        """Tell real from fake."""
        real, fake = self.networks["discriminator"](batch.real), self.networks["discriminator"](batch.fake)
        return {"adversarial": F.relu(1 - real).mean() + F.relu(1 + fake).mean()}, batch

    def sample_grid(self, networks: nn.ModuleDict) -> Tensor:
        """Draw four images side by side from a fixed seed."""
        noise = torch.randn(4, 2, 4, 4, generator=torch.Generator().manual_seed(99)).to(self.device)
        torch.rand(1, device=self.device)  # a careless recipe must not disturb the training
        return torch.cat(list(networks["generator"](noise)), dim=2)

    def metadata(self) -> Mapping[str, str]:
        """Name the recipe."""
        return {"recipe": "toy"}


def build(settings: dict[str, Any], data: str, device: torch.device) -> ToyRecipe:
    """Build the toy from a preset's table."""
    return ToyRecipe(device=device, **settings)
