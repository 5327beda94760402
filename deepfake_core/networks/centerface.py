"""The face detector of "CenterFace: Joint Face Detection and Alignment Using Face as Point" (Xu et al., 2019).

A face is one point, its centre, in a map of a quarter of the picture's resolution; size and landmarks are regressed at
that point. The features are MobileNetV2's (Sandler et al., CVPR 2018), which a pyramid (Lin et al., CVPR 2017) brings
back to that resolution. Batch norms are folded into the convolutions, as in the published weights, so the network
detects and cannot be trained.

Pictures are RGB in [0, 255]; height and width must be multiples of 32.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

STRIDE = 4
"""Pixels of the picture per point of the maps."""
MULTIPLE = 32
"""Height and width of a picture must be multiples of it, the stride of the coarsest features."""
LANDMARKS = 5
"""Left and right eye, nose tip, left and right corner of the mouth; left and right as seen in the picture."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Successive bottlenecks of MobileNetV2 with one number of output channels; only the first one strides."""

    expansion: int
    channels: int
    blocks: int
    stride: int


STAGES = (Stage(1, 16, 1, 1), Stage(6, 24, 2, 2), Stage(6, 32, 3, 2), Stage(6, 64, 4, 2),
          Stage(6, 96, 3, 1), Stage(6, 160, 3, 2), Stage(6, 320, 1, 1))  # fmt: skip
"""Table 2 of the MobileNetV2 paper."""
LATERAL = (1, 2, 4)
"""Stages whose outputs join the pyramid at strides 4, 8 and 16; the last stage, at stride 32, is its top."""
LARGE = 10_000
"""Points of features from which a bottleneck computes its channels in groups."""
WIDTH = 24
"""Channels of the pyramid."""


class Maps(NamedTuple):
    """What is predicted at each point of the picture, `STRIDE` pixels apart."""

    score: Float[Tensor, "b 1 h w"]
    """Probability, in [0, 1], that a face is centred there."""
    size: Float[Tensor, "b 2 h w"]
    """Natural logarithm of the face's height and width in units of `STRIDE` pixels."""
    offset: Float[Tensor, "b 2 h w"]
    """From the middle of the point's cell to the face's centre, down and right, in units of `STRIDE` pixels."""
    landmarks: Float[Tensor, "b 10 h w"]
    """Down and right of each landmark in turn, from the top left corner of the face, as shares of its height, width."""


class Bottleneck(nn.Module):
    """MobileNetV2's inverted residual: expand, filter each channel, project; a shortcut where the shape stays."""

    def __init__(self, before: int, after: int, expansion: int, stride: int) -> None:
        super().__init__()
        inner = before * expansion
        self.expand = nn.Conv2d(before, inner, 1) if expansion > 1 else None
        self.filter = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, groups=inner)
        self.project = nn.Conv2d(inner, after, 1)
        self.shortcut = stride == 1 and before == after

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hs ws"]:
        made = self.project(F.relu_(self.filtered(x)))
        return made + x if self.shortcut else made

    def filtered(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b inner hs ws"]:
        """The expanded and filtered features; of a large picture in groups of channels.

        Before a stride, all channels at once would take more memory than the rest of the network.
        """
        if self.expand is None:
            return self.filter(x)
        if x.shape[2] * x.shape[3] < LARGE:
            return self.filter(F.relu_(self.expand(x)))
        assert self.expand.bias is not None and self.filter.bias is not None
        weights = (self.expand.weight, self.expand.bias, self.filter.weight, self.filter.bias)
        groups = zip(*(part.split(self.project.out_channels) for part in weights), strict=True)
        stride, padding = self.filter.stride, self.filter.padding
        return torch.cat(
            [
                F.conv2d(F.relu_(F.conv2d(x, expand, offset)), kernel, bias, stride, padding, groups=len(kernel))
                for expand, offset, kernel, bias in groups
            ],
            dim=1,
        )


class CenterFace(nn.Module):
    """Features, pyramid and heads."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, stride=2, padding=1)
        self.stages = nn.ModuleList()
        channels = self.stem.out_channels
        for stage in STAGES:
            blocks = []
            for index in range(stage.blocks):
                blocks.append(Bottleneck(channels, stage.channels, stage.expansion, stage.stride if index == 0 else 1))
                channels = stage.channels
            self.stages.append(nn.Sequential(*blocks))
        self.top = nn.Conv2d(channels, WIDTH, 1)
        self.lateral = nn.ModuleList(nn.Conv2d(STAGES[index].channels, WIDTH, 1) for index in LATERAL)
        self.up = nn.ModuleList(nn.ConvTranspose2d(WIDTH, WIDTH, 2, stride=2) for _ in LATERAL)
        self.join = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.score, self.size = nn.Conv2d(WIDTH, 1, 1), nn.Conv2d(WIDTH, 2, 1)
        self.offset, self.landmarks = nn.Conv2d(WIDTH, 2, 1), nn.Conv2d(WIDTH, 2 * LANDMARKS, 1)

    def forward(self, image: Float[Tensor, "b 3 height width"]) -> Maps:
        """Predict the maps of pictures in [0, 255]."""
        x, outputs = F.relu_(self.stem(image)), []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        x = F.relu_(self.top(x))
        for level in reversed(range(len(LATERAL))):
            x = F.relu_(self.up[level](x)) + F.relu_(self.lateral[level](outputs[LATERAL[level]]))
        x = F.relu_(self.join(x))
        return Maps(torch.sigmoid(self.score(x)), self.size(x), self.offset(x), self.landmarks(x))
