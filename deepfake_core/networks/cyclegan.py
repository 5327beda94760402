"""CycleGAN: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks (Zhu et al., ICCV 2017).

One generator translates pictures of one domain (horses) to another (zebras), a second one back. Each is the residual
network of Johnson et al. (ECCV 2016): encode to a quarter of the resolution, transform, decode. The discriminator
classifies overlapping patches of 70 x 70 pixels, not the whole picture.

Images are RGB (or of one channel) in [-1, 1]; their sides must be multiples of 4.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

HALVINGS = 2
KERNEL = 4  # of the discriminator's layers
LEAK = 0.2  # negative slope of the discriminator's leaky ReLU


@dataclass(frozen=True, kw_only=True, slots=True)
class CycleGanConfig:
    """One generator; the defaults are those of all published weights (appendix 7.2, 9 blocks for 256 pixels)."""

    size: int = 256
    """Side of the training pictures in pixels; other sizes work too."""
    channels: int = 3
    base: int = 64
    """Channels at full resolution; they double with each of the two downsamplings."""
    blocks: int = 9
    """Residual blocks: 9 in the paper for 256 pixels and more, 6 for 128."""
    blend: bool = False
    """Also predict a mask m and output m * generated + (1 - m) * input (Pumarola et al., GANimation, ECCV 2018, eq. 1),
    which keeps unchanged regions. Not in this paper; it keeps the output of small networks sharp."""

    def width(self, level: int) -> int:
        return self.base * 2**level

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "CycleGanConfig":
        """The config from its `dataclasses.asdict` form, as stored in weights files."""
        return cls(**fields)


PUBLISHED = (
    "horse2zebra", "zebra2horse", "apple2orange", "orange2apple", "summer2winter_yosemite", "winter2summer_yosemite",
    "monet2photo", "style_monet", "style_cezanne", "style_ukiyoe", "style_vangogh", "sat2map", "map2sat",
    "cityscapes_photo2label", "cityscapes_label2photo", "facades_photo2label", "facades_label2photo",
    "iphone2dslr_flower",
)  # fmt: skip
"""The authors' names of their weights, one generator each."""

CONFIGS = {f"cyclegan-{name}": CycleGanConfig() for name in PUBLISHED}


def normalise(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Instance norm (Ulyanov et al., 2016): normalises each channel of each picture by its mean and deviation."""
    return F.instance_norm(x)


class Residual(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), with reflection padding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + normalise(self.conv2(F.relu(normalise(self.conv1(x)))))


class Generator(nn.Module):
    """Translates a picture of one domain to the other."""

    def __init__(self, config: CycleGanConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width(level) for level in range(HALVINGS + 1)]
        steps = list(itertools.pairwise(widths))
        self.first = nn.Conv2d(config.channels, config.base, 7, padding=3, padding_mode="reflect")
        self.down = nn.ModuleList(nn.Conv2d(here, below, 3, stride=2, padding=1) for here, below in steps)
        self.residual = nn.ModuleList(Residual(widths[-1]) for _ in range(config.blocks))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(below, here, 3, stride=2, padding=1, output_padding=1) for here, below in reversed(steps)
        )
        self.last = nn.Conv2d(config.base, config.channels + config.blend, 7, padding=3, padding_mode="reflect")

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        x = F.relu(normalise(self.first(image)))
        for shrink in self.down:
            x = F.relu(normalise(shrink(x)))
        for block in self.residual:
            x = block(x)
        for grow in self.up:
            x = F.relu(normalise(grow(x)))
        drawn = self.last(x)
        if not self.config.blend:
            return torch.tanh(drawn)
        painted, mask = torch.tanh(drawn[:, :-1]), torch.sigmoid(drawn[:, -1:])
        return image + mask * (painted - image)


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchDiscriminatorConfig:
    """One discriminator; the defaults are the paper's."""

    channels: int = 3
    base: int = 64
    """Channels after the first layer; they double with each layer, up to eightfold."""
    layers: int = 3
    """Layers with stride 2."""

    @property
    def field(self) -> int:
        """Side in pixels of the patch that a score sees."""
        seen = 1
        for stride in (1, 1, *(2,) * self.layers):
            seen = stride * (seen - 1) + KERNEL
        return seen

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "PatchDiscriminatorConfig":
        """The config from its `dataclasses.asdict` form, as stored in weights files."""
        return cls(**fields)


class PatchDiscriminator(nn.Module):
    """PatchGAN discriminator (Isola et al., CVPR 2017): a score per patch, without a sigmoid.

    With three halving layers a score sees 70 x 70 pixels: from the last layer back, each of kernel 4 and stride s turns
    a field of r pixels into s (r - 1) + 4: 4, 7, 16, 34, 70.
    """

    def __init__(self, config: PatchDiscriminatorConfig = PatchDiscriminatorConfig()) -> None:
        super().__init__()
        self.config = config
        widths = [config.base * min(2**level, 8) for level in range(config.layers + 1)]
        strides = [2] * config.layers + [1, 1]
        steps = zip([config.channels, *widths], [*widths, 1], strides, strict=True)
        self.convs = nn.ModuleList(nn.Conv2d(here, after, KERNEL, stride, padding=1) for here, after, stride in steps)

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 hs ws"]:
        first, *middle, last = self.convs
        x = F.leaky_relu(first(image), LEAK)  # no norm in the first layer, to keep absolute colours
        for conv in middle:
            x = F.leaky_relu(normalise(conv(x)), LEAK)
        return last(x)
