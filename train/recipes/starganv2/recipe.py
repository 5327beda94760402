"""Training of StarGAN v2 (Choi et al., CVPR 2020).

Four phases per step: the discriminator is trained on images with styles from latents, then from references; then the
generator likewise. Mapping network and style encoder are trained in the first of its two phases only. Drawn images
have ground truth, which can supervise the networks in addition: see `train.recipes.starganv2.supervision`.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.hub.store import load
from deepfake_core.networks.fan import FaceAlignmentNetwork
from deepfake_core.networks.starganv2 import Discriminator, StarGanV2
from train.common.patch_discriminator import ConditionalPatchDiscriminator, PatchDiscriminatorConfig
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.starganv2.batch import StyleBatch
from train.recipes.starganv2.config import StarGanV2Training
from train.recipes.starganv2.data import HELD_OUT, Data, DrawnData, FolderData
from train.recipes.starganv2.domain_classifier import DomainClassifier
from train.recipes.starganv2.losses import FindMasks, Pictures
from train.recipes.starganv2.phases import build_phases
from train.recipes.starganv2.samples import style_samples
from train.recipes.starganv2.supervision import LATENTS, StyleMemory, Supervision

logger = logging.getLogger("train")
FAN_SIDE = 256  # size of the images of the heatmap network


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanV2Recipe:
    """The recipe, as `train.loop.recipe.Recipe` defines it."""

    settings: StarGanV2Training
    networks: nn.ModuleDict
    phases: tuple[Phase, ...]
    data: Data
    find_masks: FindMasks | None
    ema_networks: tuple[str, ...] = ("starganv2",)

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
        many = normal(len(network.domains), LATENTS) if self.settings.supervision.styles > 0 else None
        source = Pictures(samples.source, samples.source_domain, masks)
        return StyleBatch(samples, source, normal(count), normal(count), many, generator)

    def sample_grid(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        model = networks["starganv2"]
        assert isinstance(model, StarGanV2)
        device = next(model.parameters()).device
        generator = torch.Generator(device).manual_seed(HELD_OUT)
        return style_samples(model, self.data.held_out(), generator, self.find_masks)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "starganv2", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> StarGanV2Recipe:
    """Build the recipe from a preset's `[recipe]` table; `data` is "synthetic" or a folder of image folders."""
    settings = configure(StarGanV2Training, table, "[recipe]")
    find_masks = masks_from(settings, device)
    source = data_from(data, settings, device)
    if source.domains != settings.network.domains:
        logger.info("the domains are %s, as in the data", ", ".join(source.domains))
    settings = replace(settings, network=replace(settings.network, domains=source.domains))
    if data != "synthetic" and settings.supervision != Supervision():
        logger.info("the images of %s have no ground truth: supervision is ignored", data)
        settings = replace(settings, supervision=Supervision(), patch_discriminator=PatchDiscriminatorConfig())
    model, discriminator = StarGanV2(settings.network), Discriminator(settings.network)
    networks = nn.ModuleDict({"starganv2": model, "discriminator": discriminator}).to(device)
    if device.type == "cuda":
        networks.to(memory_format=torch.channels_last)  # slower on a CPU, where the norms convert back
    if settings.supervision.uses_classifier:
        networks["domain_classifier"] = DomainClassifier(len(source.domains)).to(device)
    if settings.patch_discriminator.used:
        patches = ConditionalPatchDiscriminator(settings.patch_discriminator, len(source.domains))
        networks["patch_discriminator"] = patches.to(device)
    if settings.supervision.attributes > 0 and isinstance(source, DrawnData):
        style, numbers = settings.network.style, source.attributes.shape[-1]
        networks["attributes"] = nn.Sequential(nn.LayerNorm(style), nn.Linear(style, numbers)).to(device)
    if settings.supervision.styles > 0:
        networks["memory"] = StyleMemory(len(source.domains), settings.network.style).to(device)
    phases = build_phases(settings, networks, find_masks, device)
    return StarGanV2Recipe(settings=settings, networks=networks, phases=phases, data=source, find_masks=find_masks)


def masks_from(settings: StarGanV2Training, device: torch.device) -> FindMasks | None:
    """The function that computes face masks for the skip connections, or None for a network without them."""
    if not settings.network.high_pass:
        return None
    if not settings.fan:
        raise BadRequest(
            "network.high_pass requires masks of the face heatmap network: set its weights in the preset, for example "
            'fan = "fan-wing" or fan = "wing.safetensors", or set high_pass = 0.0 to train without masks'
        )
    if settings.network.size != FAN_SIDE:
        raise BadRequest(
            f"masks require network.size = {FAN_SIDE}, got {settings.network.size}; or set high_pass = 0.0"
        )
    network = load(settings.fan, "fan").network
    assert isinstance(network, FaceAlignmentNetwork)
    return network.to(device).masks


def data_from(data: str, settings: StarGanV2Training, device: torch.device) -> Data:
    """The source of the samples."""
    if data == "synthetic":
        return DrawnData(settings.world, settings.network.size, settings.drawn, device)
    return FolderData(data, settings.network.size)
