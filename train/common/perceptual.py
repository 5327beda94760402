"""Perceptual loss: features of a fixed network, compared at several scales of the image.

The network of the paper is VGG19, trained on ImageNet. If its weights are not on this machine, pixels and a small
network with fixed random weights replace it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import VGG19_Weights, vgg19

from deepfake_core.hub.library_files import library_path
from deepfake_core.hub.manifest import entry
from deepfake_core.metrics.perceptual import RandomFeatures
from deepfake_core.networks.layers import AntiAliasedDownscale

SCALES = (1.0, 0.5, 0.25, 0.125)
VGG_FEATURES = 30  # relu5_1 is layer 29
VGG_TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1


@runtime_checkable
class Features(Protocol):
    """A fixed network that returns several layers of features of images in [0, 1]."""

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]: ...


class Vgg19Features(nn.Module):
    """The five layers of VGG19 that the paper compares (Johnson et al., 2016), frozen."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = vgg19(weights=None).features[:VGG_FEATURES]
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1), persistent=False)
        self.eval().requires_grad_(False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        out, taps = (image - self.mean) / self.std, []
        for place, layer in enumerate(self.layers):
            out = layer(out)
            if place in VGG_TAPS:
                out = out.relu() if isinstance(layer, nn.Conv2d) else out
                taps.append(out.clone())  # the next layer works in place
        return taps


class PixelsAndRandomFeatures(RandomFeatures):
    """The image itself and two layers of fixed random convolutions, so that contrast and edges count as well."""

    def __init__(self) -> None:
        super().__init__(widths=(16, 32))

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        return [image, *super().forward(image)]


class Pyramid(nn.Module):
    """The image at several scales, downsampled with anti-aliasing."""

    def __init__(self, scales: Sequence[float] = SCALES) -> None:
        super().__init__()
        self.downs = nn.ModuleList(AntiAliasedDownscale(3, scale) for scale in scales)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        return [down(image) for down in self.downs]


def perceptual(
    pyramid: Pyramid, features: Features, generated: Float[Tensor, "b 3 h w"], real: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, ""]:
    """Sum over scales and layers of mean |features(generated) - features(real)|; no gradient flows to `real`."""
    total = generated.new_zeros(())
    for small, wanted in zip(pyramid(generated), pyramid(real), strict=True):
        with torch.no_grad():
            targets = features(wanted)
        for layer, target in zip(features(small), targets, strict=True):
            total = total + (layer - target).abs().mean()
    return total


def perceptual_features() -> tuple[Features, str]:
    """Return VGG19 if its weights are in torch's cache, otherwise random features; and a sentence for the log.

    They are the file that `weights pull vgg19` installs, or torchvision's own.
    """
    pulled = library_path(entry("vgg19"))
    path = next((one for one in (pulled, pulled.with_name(Path(VGG19_Weights.IMAGENET1K_V1.url).name)) if one.exists()),
                None)  # fmt: skip
    if path is None:
        return (
            PixelsAndRandomFeatures(),
            f"no VGG19 weights ({pulled.name} in {pulled.parent}; get them with 'python -m deepfake_core weights pull "
            "vgg19'): comparing pixels and random features",
        )
    network = Vgg19Features()
    state = load_file(path) if path == pulled else torch.load(path, map_location="cpu", weights_only=True)
    wanted = network.state_dict().keys()
    renamed = {key.replace("features.", "layers."): value for key, value in state.items()}
    network.load_state_dict({key: value for key, value in renamed.items() if key in wanted}, strict=True)
    return network, f"perceptual loss with VGG19 from {path}"
