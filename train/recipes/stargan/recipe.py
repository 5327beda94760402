"""Training of StarGAN (Choi et al., CVPR 2018).

A generator edits images towards the attributes of other images of the batch; a discriminator classifies real and
generated images and their attributes. For drawn images the desired result can be drawn as well and supervise the
generator, which takes about a hundredth of the published number of steps.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.networks.stargan import StarGan
from deepfake_core.synthetic.heads import ATTRIBUTES
from train.loop.presets import configure
from train.loop.recipe import Phase
from train.recipes.stargan.batch import StarGanBatch
from train.recipes.stargan.config import StarGanTraining
from train.recipes.stargan.data import Draw, labelled_folder, sample_heads, sample_labelled
from train.recipes.stargan.phases import build_phases
from train.recipes.stargan.samples import edited_heads, edited_pictures
from train.recipes.stargan.supervision import Supervision

logger = logging.getLogger("train")


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
