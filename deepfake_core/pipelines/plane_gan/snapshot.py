"""What a lesson shows of a GAN in the plane: points, the discriminator's field, the generator's grid, gradients."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.metrics.distribution import energy_distance
from deepfake_core.pipelines.plane_gan.distributions import Distribution, covered
from deepfake_core.pipelines.plane_gan.training import PlaneGan

REACH = 1.2
"""The figure shows [-REACH, REACH]^2."""
POINTS = 256
"""Points of each kind that are shown."""
JUDGED = 1024
"""Generated points by which modes are counted and the distance is measured."""
FIELD = 48
"""Points a side at which the discriminator is evaluated."""
LINES, ALONG = 13, 40
"""Lines of the generator's grid in each direction, and points on each."""
ARROWS = 48
"""Generated points at which the generator's gradient is shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Tensors in the plane's own units."""

    steps: int
    real: Float[Tensor, "n 2"]
    made: Float[Tensor, "n 2"]
    field: Float[Tensor, "h w"]
    """The discriminator's probability for "real" (with `wasserstein`: the logit, scaled to [0, 1]); the first row is
    the lowest."""
    lines: Float[Tensor, "l p 2"]
    """A square grid of latents, as the generator maps it."""
    arrows: Float[Tensor, "a 2 2"]
    """Generated points, and where the generator's loss would move each: the negative gradient, at most 0.25 long."""
    slope: float
    """Mean length of these gradients: near 0, the generator learns nothing."""
    modes: tuple[int, int] | None
    """Modes that are covered, and how many there are; None if the distribution has none."""
    distance: float
    """Energy distance of generated to real points, at least 0; 0 for equal distributions."""


def take(gan: PlaneGan) -> Snapshot:
    """A snapshot of the networks as they are; it changes nothing, random numbers included."""
    random = torch.Generator().manual_seed(gan.settings.seed + 1)
    latents = 2 * torch.rand(JUDGED, 2, generator=random) - 1
    real = gan.distribution.sample(JUDGED, random)
    with torch.no_grad():
        made, lines, field = gan.generator(latents), _lines(gan), _field(gan)
    arrows, slope = _arrows(gan, latents[:ARROWS])
    return Snapshot(
        steps=gan.steps,
        real=real[:POINTS],
        made=made[:POINTS],
        field=field,
        lines=lines,
        arrows=arrows,
        slope=slope,
        modes=_modes(made, gan.distribution),
        distance=max(0.0, energy_distance(made[:POINTS], real[:POINTS]).item()),
    )


def _modes(made: Float[Tensor, "n 2"], distribution: Distribution) -> tuple[int, int] | None:
    return None if distribution.modes is None else (covered(made, distribution), len(distribution.modes))


def _field(gan: PlaneGan) -> Float[Tensor, "h w"]:
    steps = torch.linspace(-REACH, REACH, FIELD)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    logits = gan.discriminator(torch.stack((x, y), dim=2).reshape(-1, 2)).reshape(FIELD, FIELD)
    if gan.settings.objective == "least_squares":
        return logits.clamp(0, 1)
    if gan.settings.objective == "wasserstein":
        low, high = logits.aminmax()
        return (logits - low) / (high - low).clamp_min(1e-6)
    return logits.sigmoid()


def _lines(gan: PlaneGan) -> Float[Tensor, "l p 2"]:
    across, along = torch.linspace(-1, 1, LINES), torch.linspace(-1, 1, ALONG)
    fixed, moving = torch.meshgrid(across, along, indexing="ij")
    latents = torch.cat((torch.stack((fixed, moving), dim=2), torch.stack((moving, fixed), dim=2)))
    return gan.generator(latents.reshape(-1, 2)).reshape(2 * LINES, ALONG, 2)


def _arrows(gan: PlaneGan, latents: Float[Tensor, "a 2"]) -> tuple[Float[Tensor, "a 2 2"], float]:
    made = gan.generator(latents).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(gan.losses.generator(gan.discriminator(made)) * len(made), made)
    lengths = gradient.norm(dim=1)
    longest = max(lengths.max().item(), 1.0)  # small gradients stay small in the figure
    return torch.stack((made.detach(), made.detach() - 0.25 * gradient / longest), dim=1), lengths.mean().item()
