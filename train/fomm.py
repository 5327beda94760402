"""Training of the First Order Motion Model (Siarohin et al., NeurIPS 2019).

The model rebuilds a driving frame from another frame of the same clip; nobody tells it what a keypoint is. Where the
clips are drawn, their truth can guide it as well: landmarks, their Jacobians, and the flow. That saves most of the
time that finding keypoints takes, and fades out.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.networks.fomm import Discriminator, DiscriminatorConfig, FirstOrderModel, FommConfig
from train.clips import Pairs, sample_clips
from train.equivariance import ThinPlateSpline, random_spline
from train.fomm_guidance import Guidance
from train.fomm_losses import (
    Reconstruction,
    adversarial_terms,
    discriminator_terms,
    feature_difference,
    reconstruct,
    reconstruction_terms,
    truth_terms,
    under_transform,
)
from train.perceptual import Pyramid, perceptual_features
from train.pools import Pool, mixed_pairs
from train.portrait_pool import DrawnHeads, pooled_pairs
from train.portraits import FEATURES, GUIDES, draw_pairs, relative_sheet
from train.randomisation import Randomisation, randomised
from train.recipe import Phase
from train.settings import configure

logger = logging.getLogger("train")


@dataclass(frozen=True, kw_only=True, slots=True)
class FommTraining:
    """The `[recipe]` table of a preset; the defaults are the paper's for vox-256 without its discriminator."""

    network: FommConfig = field(default_factory=FommConfig)
    batch: int = 36
    learning_rate: float = 2e-4
    perceptual: float = 10.0
    equivariance_position: float = 10.0
    equivariance_jacobian: float = 10.0
    adversarial: float = 0.0
    """Weight of the least-squares adversarial term; 0 trains without a discriminator, 1 is vox-adv's."""
    feature_matching: float = 10.0
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    """Its size; it is shown the network's keypoints."""
    guidance: Guidance = field(default_factory=Guidance)
    motion_first: int = 0
    """Steps in which keypoints and dense motion learn from the truth alone, before the generator joins in."""
    spread: float = 1.0
    """How far drawn heads move; 1 is as in VoxCeleb."""
    drawn: DrawnHeads = field(default_factory=DrawnHeads)
    pools: tuple[Pool, ...] = ()
    """Folders of prepared rows, such as puppets of portraits, instead of heads that are drawn for this run."""
    randomisation: Randomisation = field(default_factory=Randomisation)
    clip_norm: float | None = None

    def equivariance(self) -> dict[str, float]:
        """Weights of the terms under random transforms; without any, none is drawn, and the detector saves a pass."""
        if max(self.equivariance_position, self.equivariance_jacobian) <= 0:
            return {}
        terms = {"equivariance_position": self.equivariance_position}
        return terms | ({"equivariance_jacobian": self.equivariance_jacobian} if self.network.jacobians else {})

    def generator(self) -> dict[str, float]:
        """Weights of all terms of the generator's phase but the guidance."""
        fooling = {"adversarial": self.adversarial, "feature_matching": self.feature_matching}
        return {"perceptual": self.perceptual, **self.equivariance(), **(fooling if self.adversarial > 0 else {})}


class FommBatch(NamedTuple):
    """What the phases of one step share."""

    pairs: Pairs
    spline: ThinPlateSpline | None  # none when no equivariance is asked for
    seen: Reconstruction | None = None  # by the generator's phase, for the discriminator's


