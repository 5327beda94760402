"""Training of the First Order Motion Model (Siarohin et al., NeurIPS 2019).

The model reconstructs a driving frame from another frame of the same clip; keypoints are learned without labels. Drawn
clips come with ground truth (landmarks, their Jacobians, the flow), which can supervise the model in addition. That
saves most of the time that unsupervised keypoints take to converge, and can be faded out.
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
from deepfake_core.synthetic.heads import KEYPOINT_LANDMARKS
from train.common.perceptual import Pyramid, perceptual_features
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.fomm.data import Pairs, sample_clips
from train.recipes.fomm.equivariance import ThinPlateSpline, random_spline
from train.recipes.fomm.losses import (
    Reconstruction,
    adversarial_terms,
    discriminator_terms,
    reconstruct,
    reconstruction_terms,
    under_transform,
)
from train.recipes.fomm.pools import RenderPool, mixed_pairs
from train.recipes.fomm.randomisation import Randomisation, randomised
from train.recipes.fomm.samples import relative_samples
from train.recipes.fomm.supervision import Supervision, feature_difference, truth_terms
from train.recipes.fomm.synthetic import FEATURES, DrawnHeads, cached_pairs, draw_pairs

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
    """Weight of the least-squares adversarial term; 0 trains without a discriminator, 1 is the value of vox-adv."""
    feature_matching: float = 10.0
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    """Its size; it is shown the network's keypoints."""
    supervision: Supervision = field(default_factory=Supervision)
    motion_first: int = 0
    """Steps in which only keypoints and dense motion are trained, on the truth alone, before the generator."""
    spread: float = 1.0
    """Range of motion of drawn heads; 1 is about that of VoxCeleb."""
    drawn: DrawnHeads = field(default_factory=DrawnHeads)
    pools: tuple[RenderPool, ...] = ()
    """Folders of prepared rows, such as puppets of portraits, instead of heads that are drawn for this run."""
    randomisation: Randomisation = field(default_factory=Randomisation)
    clip_norm: float | None = None

    def equivariance(self) -> dict[str, float]:
        """Weights of the equivariance terms; if empty, no transform is drawn, which saves a pass of the detector."""
        if max(self.equivariance_position, self.equivariance_jacobian) <= 0:
            return {}
        terms = {"equivariance_position": self.equivariance_position}
        return terms | ({"equivariance_jacobian": self.equivariance_jacobian} if self.network.jacobians else {})

    def generator(self) -> dict[str, float]:
        """Weights of the terms of the generator's phase, except supervision."""
        fooling = {"adversarial": self.adversarial, "feature_matching": self.feature_matching}
        return {"perceptual": self.perceptual, **self.equivariance(), **(fooling if self.adversarial > 0 else {})}


class FommBatch(NamedTuple):
    """Data shared by the phases of one step."""

    pairs: Pairs
    spline: ThinPlateSpline | None  # None without equivariance terms
    reconstruction: Reconstruction | None = None  # set by the generator's phase for the discriminator's


@dataclass(frozen=True, kw_only=True, slots=True)
class FommRecipe:
    """The recipe, as `train.loop.recipe.Recipe` defines it."""

    settings: FommTraining
    networks: nn.ModuleDict
    phases: tuple[Phase, ...]
    draw: Callable[[torch.Generator], Pairs]
    device: torch.device
    ema_networks: tuple[str, ...] = ("fomm",)

    @property
    def batch_size(self) -> int:
        return self.settings.batch

    def batch(self, generator: torch.Generator) -> FommBatch:
        bends = bool(self.settings.equivariance())
        spline = random_spline(self.settings.batch, generator, device=self.device) if bends else None
        return FommBatch(self.draw(generator), spline)

    def sample_grid(self, networks: nn.ModuleDict) -> Float[Tensor, "3 h w"]:
        model = networks["fomm"]
        assert isinstance(model, FirstOrderModel)
        return relative_samples(model, self.device)

    def metadata(self) -> Mapping[str, str]:
        network = json.dumps(asdict(self.settings.network))
        return {"network": "fomm", "config": network, "recipe": json.dumps(asdict(self.settings))}


def build(table: dict[str, Any], data: str, device: torch.device) -> FommRecipe:
    """Build the recipe from a preset's `[recipe]` table; `data` is "synthetic" or a folder of clips."""
    settings = configure(FommTraining, table, "[recipe]")
    model = FirstOrderModel(settings.network).to(device)
    model.to(memory_format=torch.channels_last)
    networks = nn.ModuleDict({"fomm": model})
    if settings.adversarial > 0:
        shape = replace(settings.discriminator, keypoints=settings.network.keypoints)
        networks["discriminator"] = Discriminator(shape).to(device)
    supervised = bool(settings.supervision.weights(0)) and data == "synthetic"
    if data == "synthetic" and settings.batch % 2:
        raise BadRequest(f"batch must be even for drawn pairs, which are used in both directions; got {settings.batch}")
    if data != "synthetic":
        settings = replace(settings, supervision=Supervision(), motion_first=0)  # only drawn clips have ground truth
    if settings.motion_first and not supervised:
        raise BadRequest("motion_first requires [recipe.supervision], the only loss of these steps")
    if supervised and (settings.supervision.jacobians > 0) > settings.network.jacobians:
        raise BadRequest("supervision.jacobians requires network.jacobians = true")
    if supervised and settings.network.keypoints > len(KEYPOINT_LANDMARKS):
        raise BadRequest(
            f"supervision supports up to {len(KEYPOINT_LANDMARKS)} keypoints, "
            f"got network.keypoints = {settings.network.keypoints}"
        )
    draw = pairs_from(data, settings, supervised, device)
    phases = build_phases(settings, networks, supervised, device)
    return FommRecipe(settings=settings, networks=networks, phases=phases, draw=draw, device=device)


