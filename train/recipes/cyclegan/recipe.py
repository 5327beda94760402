"""Training of CycleGAN (Zhu et al., ICCV 2017): two domains, no pairs.

Drawn fields exist with horses and with zebras, so the counterpart of every image is known. It can supervise the
generators in addition, which saves most of the time that unpaired training takes to find the mapping.
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
from deepfake_core.networks.cyclegan import CycleGanConfig, Generator, PatchDiscriminator, PatchDiscriminatorConfig
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.cyclegan.data import HELD_OUT, Source, UnpairedImages, drawn_fields, held_out_fields, two_folders
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
from train.recipes.cyclegan.supervision import Supervision, truth_terms

logger = logging.getLogger("train")
SHOWN = 6  # images in a row of the sample grid


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGanTraining:
    """The `[recipe]` table of a preset; the defaults are the paper's."""

    network: CycleGanConfig = field(default_factory=CycleGanConfig)
    discriminator_base: int = 64
    discriminator_layers: int = 3
    """Layers with stride 2; 3 give a receptive field of 70 x 70 pixels."""
    batch: int = 1
    learning_rate: float = 2e-4
    objective: Literal["least_squares", "log_likelihood"] = "least_squares"
    adversarial: float = 1.0
    """Weight of the adversarial terms; 0 trains without discriminators, on supervision alone."""
    cycle: float = 10.0
    identity: float = 0.5
    """Weight of the identity terms relative to `cycle`; 0 saves two of the six generator passes per step."""
    pool: int = 50
    """Size of the image pool of each domain, from which the discriminator sees earlier results again."""
    enlarge: float = 1.12
    """Folders: ratio of an image's shorter side to the crop."""
    flip: bool = True
    drawn: int = 3000
    """Number of drawn fields."""
    supervision: Supervision = field(default_factory=Supervision)
    clip_norm: float | None = None

    def generator(self, step: int) -> dict[str, float]:
        """Weights of the generators' terms."""
        weights = dict.fromkeys(("cycle_a", "cycle_b"), self.cycle)
        if self.adversarial > 0:
            weights |= dict.fromkeys(("adversarial_a2b", "adversarial_b2a"), self.adversarial)
        if self.identity > 0:
            weights |= dict.fromkeys(("identity_a2b", "identity_b2a"), self.cycle * self.identity)
        return weights | self.supervision.weights(step)


class CycleBatch(NamedTuple):
    """Data shared by the phases of one step."""

    pictures: UnpairedImages
    exchanges: tuple[Exchange, Exchange]
    made: Pair | None = None  # set by the generators' phase for the discriminators'


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGanRecipe:
    """The recipe, as `train.loop.recipe.Recipe` defines it."""

    settings: CycleGanTraining
    networks: nn.ModuleDict
    ema_networks: tuple[str, ...]
    phases: tuple[Phase, ...]
    source: Source
    held_out: UnpairedImages
    """For the sample grid."""

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> CycleBatch:
        pictures = self.source(self.settings.batch, generator)
        pools = [self.networks[name] for name in ("pool_a", "pool_b")]
        first, second = (pool.decide(self.settings.batch, generator) for pool in pools)  # type: ignore[operator]
        return CycleBatch(pictures, (first, second))

    def sample_grid(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        a2b, b2a = (networks[name] for name in self.ema_networks)
        real, truth = self.held_out
        there, back = a2b(real.a), b2a(real.b)
        rows = [real.a, there, *([truth.b] if truth else []), b2a(there)]
        rows += [real.b, back, *([truth.a] if truth else []), a2b(back)]
        return make_grid(torch.cat(rows).clamp(-1, 1) / 2 + 0.5, nrow=len(real.a), padding=2)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "cyclegan", "config": network, "recipe": json.dumps(asdict(self.settings))}

    def discriminators(self) -> Mapping[str, tuple[nn.Module, Mapping[str, str]]]:
        """See `train.loop.recipe.HasDiscriminators`; without adversarial terms there are none to keep."""
        kept = {}
        for name in self.ema_networks[0].split("2") if self.settings.adversarial > 0 else ():
            network = self.networks[name]
            assert isinstance(network, PatchDiscriminator)
            metadata = {"network": "cyclegan-discriminator", "config": json.dumps(asdict(network.config))}
            kept[name] = network, metadata | {"recipe": json.dumps(asdict(self.settings))}
        return kept


