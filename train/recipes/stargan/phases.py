"""The phases of a StarGAN step: supervision alone at first, if there is any, then those of the paper."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from deepfake_core.networks.stargan import Discriminator, StarGan
from train.common.augment import augmented
from train.loop.recipe import Phase
from train.recipes.stargan.batch import StarGanBatch
from train.recipes.stargan.config import StarGanTraining
from train.recipes.stargan.data import Samples
from train.recipes.stargan.losses import classification, critic_terms, generator_terms
from train.recipes.stargan.supervision import truth_terms

Losses = tuple[dict[str, Tensor], StarGanBatch]


def build_phases(settings: StarGanTraining, model: StarGan, supervised: bool) -> tuple[Phase, ...]:
    """Supervision alone for `truth_first` steps; then the discriminator at every step, the generator at every n-th."""
    assert model.discriminator is not None
    losses = StarGanLosses(settings=settings, model=model, critic=model.discriminator, supervised=supervised)
    generator, critic = model.generator, model.discriminator
    rates = (settings.learning_rate, settings.critic_rate or settings.learning_rate)
    optimizers = [
        torch.optim.Adam(part.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)
        for part, rate in zip((generator, critic), rates, strict=True)
    ]

    def truth_alone(step: int) -> bool:
        return step < settings.truth_first

    alone = (
        Phase(name="truth", trained=generator, optimizer=optimizers[0], losses=losses.truth,
              weights=losses.truth_weights, clip_norm=settings.clip_norm, active=truth_alone),
        Phase(name="classes", trained=critic, optimizer=optimizers[1], losses=losses.classes,
              weights=lambda step: {"classes": 1.0}, active=truth_alone),
    )  # fmt: skip
    together = (
        Phase(name="generator", trained=generator, optimizer=optimizers[0], losses=losses.generator,
              weights=losses.generator_weights,
              active=lambda step: not truth_alone(step) and (step + 1) % settings.critic_steps == 0),
        Phase(name="critic", trained=critic, optimizer=optimizers[1], losses=losses.discriminator,
              weights=lambda step: settings.critic(), active=lambda step: not truth_alone(step)),
    )  # fmt: skip
    return (*alone, *together) if settings.truth_first else together


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanLosses:
    """The losses of all phases, and the weights of those with supervision."""

    settings: StarGanTraining
    model: StarGan
    critic: Discriminator
    supervised: bool

    def supervision(self, step: int) -> dict[str, float]:
        """Weights of the terms that compare with the truth."""
        return self.settings.supervision.weights(step) if self.supervised else {}

    def truth_weights(self, step: int) -> dict[str, float]:
        """Weights of the phase with supervision alone."""
        supervision = self.settings.supervision
        used = supervision.classes > 0 and step >= max(self.settings.half_size_first, supervision.classes_from)
        return self.supervision(step) | ({"classes": supervision.classes} if used else {})

    def generator_weights(self, step: int) -> dict[str, float]:
        """Weights of the generator's phase of the paper."""
        return self.settings.generator() | self.supervision(step)

    def edited(self, samples: Samples) -> Tensor:
        """The images with the wanted attributes."""
        return self.model.generator(samples.image, self.model.conditioning(samples.wanted, samples.attributes))

    def truth(self, batch: StarGanBatch, step: int) -> Losses:
        """The generator on the truth alone, and on the attributes that the discriminator's class head finds."""
        samples = batch.samples.halved() if step < self.settings.half_size_first else batch.samples
        made = self.edited(samples)
        terms = supervision_terms(samples, made, self.supervision(step))
        if "classes" in self.truth_weights(step):
            logits = self.critic(made).logits
            terms["classes"] = classification(logits, samples.wanted, self.settings.network.exclusive)
        return terms, batch

    def classes(self, batch: StarGanBatch, step: int) -> Losses:
        """The class head on sources and truths."""
        samples = batch.samples
        assert samples.truth is not None
        logits = self.critic(augmented(torch.cat((samples.image, samples.truth)), batch.chance)).logits
        attributes = torch.cat((samples.attributes, samples.wanted))
        return {"classes": classification(logits, attributes, self.settings.network.exclusive)}, batch

    def generator(self, batch: StarGanBatch, step: int) -> Losses:
        """The generator's terms of the paper, and those of the truth."""
        samples, made = batch.samples, self.edited(batch.samples)
        rebuilt = self.model.generator(made, self.model.conditioning(samples.attributes, samples.wanted))
        exclusive = self.settings.network.exclusive
        terms = generator_terms(self.critic, samples.image, made, samples.wanted, rebuilt, exclusive)
        terms |= supervision_terms(samples, made, self.supervision(step))
        return terms, batch._replace(made=made.detach())

    def discriminator(self, batch: StarGanBatch, step: int) -> Losses:
        """The discriminator's terms of the paper, on the generator's results of this step if there are any."""
        samples, made = batch.samples, batch.made
        if made is None:
            with torch.no_grad():
                made = self.edited(samples)
        exclusive = self.settings.network.exclusive
        return critic_terms(self.critic, samples.image, samples.attributes, made, batch.share, exclusive), batch


def supervision_terms(samples: Samples, made: Tensor, supervision: Mapping[str, float]) -> dict[str, Tensor]:
    """The supervision terms with a weight at this step."""
    if not supervision:
        return {}
    assert samples.truth is not None
    terms = truth_terms(samples.image, made, samples.truth)
    return {name: terms[name] for name in supervision}
