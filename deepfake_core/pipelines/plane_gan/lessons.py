"""Lessons: settings that show one thing that happens when a GAN learns, and what to watch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deepfake_core.pipelines.plane_gan.training import PlaneGanSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesson:
    """Settings, and what a class sees with them."""

    title: str
    text: str
    settings: PlaneGanSettings


_BALANCED = PlaneGanSettings(distribution="ring", generator_rate=1e-3, discriminator_rate=3e-3)
_COLLAPSE = PlaneGanSettings(distribution="ring", generator_rate=2e-3, discriminator_rate=2e-3, seed=3)

LESSONS: Mapping[str, Lesson] = {
    "balanced": Lesson(
        title="A GAN learns",
        text="The orange points follow the arrows uphill, to where the discriminator says real. Once they cover the "
        "blue ones it can only guess: the field fades, and its loss nears 2 log 2 = 1.39.",
        settings=_BALANCED,
    ),
    "collapse": Lesson(
        title="Mode collapse",
        text="A fast generator folds its whole grid onto a few clusters. As soon as the discriminator finds them, the "
        "points jump to others. Count the clusters that are covered.",
        settings=_COLLAPSE,
    ),
    "cure": Lesson(
        title="… and its cure",
        text="The same rates and seed with one term more, mode seeking: distant latent points must give distant "
        "results. The grid stays spread out, and all eight clusters are found.",
        settings=replace(_COLLAPSE, mode_seeking=0.1),
    ),
    "vanishing": Lesson(
        title="Vanishing gradients",
        text="With the paper's first loss, log(1 - D), and a discriminator that is far ahead, the arrows have no "
        "length: the generator does not move. Choose the non-saturating loss, and it starts.",
        settings=replace(_BALANCED, objective="minimax", discriminator_steps=10, generator_rate=3e-4),
    ),
    "oscillation": Lesson(
        title="Oscillation",
        text="With high rates and momentum the two networks chase each other around two clusters, and neither "
        "wins. Lower the momentum to 0, or add a gradient penalty of 0.1.",
        settings=PlaneGanSettings(
            distribution="pair", generator_rate=5e-3, discriminator_rate=5e-3, momentum=0.9, batch=64
        ),
    ),
}
"""By name, in the order of a class."""
