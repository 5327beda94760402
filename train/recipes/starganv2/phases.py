"""The phases of a StarGAN v2 step: supervision, if any, then the four of the paper."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deepfake_core.networks.starganv2 import Discriminator, StarGanV2
from train.loop.recipe import Phase
from train.recipes.starganv2.batch import StyleBatch
from train.recipes.starganv2.config import StarGanV2Training, StyleSource
from train.recipes.starganv2.losses import (
    FindMasks,
    Target,
    discriminator_terms,
    from_latents,
    from_references,
    generator_terms,
    synthesize,
)
from train.recipes.starganv2.supervised_phases import supervised_phases


def build_phases(
    settings: StarGanV2Training, networks: nn.ModuleDict, find_masks: FindMasks | None, device: torch.device
) -> tuple[Phase, ...]:
    """The phases of supervision, if any, then the four of the paper."""
    model, discriminator = networks["starganv2"], networks["discriminator"]
    assert isinstance(model, StarGanV2) and isinstance(discriminator, Discriminator)
    trained = [*model.generator.parameters(), *model.style_encoder.parameters()]
    if "attributes" in networks:
        trained += networks["attributes"].parameters()
    rates = [
        {"params": trained, "lr": settings.learning_rate},
        {"params": [*model.mapping.parameters()], "lr": settings.mapping_rate},
    ]
    adam: dict[str, Any] = {"betas": settings.betas, "weight_decay": settings.weight_decay, "fused": True}
    generator_optimizer = torch.optim.Adam(
        rates, **adam
    )  # shared by all phases: networks that a phase does not train get no gradient
    published = PublishedPhases(
        settings=settings,
        model=model,
        discriminator=discriminator,
        find_masks=find_masks,
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=torch.optim.Adam(discriminator.parameters(), lr=settings.learning_rate, **adam),
    )
    return (*supervised_phases(settings, networks, generator_optimizer, device), *published.all())


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPhases:
    """The four phases of the paper, and what they share."""

    settings: StarGanV2Training
    model: StarGanV2
    discriminator: Discriminator
    find_masks: FindMasks | None
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer

    def all(self) -> tuple[Phase, ...]:
        """The phases in order; mapping network and style encoder are trained with styles from latents only."""
        return (
            self.discriminator_phase("latent"),
            self.discriminator_phase("reference"),
            self.generator_phase("latent", self.model),
            self.generator_phase("reference", self.model.generator),
        )

    def target(self, batch: StyleBatch, of: StyleSource) -> Target:
        """The styles of a step."""
        samples = batch.samples
        if of == "latent":
            return from_latents(self.model, samples.domain, batch.first, batch.second)
        return from_references(self.model, samples.domain, samples.reference, samples.second)

    def discriminator_phase(self, of: StyleSource) -> Phase:
        """Train the discriminator on results in styles of one kind."""

        def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            with torch.no_grad():
                wanted = self.target(batch, of)
                made = self.model.generator(batch.source.image, wanted.style, batch.source.masks)
            penalty = "r1" in self.settings.discriminator(step)
            return discriminator_terms(self.discriminator, batch.source, made, wanted.domain, penalty=penalty), batch

        return Phase(
            name=f"discriminator_{of}",
            trained=self.discriminator,
            optimizer=self.discriminator_optimizer,
            losses=losses,
            weights=self.settings.discriminator,
            active=lambda step: self.settings.published(step, of),
        )

    def generator_phase(self, of: StyleSource, trained: nn.Module) -> Phase:
        """Train the generator, and whatever else is in `trained`, with styles of one kind."""

        def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            wanted = self.target(batch, of)
            result = synthesize(self.model, batch.source, wanted, self.find_masks)
            return generator_terms(self.discriminator, result, batch.source, wanted), batch

        return Phase(
            name=f"generator_{of}",
            trained=trained,
            optimizer=self.generator_optimizer,
            losses=losses,
            weights=self.settings.generator,
            active=lambda step: self.settings.published(step, of),
        )
