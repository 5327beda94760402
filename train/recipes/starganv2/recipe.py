"""Training of StarGAN v2 (Choi et al., CVPR 2020).

Four phases a step: the discriminator judges pictures redrawn in styles from latents, then from references; the
generator answers in the same order, and mapping network and style encoder learn in the first of its two phases alone.
Where the pictures are drawn, their truth can guide it as well: see `train.recipes.starganv2.supervision`.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.hub.store import load
from deepfake_core.networks.fan import FaceAlignmentNetwork
from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import Discriminator, StarGanV2, StarGanV2Config
from train.common.augment import blemished
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.loop.schedules import ramp_down
from train.recipes.starganv2.data import HELD_OUT, Data, DrawnData, DrawnSet, FolderData, Samples
from train.recipes.starganv2.domain_classifier import Reader, reader_terms
from train.recipes.starganv2.losses import (
    Pictures,
    Target,
    discriminator_terms,
    from_latents,
    from_references,
    generator_terms,
    redraw,
)
from train.recipes.starganv2.samples import style_sheet
from train.recipes.starganv2.supervision import LATENTS, Guidance, PictureDistance, StyleMemory, colour_difference

logger = logging.getLogger("train")
FindMasks = Callable[[Float[Tensor, "b 3 h w"]], Masks]
READER_RATE = 1e-3
FAN_SIDE = 256  # of the pictures that the heatmap network was made for


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanV2Training:
    """The `[recipe]` table of a preset; the defaults are the paper's for CelebA-HQ."""

    network: StarGanV2Config = field(default_factory=StarGanV2Config)
    """Its `domains` are those of the data, whatever the preset says."""
    world: Literal["heads", "animals"] = "heads"
    """What is drawn when the data are synthetic."""
    drawn: DrawnSet = field(default_factory=DrawnSet)
    batch: int = 8
    learning_rate: float = 1e-4
    mapping_rate: float = 1e-6
    betas: tuple[float, float] = (0.0, 0.99)
    weight_decay: float = 1e-4
    r1: float = 1.0
    style: float = 1.0
    diversity: float = 1.0
    """At the start; it falls linearly to 0. The paper takes 2 for AFHQ."""
    diversity_steps: int = 100_000
    cycle: float = 1.0
    fan: str = ""
    """Weights of the face heatmap network, by name or file: with `network.high_pass` they are needed for its masks."""
    guidance: Guidance = field(default_factory=Guidance)

    def generator(self, step: int) -> dict[str, float]:
        """Weights of the published terms of both generator phases."""
        apart = -self.diversity * ramp_down(step, self.diversity_steps)
        return {"adversarial": 1.0, "style": self.style, "diversity": apart, "cycle": self.cycle}


