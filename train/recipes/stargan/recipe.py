"""Training of StarGAN (Choi et al., CVPR 2018).

A generator edits images towards the attributes of other images of the batch; a discriminator classifies real and
generated images and their attributes. For drawn images the desired result can be drawn as well and supervise the
generator, which takes about a hundredth of the published number of steps.
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
from train.common.augment import augmented
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.stargan.data import Draw, Samples, labelled_folder, sample_heads, sample_labelled
from train.recipes.stargan.losses import classification, critic_terms, generator_terms
from train.recipes.stargan.samples import edited_heads, edited_pictures
from train.recipes.stargan.supervision import Supervision, truth_terms

logger = logging.getLogger("train")


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


class StarGanBatch(NamedTuple):
    """Data shared by the phases of one step."""

    samples: Samples
    share: Float[Tensor, "b 1 1 1"]  # weight of the real image in the interpolation for the gradient penalty
    chance: torch.Generator
    made: Float[Tensor, "b 3 s s"] | None = None  # set by the generator's phase for the discriminator's


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanRecipe:
    """The recipe, as `train.loop.recipe.Recipe` defines it."""

    settings: StarGanTraining
    networks: nn.ModuleDict
    phases: tuple[Phase, ...]
    draw: Draw
    draw_samples: Callable[[StarGan], Tensor]
    device: torch.device
    ema_networks: tuple[str, ...] = ("stargan",)

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> StarGanBatch:
        share = torch.rand(self.settings.batch, 1, 1, 1, generator=generator, device=generator.device)
        return StarGanBatch(self.draw(generator), share.to(self.device), generator)

    def sample_grid(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        model = networks["stargan"]
        assert isinstance(model, StarGan)
        return self.draw_samples(model)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "stargan", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> StarGanRecipe:
    """Build the recipe from a preset's `[recipe]` table.

    `data` is "synthetic", a folder in CelebA's layout, or a folder with one folder of images for each domain.
    """
    settings = configure(StarGanTraining, table, "[recipe]")
    if settings.critic_steps < 1:
        raise BadRequest(f"critic_steps must be at least 1, got {settings.critic_steps}")
    network, supervised = (
        replace(settings.network, critic=True),
        data == "synthetic" and bool(settings.supervision.weights(0)),
    )
    if data == "synthetic":
        if network.attributes != ATTRIBUTES:
            raise BadRequest(
                f"network.attributes must be {', '.join(ATTRIBUTES)} for drawn heads, "
                f"got {', '.join(network.attributes)}"
            )
        if settings.truth_first and not supervised:
            raise BadRequest("truth_first requires [recipe.supervision], the only loss of these steps")
        draw = sample_heads(settings.batch, network.size, settings.heads, settings.spread, device, truth=supervised)
        settings = replace(settings, network=network)
        draw_samples: Callable[[StarGan], Tensor] = edited_heads
    else:
        labelled = labelled_folder(Path(data), network.attributes)
        if labelled.exclusive:
            logger.info("one folder per domain: %s", ", ".join(labelled.names))
        network = replace(network, attributes=labelled.names, exclusive=labelled.exclusive)
        logger.info("%d images of %s have no ground truth: supervision is ignored", len(labelled.paths), data)
        settings = replace(settings, network=network, supervision=Supervision(), truth_first=0)
        draw, draw_samples = sample_labelled(labelled, settings.batch, network.size), edited_pictures(labelled)
    model = StarGan(network).to(device)
    networks = nn.ModuleDict({"stargan": model})
    phases = build_phases(settings, model, supervised)
    return StarGanRecipe(
        settings=settings, networks=networks, phases=phases, draw=draw, draw_samples=draw_samples, device=device
    )


def build_phases(settings: StarGanTraining, model: StarGan, supervised: bool) -> tuple[Phase, ...]:
    """Supervision alone for `truth_first` steps; then the discriminator at every step, the generator at every n-th."""
    generator, critic = model.generator, model.discriminator
    assert critic is not None
    exclusive = settings.network.exclusive
    rates = (settings.learning_rate, settings.critic_rate or settings.learning_rate)
    optimizers = [
        torch.optim.Adam(part.parameters(), lr=rate, betas=(0.5, 0.999), fused=True)
        for part, rate in zip((generator, critic), rates, strict=True)
    ]

    def supervision(step: int) -> dict[str, float]:
        return settings.supervision.weights(step) if supervised else {}

    def truth_alone(step: int) -> bool:
        return step < settings.truth_first

    def alone_weights(step: int) -> dict[str, float]:
        weight = settings.supervision.classes
        used = weight > 0 and step >= max(settings.half_size_first, settings.supervision.classes_from)
        return supervision(step) | ({"classes": weight} if used else {})

    def truth_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples = batch.samples.halved() if step < settings.half_size_first else batch.samples
        made = generator(samples.image, model.conditioning(samples.wanted, samples.attributes))
        terms = supervision_terms(samples, made, supervision(step))
        if "classes" in alone_weights(step):
            terms["classes"] = classification(critic(made).logits, samples.wanted, exclusive)
        return terms, batch

    def class_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples = batch.samples
        assert samples.truth is not None
        logits = critic(augmented(torch.cat((samples.image, samples.truth)), batch.chance)).logits
        attributes = torch.cat((samples.attributes, samples.wanted))
        return {"classes": classification(logits, attributes, exclusive)}, batch

    def generator_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples = batch.samples
        made = generator(samples.image, model.conditioning(samples.wanted, samples.attributes))
        rebuilt = generator(made, model.conditioning(samples.attributes, samples.wanted))
        terms = generator_terms(critic, samples.image, made, samples.wanted, rebuilt, exclusive)
        terms |= supervision_terms(samples, made, supervision(step))
        return terms, batch._replace(made=made.detach())

    def critic_losses(batch: StarGanBatch, step: int) -> tuple[dict[str, Tensor], StarGanBatch]:
        samples, made = batch.samples, batch.made
        if made is None:
            with torch.no_grad():
                made = generator(samples.image, model.conditioning(samples.wanted, samples.attributes))
        return critic_terms(critic, samples.image, samples.attributes, made, batch.share, exclusive), batch

    alone = (
        Phase(name="truth", trained=generator, optimizer=optimizers[0], losses=truth_losses, weights=alone_weights,
              clip_norm=settings.clip_norm, active=truth_alone),
        Phase(name="classes", trained=critic, optimizer=optimizers[1], losses=class_losses,
              weights=lambda step: {"classes": 1.0}, active=truth_alone),
    )  # fmt: skip
    together = (
        Phase(name="generator", trained=generator, optimizer=optimizers[0], losses=generator_losses,
              weights=lambda step: settings.generator() | supervision(step),
              active=lambda step: not truth_alone(step) and (step + 1) % settings.critic_steps == 0),
        Phase(name="critic", trained=critic, optimizer=optimizers[1], losses=critic_losses,
              weights=lambda step: settings.critic(), active=lambda step: not truth_alone(step)),
    )  # fmt: skip
    return (*alone, *together) if settings.truth_first else together


def supervision_terms(samples: Samples, made: Tensor, supervision: Mapping[str, float]) -> dict[str, Tensor]:
    """The supervision terms with a weight at this step."""
    if not supervision:
        return {}
    assert samples.truth is not None
    terms = truth_terms(samples.image, made, samples.truth)
    return {name: terms[name] for name in supervision}
