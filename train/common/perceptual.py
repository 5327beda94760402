"""Perceptual distance: features of a fixed network, compared at several sizes of the picture.

The paper's network is VGG19 trained on ImageNet. Where its weights are not on this machine, a small network with fixed
random weights stands in, beside the plain difference of pixels.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import VGG19_Weights, vgg19

from deepfake_core.networks.layers import AntiAliasedDownscale

SCALES = (1.0, 0.5, 0.25, 0.125)
VGG_FEATURES = 30  # relu5_1 is layer 29
VGG_TAPS = (1, 6, 11, 20, 29)  # relu1_1, relu2_1, relu3_1, relu4_1, relu5_1


@runtime_checkable
class Features(Protocol):
    """A fixed network that shows several layers of features of a picture in [0, 1]."""

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]: ...


class Vgg19Features(nn.Module):
    """The five layers of VGG19 that the paper compares (Johnson et al., 2016); frozen."""

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


class RandomFeatures(nn.Module):
    """The picture itself and two layers of fixed random convolutions: contrast and edges count, not pixels alone."""

    def __init__(self, widths: Sequence[int] = (16, 32)) -> None:
        super().__init__()
        channels = (3, *widths)
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in pairwise(channels)
        )
        chance = torch.Generator().manual_seed(0)
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            scale = (2 / (conv.in_channels * 9)) ** 0.5
            conv.weight.data = torch.randn(conv.weight.shape, generator=chance) * scale
            assert conv.bias is not None
            conv.bias.data = torch.randn(conv.bias.shape, generator=chance) * 0.05
        self.eval().requires_grad_(False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        layers = [image]
        for conv in self.convs:
            layers.append(conv(layers[-1]).relu())
        return layers


class Pyramid(nn.Module):
    """The picture at each of several sizes, shrunk without aliasing."""

    def __init__(self, scales: Sequence[float] = SCALES) -> None:
        super().__init__()
        self.downs = nn.ModuleList(AntiAliasedDownscale(3, scale) for scale in scales)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        return [down(image) for down in self.downs]


def perceptual(
    pyramid: Pyramid, features: Features, made: Float[Tensor, "b 3 h w"], real: Float[Tensor, "b 3 h w"]
) -> Float[Tensor, ""]:
    """sum over sizes and layers of mean |features(made) - features(real)|; the real picture gets no gradient."""
    total = made.new_zeros(())
    for small, wanted in zip(pyramid(made), pyramid(real), strict=True):
        with torch.no_grad():
            targets = features(wanted)
        for layer, target in zip(features(small), targets, strict=True):
            total = total + (layer - target).abs().mean()
    return total


def perceptual_features() -> tuple[Features, str]:
    """VGG19 if its weights lie in torch's cache, else random features; and a sentence that says which."""
    name = Path(VGG19_Weights.IMAGENET1K_V1.url).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if not path.exists():
        return RandomFeatures(), f"no VGG19 weights ({name} in {path.parent}): pixels and random features are compared"
    network = Vgg19Features()
    state = torch.load(path, map_location="cpu", weights_only=True)
    wanted = network.state_dict().keys()
    renamed = {key.replace("features.", "layers."): value for key, value in state.items()}
    network.load_state_dict({key: value for key, value in renamed.items() if key in wanted}, strict=True)
    return network, f"perceptual loss on VGG19 from {path}"