class StyleBatch(NamedTuple):
    """What the phases of one step share."""

    samples: Samples
    source: Pictures
    first: Float[Tensor, "b l"]  # latents
    second: Float[Tensor, "b l"]
    crowd: Float[Tensor, "d n l"] | None  # latents whose styles shall be distributed like real ones
    chance: torch.Generator


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanV2Recipe:
    """The recipe as the loop wants it."""

    settings: StarGanV2Training
    networks: nn.ModuleDict
    phases: tuple[Phase, ...]
    data: Data
    find_masks: FindMasks | None
    averaged: tuple[str, ...] = ("starganv2",)

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> StyleBatch:
        count, network = self.settings.batch, self.settings.network
        samples = self.data.sample(count, generator)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, network.latent, generator=generator, device=generator.device)

        with torch.no_grad():
            masks = None if self.find_masks is None else self.find_masks(samples.source)
        crowd = normal(len(network.domains), LATENTS) if self.settings.guidance.styles > 0 else None
        source = Pictures(samples.source, samples.source_domain, masks)
        return StyleBatch(samples, source, normal(count), normal(count), crowd, generator)

    def sheet(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        model = networks["starganv2"]
        assert isinstance(model, StarGanV2)
        device = next(model.parameters()).device
        generator = torch.Generator(device).manual_seed(HELD_OUT)
        return style_sheet(model, self.data.held_out(), generator, self.find_masks)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "starganv2", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> StarGanV2Recipe:
    """The recipe of a preset's `[recipe]` table; `data` is "synthetic" or a folder with one folder a domain."""
    settings = configure(StarGanV2Training, table, "[recipe]")
    find_masks = masks_from(settings, device)
    source = data_from(data, settings, device)
    if source.domains != settings.network.domains:
        logger.info("the domains are %s, as in the data", ", ".join(source.domains))
    settings = replace(settings, network=replace(settings.network, domains=source.domains))
    if data != "synthetic" and settings.guidance != Guidance():
        logger.info("the pictures of %s have no drawn truth: guidance is left out", data)
        settings = replace(settings, guidance=Guidance())
    model, discriminator = StarGanV2(settings.network), Discriminator(settings.network)
    networks = nn.ModuleDict({"starganv2": model, "discriminator": discriminator}).to(device)
    if device.type == "cuda":
        networks.to(memory_format=torch.channels_last)  # slower on a CPU, where the norms have to undo it
    if settings.guidance.reads:
        networks["reader"] = Reader(len(source.domains)).to(device)
    if settings.guidance.styles > 0:
        networks["memory"] = StyleMemory(len(source.domains), settings.network.style).to(device)
    phases = build_phases(settings, networks, find_masks, device)
    return StarGanV2Recipe(settings=settings, networks=networks, phases=phases, data=source, find_masks=find_masks)


def masks_from(settings: StarGanV2Training, device: torch.device) -> FindMasks | None:
    """The function that finds faces for the masked skips, or None for a network without them."""
    if not settings.network.high_pass:
        return None
    if not settings.fan:
        raise BadRequest(
            "network.high_pass needs the masks of the face heatmap network: name its weights in the preset, as in "
            'fan = "fan-wing" or fan = "wing.safetensors", or set high_pass = 0.0 to train without masks'
        )
    if settings.network.size != FAN_SIDE:
        raise BadRequest(f"masks are found at {FAN_SIDE} pixels: set network.size = {FAN_SIDE}, or high_pass = 0.0")
    network = load(settings.fan, "fan").network
    assert isinstance(network, FaceAlignmentNetwork)
    return network.to(device).masks


def data_from(data: str, settings: StarGanV2Training, device: torch.device) -> Data:
    """Where the samples come from."""
    if data == "synthetic":
        return DrawnData(settings.world, settings.network.size, settings.drawn, device)
    return FolderData(data, settings.network.size)


def build_phases(
    settings: StarGanV2Training, networks: nn.ModuleDict, find_masks: FindMasks | None, device: torch.device
) -> tuple[Phase, ...]:
    """Guidance, if there is any, then the paper's four."""
    model, discriminator = networks["starganv2"], networks["discriminator"]
    assert isinstance(model, StarGanV2) and isinstance(discriminator, Discriminator)
    painters = [*model.generator.parameters(), *model.style_encoder.parameters()]
    rates = [
        {"params": painters, "lr": settings.learning_rate},
        {"params": [*model.mapping.parameters()], "lr": settings.mapping_rate},
    ]
    adam: dict[str, Any] = {"betas": settings.betas, "weight_decay": settings.weight_decay, "fused": True}
    maker = torch.optim.Adam(rates, **adam)  # one for all phases: those that a phase leaves still have no gradient
    judge = torch.optim.Adam(discriminator.parameters(), lr=settings.learning_rate, **adam)
    active = settings.guidance.published
    weights = {"real": 1.0, "made": 1.0, "r1": settings.r1}

    def target(batch: StyleBatch, of: str) -> Target:
        samples = batch.samples
        if of == "latent":
            return from_latents(model, samples.domain, batch.first, batch.second)
        return from_references(model, samples.domain, samples.reference, samples.second)

    def judged(of: str) -> Phase:
        def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            with torch.no_grad():
                wanted = target(batch, of)
                made = model.generator(batch.source.image, wanted.style, batch.source.masks)
            return discriminator_terms(discriminator, batch.source, made, wanted.domain), batch

        name = f"discriminator_{of}"
        return Phase(
            name=name,
            trained=discriminator,
            optimizer=judge,
            losses=losses,
            weights=lambda step: weights,
            active=active,
        )

    def made(of: str, trained: nn.Module) -> Phase:
        def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            wanted = target(batch, of)
            seen = redraw(model, batch.source, wanted, find_masks)
            return generator_terms(discriminator, seen, batch.source, wanted), batch

        name = f"generator_{of}"
        return Phase(
            name=name, trained=trained, optimizer=maker, losses=losses, weights=settings.generator, active=active
        )

    published = (judged("latent"), judged("reference"), made("latent", model), made("reference", model.generator))
    return (*guided_phases(settings.guidance, networks, maker, device), *published)


def guided_phases(
    guidance: Guidance, networks: nn.ModuleDict, maker: torch.optim.Optimizer, device: torch.device
) -> tuple[Phase, ...]:
    """Generator and style encoder learn from the drawn truth, the mapping network from the styles that are read."""
    model, memory = networks["starganv2"], networks["memory"] if guidance.styles > 0 else None
    reader = networks["reader"] if guidance.reads else None
    assert isinstance(model, StarGanV2)
    phases: list[Phase] = []
    if isinstance(reader, Reader):
        phases.append(reader_phase(reader))
    if guidance.truth_weights(0):
        painters, distance = nn.ModuleList([model.generator, model.style_encoder]), PictureDistance().to(device)

        def truth(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            samples = batch.samples
            assert samples.truth is not None
            style = model.style_encoder(samples.reference, samples.domain)
            made = model.generator(samples.source, style, batch.source.masks)
            if isinstance(memory, StyleMemory):
                memory.keep(style, samples.domain)
            terms, weights = distance(made.float(), samples.truth), guidance.truth_weights(step)
            if guidance.colours > 0:
                assert samples.coat is not None
                terms["colours"] = colour_difference(made.float(), samples.truth, samples.coat)
            if isinstance(reader, Reader) and step >= guidance.read_from:
                terms |= reader_terms(reader, made, samples.truth, samples.domain)
            return {name: terms[name] for name in weights}, batch

        phases.append(
            Phase(name="truth", trained=painters, optimizer=maker, losses=truth, weights=guidance.truth_weights)
        )
    if isinstance(memory, StyleMemory):

        def styles(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
            assert batch.crowd is not None
            return {"styles": memory.distance(model.mapping, batch.crowd)}, batch

        wanted = {"styles": guidance.styles}
        phases.append(
            Phase(name="mapping", trained=model.mapping, optimizer=maker, losses=styles, weights=lambda step: wanted)
        )
    return tuple(phases)


def reader_phase(reader: Reader) -> Phase:
    """The reader learns the domains of real pictures: the sources, and what would be the right answers."""
    optimizer = torch.optim.Adam(reader.parameters(), lr=READER_RATE, fused=True)

    def losses(batch: StyleBatch, step: int) -> tuple[dict[str, Tensor], StyleBatch]:
        samples = batch.samples
        assert samples.truth is not None
        shown = blemished(torch.cat((samples.source, samples.truth)), batch.chance)
        _, logits = reader(shown)
        return {"domain": F.cross_entropy(logits, torch.cat((samples.source_domain, samples.domain)))}, batch

    return Phase(
        name="reader", trained=reader, optimizer=optimizer, losses=losses, weights=lambda step: {"domain": 1.0}
    )