def build(table: dict[str, Any], data: str, device: torch.device) -> CycleGanRecipe:
    """Build the recipe from a preset's `[recipe]` table; `data` is "synthetic" or a folder with two image folders."""
    settings = configure(CycleGanTraining, table, "[recipe]")
    size = settings.network.size
    if settings.supervision.truth_first and not settings.supervision.truth:
        raise BadRequest("supervision.truth_first requires supervision.truth, the only loss of these steps")
    if settings.network.channels != 3:
        raise BadRequest(f"network.channels must be 3, for colour images; got {settings.network.channels}")
    if data == "synthetic":
        source = drawn_fields(settings.drawn, size, device)
        held_out = held_out_fields(SHOWN, size, device)
        a, b = "horse", "zebra"
    else:
        if settings.supervision.truth:
            logger.info("the images of %s have no ground truth: supervision is ignored", data)
            settings = replace(settings, supervision=Supervision())
        source = two_folders(data, size, settings.enlarge, settings.flip)
        held_out = source(SHOWN, torch.Generator(device).manual_seed(HELD_OUT))
        a, b = "a", "b"
    networks, parts = make_networks(settings, a, b, device)
    return CycleGanRecipe(
        settings=settings,
        networks=networks,
        ema_networks=(f"{a}2{b}", f"{b}2{a}"),
        phases=build_phases(settings, networks, parts),
        source=source,
        held_out=held_out,
    )


def make_networks(settings: CycleGanTraining, a: str, b: str, device: torch.device) -> tuple[nn.ModuleDict, Networks]:
    """Create everything that a checkpoint holds: generators, discriminators (named by domain) and image pools."""
    config = settings.network
    discriminators = [
        PatchDiscriminator(
            PatchDiscriminatorConfig(
                channels=config.channels, base=settings.discriminator_base, layers=settings.discriminator_layers
            )
        )
        for _ in range(2)
    ]
    parts = Networks(Generator(config), Generator(config), *discriminators)
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
    """Supervision alone for `truth_first` steps, then generators and discriminators in turn."""
    generators, discriminators = (
        nn.ModuleList([parts.a2b, parts.b2a]),
        nn.ModuleList([parts.discriminator_a, parts.discriminator_b]),
    )
    generator_optimizer, discriminator_optimizer = (
        torch.optim.Adam(group.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)
        for group in (generators, discriminators)
    )
    supervision = settings.supervision

    def joined(step: int) -> bool:
        return step >= supervision.truth_first

    truth = Phase(
        name="truth",
        trained=generators,
        optimizer=generator_optimizer,
        losses=lambda batch, step: (truth_terms(translate(parts, batch.pictures.real), batch.pictures.truth), batch),
        weights=supervision.weights,
        clip_norm=settings.clip_norm,
        active=lambda step: not joined(step),
    )
    generator = Phase(
        name="generator",
        trained=generators,
        optimizer=generator_optimizer,
        losses=generator_losses(settings, parts),
        weights=settings.generator,
        clip_norm=settings.clip_norm,
        active=joined,
    )
    discriminator = Phase(
        name="discriminator",
        trained=discriminators,
        optimizer=discriminator_optimizer,
        losses=discriminator_losses(settings, parts, networks),
        weights=lambda step: {"adversarial_a": 1.0, "adversarial_b": 1.0},
        active=joined,
    )
    adversarial_phases = (discriminator,) if settings.adversarial > 0 else ()
    return (*((truth,) if supervision.truth_first else ()), generator, *adversarial_phases)


Losses = Callable[[CycleBatch, int], tuple[dict[str, Tensor], CycleBatch]]


def generator_losses(settings: CycleGanTraining, parts: Networks) -> Losses:
    """Return the losses of the generators' phase as a function of batch and step."""

    def losses(batch: CycleBatch, step: int) -> tuple[dict[str, Tensor], CycleBatch]:
        real, truth = batch.pictures
        made = translate(parts, real)
        terms = cycle_terms(parts, real, made)
        if settings.adversarial > 0:
            terms |= adversarial_terms(parts, made, settings.objective)
        if settings.identity > 0:
            terms |= identity_terms(parts, real)
        if settings.supervision.truth > 0:
            assert truth is not None
            terms |= truth_terms(made, truth)
        return terms, batch._replace(made=Pair(made.a.detach(), made.b.detach()))

    return losses


def discriminator_losses(settings: CycleGanTraining, parts: Networks, networks: nn.ModuleDict) -> Losses:
    """Return the losses of the discriminators' phase as a function of batch and step."""
    pools = networks["pool_a"], networks["pool_b"]

    def losses(batch: CycleBatch, step: int) -> tuple[dict[str, Tensor], CycleBatch]:
        assert batch.made is not None
        shown = [
            pool.exchange(made, decisions)  # type: ignore[operator]
            for pool, made, decisions in zip(pools, batch.made, batch.exchanges, strict=True)
        ]
        return discriminator_terms(parts, batch.pictures.real, Pair(*shown), settings.objective), batch

    return losses