def pairs_from(
    data: str, settings: FommTraining, supervised: bool, device: torch.device
) -> Callable[[torch.Generator], Pairs]:
    """Return the function that draws a batch: of drawn heads, or of frames from a folder of clips."""
    if data != "synthetic":
        logger.info("the clips of %s have no ground truth: supervision and motion_first are ignored", data)
        return sample_clips(data, settings.batch, settings.network.size, device)
    if settings.pools:
        drawn = mixed_pairs(settings.batch, settings.pools, device)
    elif settings.drawn.heads:
        drawn = cached_pairs(settings.batch, settings.network, settings.drawn, settings.spread, device)
    else:
        drawn = partial(
            draw_pairs, settings.batch, settings.network, device=device, spread=settings.spread, truth=supervised
        )
    return lambda generator: randomised(drawn(generator), settings.randomisation, generator)


def build_phases(
    settings: FommTraining, networks: nn.ModuleDict, supervised: bool, device: torch.device
) -> tuple[Phase, ...]:
    """Motion alone for `motion_first` steps, then the whole model, and the discriminator if there is one."""
    model = networks["fomm"]
    assert isinstance(model, FirstOrderModel)
    moving = nn.ModuleList([model.keypoint_detector, model.dense_motion])
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True)

    def supervision(step: int) -> dict[str, float]:
        return settings.supervision.weights(step) if supervised else {}

    image_weights = settings.supervision.image_weights() if supervised else {}

    def joined(step: int) -> bool:
        return step >= settings.motion_first

    motion = Phase(
        name="motion",
        trained=moving,
        optimizer=optimizer,
        losses=lambda batch, step: (motion_terms(model, batch, supervision(step)), batch),
        weights=lambda step: settings.equivariance() | supervision(step),
        clip_norm=settings.clip_norm,
        active=lambda step: not joined(step),
    )
    generator = Phase(
        name="generator",
        trained=model,
        optimizer=optimizer,
        losses=generator_losses(settings, networks, supervision, device),
        weights=lambda step: settings.generator() | supervision(step) | image_weights,
        clip_norm=settings.clip_norm,
        active=joined,
    )
    first = (motion, generator) if settings.motion_first else (generator,)
    return (*first, *discriminator_phase(settings, networks, joined))


def motion_terms(model: FirstOrderModel, batch: FommBatch, supervision: Mapping[str, float]) -> dict[str, Tensor]:
    """The terms of keypoints and dense motion, computed without the generator."""
    pairs = batch.pairs
    here, there = model.keypoint_detector(pairs.source), model.keypoint_detector(pairs.driving)
    terms = under_transform(model, pairs.driving, there, batch.spline)
    assert pairs.truth is not None
    motion = model.dense_motion(model.dense_motion.down(pairs.source), here, there)
    truth = truth_terms(pairs.truth, here, there, motion)
    return terms | {name: truth[name] for name in supervision}


def generator_losses(
    settings: FommTraining,
    networks: nn.ModuleDict,
    supervision: Callable[[int], dict[str, float]],
    device: torch.device,
) -> Callable[[FommBatch, int], tuple[dict[str, Tensor], FommBatch]]:
    """Return the losses of the generator's phase as a function of batch and step."""
    model, discriminator = networks["fomm"], networks["discriminator"] if settings.adversarial > 0 else None
    assert isinstance(model, FirstOrderModel)
    features, which = perceptual_features()
    logger.info(which)
    if isinstance(features, nn.Module):
        features.to(device)
    pyramid = Pyramid().to(device)

    def losses(batch: FommBatch, step: int) -> tuple[dict[str, Tensor], FommBatch]:
        pairs = batch.pairs
        result = reconstruct(model, pairs.source, pairs.driving, batch.spline)
        terms = reconstruction_terms(result, pairs.driving, pyramid, features)
        if isinstance(discriminator, Discriminator):
            terms |= adversarial_terms(discriminator, result, pairs.driving)
        if wanted := supervision(step):
            assert pairs.truth is not None
            truth = truth_terms(pairs.truth, result.source, result.driving, result.generated.motion)
            terms |= {name: truth[name] for name in wanted}
            if settings.supervision.features > 0:
                generated = result.generated.prediction
                terms["truth_features"] = feature_difference(generated, pairs.driving, pairs.truth, features_of(model))
        return terms, batch._replace(reconstruction=result)

    return losses


def features_of(model: FirstOrderModel) -> list[int]:
    """Indices of the keypoints at eyes and mouth."""
    return [place for place, name in enumerate(KEYPOINT_LANDMARKS[: model.config.keypoints]) if name in FEATURES]


def discriminator_phase(
    settings: FommTraining, networks: nn.ModuleDict, active: Callable[[int], bool]
) -> tuple[Phase, ...]:
    """The discriminator's phase; empty without an adversarial term."""
    if settings.adversarial <= 0:
        return ()
    network = networks["discriminator"]
    assert isinstance(network, Discriminator)

    def losses(batch: FommBatch, step: int) -> tuple[dict[str, Tensor], FommBatch]:
        assert batch.reconstruction is not None
        return discriminator_terms(network, batch.reconstruction, batch.pairs.driving), batch

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
