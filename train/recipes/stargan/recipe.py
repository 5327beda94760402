"""Training of StarGAN (Choi et al., CVPR 2018).

A generator edits pictures towards attributes that others of the batch have; a discriminator judges what is real and
names its attributes. Where the pictures are drawn, the wanted one can be drawn as well and guide the generator: that
takes a hundredth of the published training's steps.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.networks.stargan import StarGan, StarGanConfig
from deepfake_core.synthetic.heads import ATTRIBUTES
from train.common.augment import blemished
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.stargan.data import Draw, Samples, labelled_folder, sample_heads, sample_labelled
from train.recipes.stargan.losses import classification, critic_terms, generator_terms
from train.recipes.stargan.samples import edited_heads, edited_pictures
from train.recipes.stargan.supervision import Guidance, truth_terms

logger = logging.getLogger("train")


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanTraining:
    """The `[recipe]` table of a preset; the defaults are the paper's for CelebA."""

    network: StarGanConfig = field(default_factory=lambda: StarGanConfig(critic=True))
    batch: int = 16
    learning_rate: float = 1e-4
    critic_rate: float | None = None
    """Learning rate of the discriminator; None takes the generator's."""
    adversarial: float = 1.0
    classes: float = 1.0
    reconstruction: float = 10.0
    gradient_penalty: float = 10.0
    critic_steps: int = 5
    """The generator moves at every so many-th step, the discriminator at each."""
    guidance: Guidance = field(default_factory=Guidance)
    truth_first: int = 0
    """Steps in which the generator learns from the truth alone, and the discriminator to name attributes only."""
    half_size_first: int = 0
    """The first of these steps, in which the generator learns at half the resolution, in a quarter of the time."""
    clip_norm: float | None = None
    """Largest norm of the generator's gradient in the steps of `truth_first`."""
    heads: int = 2500
    """How many heads are drawn, three pictures each, before training on drawn ones begins."""
    spread: float = 0.8
    """How far drawn heads turn and move; 1 is as in VoxCeleb."""

    def generator(self) -> dict[str, float]:
        """Weights of the generator's terms but the guidance."""
        return {"adversarial": self.adversarial, "classes": self.classes, "reconstruction": self.reconstruction}

    def critic(self) -> dict[str, float]:
        """Weights of the discriminator's terms."""
        fooled = {"real": self.adversarial, "made": self.adversarial, "classes": self.classes}
        return fooled | {"gradient_penalty": self.gradient_penalty * self.adversarial}


