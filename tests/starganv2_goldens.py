"""Networks, weights and pictures behind the stored reference outputs of StarGAN v2 (see tests/data/README.md)."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepfake_core.hub.key_maps import fan_state, rename, starganv2_state
from deepfake_core.networks.fan import FaceAlignmentNetwork, FanConfig
from deepfake_core.networks.layers import Masks
from deepfake_core.networks.starganv2 import CONFIGS, Discriminator, StarGanV2
from tests.golden_weights import smooth, starganv2_discriminator, weights

TABLE = "starganv2.keys.json"


class Stored(NamedTuple):
    """How the files name one published configuration."""

    config: str
    generator: str
    domains: int


CELEBA, AFHQ = Stored("starganv2-celeba-hq", "G1", 2), Stored("starganv2-afhq", "G0", 3)


def checkpoint(stored: Stored, *, lively: bool) -> dict[str, dict[str, Tensor]]:
    """The authors' file `{generator, mapping_network, style_encoder}`."""
    generator = weights(TABLE, f"generator_w_hpf{stored.generator[1]}")
    if stored is CELEBA:
        generator["hpf.filter"] = torch.zeros(3, 3)  # the file holds one; it is not read
    parts = ("mapping_network", "style_encoder")
    return {
        "generator": generator,
        **{part: weights(TABLE, f"{part}_{stored.domains}domains", lively=lively) for part in parts},
    }


def starganv2(stored: Stored, *, lively: bool) -> StarGanV2:
    model = StarGanV2(CONFIGS[stored.config])
    model.load_state_dict(starganv2_state(checkpoint(stored, lively=lively)), strict=True)
    return model.eval()


def discriminator(stored: Stored, *, lively: bool) -> Discriminator:
    network = Discriminator(CONFIGS[stored.config])
    state = weights(TABLE, f"discriminator_{stored.domains}domains", lively=lively)
    network.load_state_dict(rename(state, starganv2_discriminator(6)), strict=True)
    return network.eval()


def fan(*, lively: bool) -> FaceAlignmentNetwork:
    network = FaceAlignmentNetwork(FanConfig())
    network.load_state_dict(fan_state({"fan": weights(TABLE, "fan", lively=lively)}), strict=True)
    return network.eval()


def pictures(kind: str, first: int = 7) -> Tensor:
    """Two pictures (2, 3, 256, 256) in [-1, 1]; `kind` is noise or smooth, the latter from seed `first` on."""
    if kind == "noise":
        return torch.from_numpy(np.random.default_rng(1234).uniform(-1, 1, (2, 3, 256, 256))).float()
    return torch.from_numpy(np.stack([smooth(256, first), smooth(256, first + 1)])).float()


def latents(seed: int = 55) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((2, 16))).float()


def fixed_style() -> Tensor:
    return torch.from_numpy(np.random.default_rng(57).standard_normal((2, 64))).float()


def fixed_masks() -> Masks:
    return Masks(*torch.from_numpy(np.random.default_rng(4321).random((2, 2, 1, 256, 256))).float())