@dataclass(frozen=True, kw_only=True, slots=True)
class FommRecipe:
    """The recipe as the loop wants it."""

    settings: FommTraining
    networks: nn.ModuleDict
    phases: tuple[Phase, ...]
    draw: Callable[[torch.Generator], Pairs]
    device: torch.device
    averaged: tuple[str, ...] = ("fomm",)

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> FommBatch:
        bends = bool(self.settings.equivariance())
        spline = random_spline(self.settings.batch, generator, device=self.device) if bends else None
        return FommBatch(self.draw(generator), spline)

    def sheet(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        model = networks["fomm"]
        assert isinstance(model, FirstOrderModel)
        return relative_sheet(model, self.device)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "fomm", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> FommRecipe:
    """The recipe of a preset's `[recipe]` table; `data` is "synthetic" or a folder of clips."""
    settings = configure(FommTraining, table, "[recipe]")
    model = FirstOrderModel(settings.network).to(device)
    model.to(memory_format=torch.channels_last)
    networks = nn.ModuleDict({"fomm": model})
    if settings.adversarial > 0:
        shape = replace(settings.discriminator, keypoints=settings.network.keypoints)
        networks["discriminator"] = Discriminator(shape).to(device)
    guided = bool(settings.guidance.weights(0)) and data == "synthetic"
    if data == "synthetic" and settings.batch % 2:
        raise BadRequest(f"batch must be even for drawn pairs, which are used both ways; it is {settings.batch}")
    if data != "synthetic":
        settings = replace(settings, guidance=Guidance(), motion_first=0)  # only drawn clips know their motion
    if settings.motion_first and not guided:
        raise BadRequest("motion_first needs guidance: keypoints and dense motion learn from nothing else alone")
    if guided and (settings.guidance.jacobians > 0) > settings.network.jacobians:
        raise BadRequest("guidance.jacobians needs a network with jacobians")
    if guided and settings.network.keypoints > len(GUIDES):
        raise BadRequest(
            f"guidance knows {len(GUIDES)} landmarks; the network has {settings.network.keypoints} keypoints"
        )
    draw = pairs_from(data, settings, guided, device)
    phases = build_phases(settings, networks, guided, device)
    return FommRecipe(settings=settings, networks=networks, phases=phases, draw=draw, device=device)


def pairs_from(
    data: str, settings: FommTraining, guided: bool, device: torch.device
) -> Callable[[torch.Generator], Pairs]:
    """The function that draws a batch: heads, or pairs of frames of a folder's clips."""
    if data != "synthetic":
        logger.info("the clips of %s have no drawn truth: guidance and motion_first are left out", data)
        return sample_clips(data, settings.batch, settings.network.size, device)
    if settings.pools:
        drawn = mixed_pairs(settings.batch, settings.pools, device)
    elif settings.drawn.heads:
        drawn = pooled_pairs(settings.batch, settings.network, settings.drawn, settings.spread, device)
    else:
        drawn = partial(
            draw_pairs, settings.batch, settings.network, device=device, spread=settings.spread, truth=guided
        )
    return lambda generator: randomised(drawn(generator), settings.randomisation, generator)


def build_phases(
    settings: FommTraining, networks: nn.ModuleDict, guided: bool, device: torch.device
) -> tuple[Phase, ...]:
    """Motion alone for a while, then everything, then the discriminator if there is one."""
    model = networks["fomm"]
    assert isinstance(model, FirstOrderModel)
    moving = nn.ModuleList([model.keypoint_detector, model.dense_motion])
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)

    def guidance(step: int) -> dict[str, float]:
        return settings.guidance.weights(step) if guided else {}

    painting = settings.guidance.painting() if guided else {}

    def joined(step: int) -> bool:
        return step >= settings.motion_first

    motion = Phase(
        name="motion",
        trained=moving,
        optimizer=optimizer,
        losses=lambda batch, step: (motion_terms(model, batch, guidance(step)), batch),
        weights=lambda step: settings.equivariance() | guidance(step),
        clip_norm=settings.clip_norm,
        active=lambda step: not joined(step),
    )
    generator = Phase(
        name="generator",
        trained=model,
        optimizer=optimizer,
        losses=generator_losses(settings, networks, guidance, device),
        weights=lambda step: settings.generator() | guidance(step) | painting,
        clip_norm=settings.clip_norm,
        active=joined,
    )
    first = (motion, generator) if settings.motion_first else (generator,)
    return (*first, *discriminator_phase(settings, networks, joined))


def motion_terms(model: FirstOrderModel, batch: FommBatch, guidance: Mapping[str, float]) -> dict[str, Tensor]:
    """The terms of keypoints and dense motion alone: no generator runs."""
    pairs = batch.pairs
    here, there = model.keypoint_detector(pairs.source), model.keypoint_detector(pairs.driving)
    terms = under_transform(model, pairs.driving, there, batch.spline)
    assert pairs.truth is not None
    motion = model.dense_motion(model.dense_motion.down(pairs.source), here, there)
    truth = truth_terms(pairs.truth, here, there, motion)
    return terms | {name: truth[name] for name in guidance}


def generator_losses(
    settings: FommTraining, networks: nn.ModuleDict, guidance: Callable[[int], dict[str, float]], device: torch.device
) -> Callable[[FommBatch, int], tuple[dict[str, Tensor], FommBatch]]:
    """The generator's phase as a function of batch and step."""
    model, discriminator = networks["fomm"], networks["discriminator"] if settings.adversarial > 0 else None
    assert isinstance(model, FirstOrderModel)
    features, which = perceptual_features()
    logger.info(which)
    if isinstance(features, nn.Module):
        features.to(device)
    pyramid = Pyramid().to(device)

    def losses(batch: FommBatch, step: int) -> tuple[dict[str, Tensor], FommBatch]:
        pairs = batch.pairs
        seen = reconstruct(model, pairs.source, pairs.driving, batch.spline)
        terms = reconstruction_terms(seen, pairs.driving, pyramid, features)
        if isinstance(discriminator, Discriminator):
            terms |= adversarial_terms(discriminator, seen, pairs.driving)
        if wanted := guidance(step):
            assert pairs.truth is not None
            truth = truth_terms(pairs.truth, seen.source, seen.driving, seen.generated.motion)
            terms |= {name: truth[name] for name in wanted}
            if settings.guidance.features > 0:
                made = seen.generated.prediction
                terms["truth_features"] = feature_difference(made, pairs.driving, pairs.truth, features_of(model))
        return terms, batch._replace(seen=seen)

    return losses


def features_of(model: FirstOrderModel) -> list[int]:
    """The keypoints that are guided to eyes and mouth."""
    return [place for place, name in enumerate(GUIDES[: model.config.keypoints]) if name in FEATURES]


def discriminator_phase(
    settings: FommTraining, networks: nn.ModuleDict, active: Callable[[int], bool]
) -> tuple[Phase, ...]:
    """The discriminator's phase, or none."""
    if settings.adversarial <= 0:
        return ()
    network = networks["discriminator"]
    assert isinstance(network, Discriminator)

    def losses(batch: FommBatch, step: int) -> tuple[dict[str, Tensor], FommBatch]:
        assert batch.seen is not None
        return discriminator_terms(network, batch.seen, batch.pairs.driving), batch

    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)
    weights = {"adversarial": 1.0}
    return (
        Phase(
            name="discriminator",
            trained=network,
            optimizer=optimizer,
            losses=losses,
            weights=lambda step: weights,
            active=active,
        ),
    )