class StarGanBatch(NamedTuple):
    """What the phases of one step share."""

    samples: Samples
    share: Float[Tensor, "b 1 1 1"]  # of the real picture in the one whose gradient is penalised
    chance: torch.Generator
    made: Float[Tensor, "b 3 s s"] | None = None  # by the generator's phase, for the discriminator's


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanRecipe:
    """The recipe as the loop wants it."""

    settings: StarGanTraining
    networks: nn.ModuleDict
    phases: tuple[Phase, ...]
    draw: Draw
    paint_sheet: Callable[[StarGan], Tensor]
    device: torch.device
    averaged: tuple[str, ...] = ("stargan",)

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> StarGanBatch:
        share = torch.rand(self.settings.batch, 1, 1, 1, generator=generator, device=generator.device)
        return StarGanBatch(self.draw(generator), share.to(self.device), generator)

    def sheet(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        model = networks["stargan"]
        assert isinstance(model, StarGan)
        return self.paint_sheet(model)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "stargan", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> StarGanRecipe:
    """The recipe of a preset's `[recipe]` table.

    `data` is "synthetic", a folder in CelebA's layout, or a folder that holds one folder of pictures a domain.
    """
    settings = configure(StarGanTraining, table, "[recipe]")
    if settings.critic_steps < 1:
        raise BadRequest(f"critic_steps must be at least 1, not {settings.critic_steps}")
    network, guided = replace(settings.network, critic=True), data == "synthetic" and bool(settings.guidance.weights(0))
    if data == "synthetic":
        if network.attributes != ATTRIBUTES:
            raise BadRequest(f"drawn heads have the attributes {', '.join(ATTRIBUTES)}, in this order, and no others")
        if settings.truth_first and not guided:
            raise BadRequest("truth_first needs guidance: the generator learns from nothing else alone")
        draw = sample_heads(settings.batch, network.size, settings.heads, settings.spread, device, truth=guided)
        settings = replace(settings, network=network)
        paint_sheet: Callable[[StarGan], Tensor] = edited_heads
    else:
        labelled = labelled_folder(Path(data), network.attributes)
        if labelled.exclusive:
            logger.info("one folder a domain: %s", ", ".join(labelled.names))
        network = replace(network, attributes=labelled.names, exclusive=labelled.exclusive)
        logger.info("%d pictures of %s; they have no drawn truth to guide with", len(labelled.paths), data)
        settings = replace(settings, network=network, guidance=Guidance(), truth_first=0)
        draw, paint_sheet = sample_labelled(labelled, settings.batch, network.size), edited_pictures(labelled)
    model = StarGan(network).to(device)
    networks = nn.ModuleDict({"stargan": model})
    phases = build_phases(settings, model, guided)
    return StarGanRecipe(
        settings=settings, networks=networks, phases=phases, draw=draw, paint_sheet=paint_sheet, device=device
    )


def build_phases(settings: StarGanTraining, model: StarGan, guided: bool) -> tuple[Phase, ...]:
    """The truth alone for a while; then the generator at every n-th step, and the discriminator at each."""
    generator, critic = model.generator, model.discriminator
    assert critic is not None
    exclusive = settings.network.exclusive
    rates = (settings.learning_rate, settings.critic_rate or settings.learning_rate)
    optimizers = [
        torch.optim.Adam(part.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)
        for part, rate in zip((generator, critic), rates, strict=True)
    ]

    def guidance(step: int) -> dict[str, float]:
        return settings.guidance.weights(step) if guided else {}

    def truth_alone(step: int) -> bool:
        return step < settings.truth_first

    def alone_weights(step: int) -> dict[str, float]:
        judged = settings.guidance.classes
        heard = judged > 0 and step >= max(settings.half_size_first, settings.guidance.classes_from)
        return guidance(step) | ({"classes": judged} if heard else {})

    def truth_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples = batch.samples.halved() if step < settings.half_size_first else batch.samples
        made = generator(samples.image, model.told(samples.wanted, samples.attributes))
        terms = wanted_truth(samples, made, guidance(step))
        if "classes" in alone_weights(step):
            terms["classes"] = classification(critic(made).logits, samples.wanted, exclusive)
        return terms, batch

    def class_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples = batch.samples
        assert samples.truth is not None
        logits = critic(blemished(torch.cat((samples.image, samples.truth)), batch.chance)).logits
        attributes = torch.cat((samples.attributes, samples.wanted))
        return {"classes": classification(logits, attributes, exclusive)}, batch

    def generator_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples = batch.samples
        made = generator(samples.image, model.told(samples.wanted, samples.attributes))
        rebuilt = generator(made, model.told(samples.attributes, samples.wanted))
        terms = generator_terms(critic, samples.image, made, samples.wanted, rebuilt, exclusive)
        terms |= wanted_truth(samples, made, guidance(step))
        return terms, batch._replace(made=made.detach())

    def critic_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples, made = batch.samples, batch.made
        if made is None:
            with torch.no_grad():
                made = generator(samples.image, model.told(samples.wanted, samples.attributes))
        return critic_terms(critic, samples.image, samples.attributes, made, batch.share, exclusive), batch

    alone = (
        Phase(name="truth", trained=generator, optimizer=optimizers[0], losses=truth_losses, weights=alone_weights,
              clip_norm=settings.clip_norm, active=truth_alone),
        Phase(name="classes", trained=critic, optimizer=optimizers[1], losses=class_losses,
              weights=lambda step: {"classes": 1.0}, active=truth_alone),
    )  # fmt: skip
    together = (
        Phase(name="generator", trained=generator, optimizer=optimizers[0], losses=generator_losses,
              weights=lambda step: settings.generator() | guidance(step),
              active=lambda step: not truth_alone(step) and (step + 1) % settings.critic_steps == 0),
        Phase(name="critic", trained=critic, optimizer=optimizers[1], losses=critic_losses,
              weights=lambda step: settings.critic(), active=lambda step: not truth_alone(step)),
    )  # fmt: skip
    return (*alone, *together) if settings.truth_first else together


def wanted_truth(samples: Samples, made: Tensor, guidance: Mapping[str, float]) -> dict[str, Tensor]:
    """The terms of the truth that count at this step."""
    if not guidance:
        return {}
    assert samples.truth is not None
    terms = truth_terms(samples.image, made, samples.truth)
    return {name: terms[name] for name in guidance}
