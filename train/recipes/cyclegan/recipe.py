"""Training of CycleGAN (Zhu et al., ICCV 2017): two domains, no pairs.

Where both domains are drawn, the same field is known with a horse and with a zebra. That truth can guide the
generators at first, which saves most of the time that finding the counterparts takes, and fades out.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.utils import make_grid

from deepfake_core.errors import BadRequest
from deepfake_core.networks.cyclegan import CycleGanConfig, Generator, PatchDiscriminator
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.cyclegan.data import HELD_OUT, Source, Unpaired, drawn_fields, held_out_fields, two_folders
from train.recipes.cyclegan.image_pool import Exchange, ImagePool
from train.recipes.cyclegan.losses import (
    Networks,
    Pair,
    adversarial_terms,
    cycle_terms,
    discriminator_terms,
    identity_terms,
    translate,
)
from train.recipes.cyclegan.supervision import Guidance, truth_terms

logger = logging.getLogger("train")
SHOWN = 6  # pictures in a row of the sheet


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGanTraining:
    """The `[recipe]` table of a preset; the defaults are the paper's."""

    network: CycleGanConfig = field(default_factory=CycleGanConfig)
    discriminator_base: int = 64
    discriminator_layers: int = 3
    """Halving layers; 3 judge patches of 70 x 70 pixels."""
    batch: int = 1
    learning_rate: float = 2e-4
    objective: Literal["least_squares", "log_likelihood"] = "least_squares"
    adversarial: float = 1.0
    """0 trains without discriminators: for drawn pictures, whose truth teaches enough."""
    cycle: float = 10.0
    identity: float = 0.5
    """Weight of the identity terms as a share of `cycle`; 0 saves two of a step's six passes."""
    pool: int = 50
    """Made pictures of each domain that the discriminator may see again."""
    enlarge: float = 1.12
    """Folders: how much larger than the crop a picture's shorter side is."""
    flip: bool = True
    drawn: int = 3000
    """Drawn fields: how many there are."""
    guidance: Guidance = field(default_factory=Guidance)
    clip_norm: float | None = None

    def generator(self, step: int) -> dict[str, float]:
        """Weights of the generators' terms."""
        weights = dict.fromkeys(("cycle_a", "cycle_b"), self.cycle)
        if self.adversarial > 0:
            weights |= dict.fromkeys(("adversarial_a2b", "adversarial_b2a"), self.adversarial)
        if self.identity > 0:
            weights |= dict.fromkeys(("identity_a2b", "identity_b2a"), self.cycle * self.identity)
        return weights | self.guidance.weights(step)


class CycleBatch(NamedTuple):
    """What the phases of one step share."""

    pictures: Unpaired
    exchanges: tuple[Exchange, Exchange]
    made: Pair | None = None  # by the generators' phase, for the discriminators'


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGanRecipe:
    """The recipe as the loop wants it."""

    settings: CycleGanTraining
    networks: nn.ModuleDict
    averaged: tuple[str, ...]
    phases: tuple[Phase, ...]
    source: Source
    held_out: Unpaired
    """For the sheet."""

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> CycleBatch:
        pictures = self.source(self.settings.batch, generator)
        pools = [self.networks[name] for name in ("pool_a", "pool_b")]
        first, second = (pool.decide(self.settings.batch, generator) for pool in pools)  # type: ignore[operator]
        return CycleBatch(pictures, (first, second))

    def sheet(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        a2b, b2a = (networks[name] for name in self.averaged)
        real, truth = self.held_out
        there, back = a2b(real.a), b2a(real.b)
        rows = [real.a, there, *([truth.b] if truth else []), b2a(there)]
        rows += [real.b, back, *([truth.a] if truth else []), a2b(back)]
        return make_grid(torch.cat(rows).clamp(-1, 1) / 2 + 0.5, nrow=len(real.a), padding=2)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "cyclegan", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> CycleGanRecipe:
    """The recipe of a preset's `[recipe]` table; `data` is "synthetic" or a folder of two folders of pictures."""
    settings = configure(CycleGanTraining, table, "[recipe]")
    size = settings.network.size
    if settings.guidance.truth_first and not settings.guidance.truth:
        raise BadRequest("guidance.truth_first needs guidance.truth: nothing else is learned in these steps")
    if settings.network.channels != 3:
        raise BadRequest("training reads colour pictures: network.channels must be 3")
    if data == "synthetic":
        source = drawn_fields(settings.drawn, size, device)
        held_out = held_out_fields(SHOWN, size, device)
        a, b = "horse", "zebra"
    else:
        if settings.guidance.truth:
            logger.info("the pictures of %s have no drawn truth: guidance is left out", data)
            settings = replace(settings, guidance=Guidance())
        source = two_folders(data, size, settings.enlarge, settings.flip)
        held_out = source(SHOWN, torch.Generator(device).manual_seed(HELD_OUT))
        a, b = "a", "b"
    networks, parts = make_networks(settings, a, b, device)
    return CycleGanRecipe(
        settings=settings,
        networks=networks,
        averaged=(f"{a}2{b}", f"{b}2{a}"),
        phases=build_phases(settings, networks, parts),
        source=source,
        held_out=held_out,
    )


def make_networks(settings: CycleGanTraining, a: str, b: str, device: torch.device) -> tuple[nn.ModuleDict, Networks]:
    """Everything that a checkpoint holds: both generators, both discriminators by their domain, both pools."""
    config = settings.network
    judges = [
        PatchDiscriminator(config.channels, settings.discriminator_base, settings.discriminator_layers)
        for _ in range(2)
    ]
    parts = Networks(Generator(config), Generator(config), *judges)
    networks = nn.ModuleDict(dict(zip((f"{a}2{b}", f"{b}2{a}", a, b), parts, strict=True)))
    for module in networks.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)  # appendix 7.1
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    networks.to(memory_format=torch.channels_last)
    for side in ("a", "b"):
        networks[f"pool_{side}"] = ImagePool(settings.pool, config.channels, config.size)
    return networks.to(device), parts


