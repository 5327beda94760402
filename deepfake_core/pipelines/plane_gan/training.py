"""Training of a GAN in the plane, step by step (Goodfellow et al., NIPS 2014, algorithm 1)."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.errors import BadRequest
from deepfake_core.networks.plane_gan import LATENT, Discriminator, Generator, PlaneGanConfig
from deepfake_core.pipelines.plane_gan.distributions import DISTRIBUTIONS, Distribution

Objective = Literal["log", "minimax", "least_squares", "wasserstein"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaneGanSettings:
    """What a lesson can change. Raises `BadRequest` for values out of range."""

    distribution: str = "ring"
    """A name in `DISTRIBUTIONS`."""
    objective: Objective = "log"
    """`log`: non-saturating, and `minimax`: the first form (both Goodfellow et al., section 3); `least_squares` (Mao et
    al., ICCV 2017); `wasserstein`, with gradient penalty (Gulrajani et al., NIPS 2017)."""
    generator_rate: float = 1e-3
    discriminator_rate: float = 1e-3
    discriminator_steps: int = 1
    """Steps of the discriminator for each of the generator: k of algorithm 1."""
    momentum: float = 0.5
    """Adam's first beta; the second is 0.99."""
    batch: int = 128
    mode_seeking: float = 0.0
    """Weight of the mode seeking term (Mao et al., CVPR 2019, eq. 1): distant latents should give distant points."""
    penalty: float = 0.0
    """Weight of the gradient penalty: R1 at real points (Mescheder et al., ICML 2018, eq. 9); for `wasserstein`, of the
    distance of the gradient's norm from 1 between real and generated points."""
    seed: int = 0
    network: PlaneGanConfig = field(default_factory=PlaneGanConfig)

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            raise BadRequest(f"distribution must be one of {', '.join(DISTRIBUTIONS)}; got {self.distribution!r}")
        limits = {
            "generator_rate": (1e-6, 1.0), "discriminator_rate": (1e-6, 1.0), "discriminator_steps": (1, 20),
            "momentum": (0.0, 0.999), "batch": (4, 1024), "mode_seeking": (0.0, 100.0), "penalty": (0.0, 100.0),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise BadRequest(f"{name} must be between {low} and {high}, got {getattr(self, name)}")


class Losses:
    """The two losses of an objective, from the discriminator's logits."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    def discriminator(self, real: Float[Tensor, "n"], made: Float[Tensor, "n"]) -> Float[Tensor, ""]:
        if self.objective == "least_squares":
            return ((real - 1).square().mean() + made.square().mean()) / 2
        if self.objective == "wasserstein":
            return made.mean() - real.mean()
        return F.softplus(-real).mean() + F.softplus(made).mean()

    def generator(self, made: Float[Tensor, "n"]) -> Float[Tensor, ""]:
        match self.objective:
            case "log":
                return F.softplus(-made).mean()  # -log D(G(z))
            case "minimax":
                return -F.softplus(made).mean()  # log(1 - D(G(z)))
            case "least_squares":
                return (made - 1).square().mean() / 2
            case "wasserstein":
                return -made.mean()


class PlaneGan:
    """Two networks in training."""

    distribution: Distribution

    def __init__(self, settings: PlaneGanSettings) -> None:
        self.settings = settings
        self.distribution = DISTRIBUTIONS[settings.distribution]
        self.random = torch.Generator().manual_seed(settings.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator, self.discriminator = Generator(settings.network), Discriminator(settings.network)
        betas = (settings.momentum, 0.99)
        self.generator_optimizer = torch.optim.Adam(
            self.generator.parameters(), lr=settings.generator_rate, betas=betas, fused=True
        )
        self.discriminator_optimizer = torch.optim.Adam(
            self.discriminator.parameters(), lr=settings.discriminator_rate, betas=betas, fused=True
        )
        self.steps = 0
        self.history: dict[str, list[float]] = {"generator": [], "discriminator": []}
        """The losses of all steps."""

    @property
    def losses(self) -> Losses:
        """Of the present objective."""
        return Losses(self.settings.objective)

    def change(self, settings: PlaneGanSettings) -> None:
        """Go on with other settings, also while another thread takes steps; seed and network stay as they are."""
        self.distribution = DISTRIBUTIONS[settings.distribution]
        rates = (settings.generator_rate, settings.discriminator_rate)
        for optimizer, rate in zip((self.generator_optimizer, self.discriminator_optimizer), rates, strict=True):
            optimizer.param_groups[0].update(lr=rate, betas=(settings.momentum, 0.99))
        self.settings = replace(settings, seed=self.settings.seed, network=self.settings.network)

    def latents(self, count: int) -> Float[Tensor, "n 2"]:
        """Uniform in [-1, 1]^2."""
        return 2 * torch.rand(count, LATENT, generator=self.random) - 1

    def step(self) -> None:
        """One step of algorithm 1; `history` takes its two losses, without penalties."""
        for _ in range(self.settings.discriminator_steps):
            discriminator = self._train_discriminator()
        self.history["discriminator"].append(discriminator)
        self.history["generator"].append(self._train_generator())
        self.steps += 1

    def _train_discriminator(self) -> float:
        batch = self.settings.batch
        real = self.distribution.sample(batch, self.random)
        with torch.no_grad():
            made = self.generator(self.latents(batch))
        loss = self.losses.discriminator(self.discriminator(real), self.discriminator(made))
        total = loss + self.settings.penalty * self._penalty(real, made) if self.settings.penalty else loss
        self.discriminator_optimizer.zero_grad()
        total.backward()
        self.discriminator_optimizer.step()
        return loss.item()

    def _penalty(self, real: Float[Tensor, "n 2"], made: Float[Tensor, "n 2"]) -> Float[Tensor, ""]:
        if self.settings.objective == "wasserstein":
            share = torch.rand(len(real), 1, generator=self.random)
            norms = self.slope(share * real + (1 - share) * made).norm(dim=1)
            return (norms - 1).square().mean()
        return self.slope(real).square().sum(dim=1).mean() / 2

    def slope(self, points: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
        """The gradient of the discriminator's logit at points."""
        points = points.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.discriminator(points).sum(), points, create_graph=True)
        return slope

    def _train_generator(self) -> float:
        latents = self.latents(self.settings.batch)
        made = self.generator(latents)
        loss = self.losses.generator(self.discriminator(made))
        total = loss
        if self.settings.mode_seeking:
            total = loss + self.settings.mode_seeking * mode_seeking(latents, made)
        self.generator_optimizer.zero_grad()
        total.backward()
        self.generator_optimizer.step()
        return loss.item()


def mode_seeking(latents: Float[Tensor, "n 2"], made: Float[Tensor, "n 2"]) -> Float[Tensor, ""]:
    """Mao et al. (CVPR 2019), as they compute it: the inverse of mean |G(z1) - G(z2)| / |z1 - z2| over pairs."""
    (one, other), (first, second) = made.chunk(2), latents.chunk(2)
    ratio = (one - other).abs().mean(dim=1) / ((first - second).abs().mean(dim=1) + 1e-5)
    return 1 / (ratio.mean() + 1e-5)