def build_phases(settings: CycleGanTraining, networks: nn.ModuleDict, parts: Networks) -> tuple[Phase, ...]:
    """The truth alone for a while, then the generators and the discriminators in turn."""
    generators, judges = nn.ModuleList([parts.a2b, parts.b2a]), nn.ModuleList([parts.judge_a, parts.judge_b])
    moving, judging = (
        torch.optim.Adam(group.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)
        for group in (generators, judges)
    )
    guidance = settings.guidance

    def joined(step: int) -> bool:
        return step >= guidance.truth_first

    truth = Phase(
        name="truth",
        trained=generators,
        optimizer=moving,
        losses=lambda batch, step: (truth_terms(translate(parts, batch.pictures.real), batch.pictures.truth), batch),
        weights=guidance.weights,
        clip_norm=settings.clip_norm,
        active=lambda step: not joined(step),
    )
    generator = Phase(
        name="generator",
        trained=generators,
        optimizer=moving,
        losses=generator_losses(settings, parts),
        weights=settings.generator,
        clip_norm=settings.clip_norm,
        active=joined,
    )
    discriminator = Phase(
        name="discriminator",
        trained=judges,
        optimizer=judging,
        losses=discriminator_losses(settings, parts, networks),
        weights=lambda step: {"adversarial_a": 1.0, "adversarial_b": 1.0},
        active=joined,
    )
    judged = (discriminator,) if settings.adversarial > 0 else ()
    return (*((truth,) if guidance.truth_first else ()), generator, *judged)


Losses = Callable[[CycleBatch, int], tuple[dict[str, Tensor], CycleBatch]]


def generator_losses(settings: CycleGanTraining, parts: Networks) -> Losses:
    """The generators' phase as a function of batch and step."""

    def losses(batch: CycleBatch, step: int) -> tuple[dict[str, Tensor], CycleBatch]:
        real, truth = batch.pictures
        made = translate(parts, real)
        terms = cycle_terms(parts, real, made)
        if settings.adversarial > 0:
            terms |= adversarial_terms(parts, made, settings.objective)
        if settings.identity > 0:
            terms |= identity_terms(parts, real)
        if settings.guidance.truth > 0:
            assert truth is not None
            terms |= truth_terms(made, truth)
        return terms, batch._replace(made=Pair(made.a.detach(), made.b.detach()))

    return losses


def discriminator_losses(settings: CycleGanTraining, parts: Networks, networks: nn.ModuleDict) -> Losses:
    """The discriminators' phase as a function of batch and step."""
    pools = networks["pool_a"], networks["pool_b"]

    def losses(batch: CycleBatch, step: int) -> tuple[dict[str, Tensor], CycleBatch]:
        assert batch.made is not None
        shown = [
            pool.exchange(made, decisions)  # type: ignore[operator]
            for pool, made, decisions in zip(pools, batch.made, batch.exchanges, strict=True)
        ]
        return discriminator_terms(parts, batch.pictures.real, Pair(*shown), settings.objective), batch

    return losses
