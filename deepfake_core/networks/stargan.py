"""StarGAN (Choi et al., CVPR 2018): one generator that edits several attributes of a picture.

The wanted attributes are concatenated to the generator's input as constant maps. The discriminator classifies patches
as real or generated, and predicts the attributes of the picture.

Pictures are RGB in [-1, 1], sides a multiple of 4; attributes are 0 or 1, in the order of `StarGanConfig.attributes`.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

CELEBA = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
HAIR_COLOURS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
"""CelebA's mutually exclusive attributes of hair colour."""
LEAK = 0.01  # slope of the discriminator's leaky ReLU
MOMENTUM = 0.1  # of the running statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanConfig:
    """One architecture; the defaults are those of the published CelebA weights at 128 pixels."""

    size: int = 128
    """Side of the pictures in pixels; the class head accepts no other size."""
    attributes: tuple[str, ...] = CELEBA
    exclusive: bool = False
    """Whether exactly one attribute is set, as with one folder per domain or RaFD's expressions."""
    base: int = 64
    """The generator's channels at full resolution; they double with each downsampling."""
    blocks: int = 6
    critic_base: int = 64
    """The discriminator's channels after its first layer; they double with every layer."""
    critic_layers: int = 6
    critic: bool = False
    """Whether `StarGan` includes the discriminator, which can classify the attributes of a picture."""
    running_statistics: bool = False
    """Normalise by the stored running statistics in evaluation mode. The published files contain them, but were always
    used with the statistics of each picture, and give visibly wrong results otherwise."""
    conditional: bool = False
    """Also shift every normalised map depending on the attributes (conditional instance norm, Dumoulin et al., ICLR
    2017). Not in this paper, where the first instance norm removes the constant attribute maps, so that only their
    effect at the borders remains; small networks learn many times faster with it."""
    relative: bool = False
    """Condition the generator on the change of each attribute, wanted - present, from -1 to 1 (Wu et al., RelGAN, ICCV
    2019), not on the wanted ones, so that it need not detect whether to change anything. `StarGan` predicts the present
    ones with its class head, and so needs `critic`. Not in this paper."""
    strengths: tuple[float, ...] = ()
    """With `relative`, at inference: factor for the change of each attribute; empty: 1. A generator trained with mean
    distances reacts too weakly to small changes."""
    difference: bool = False
    """Predict the difference to the input: unedited regions stay sharp. Not in this paper."""
    skips: bool = False
    """Skip connections: add the features before each downsampling, through a 1x1 convolution, to those of the same size
    in the decoder before the ReLU. Not in this paper; thin lines such as lashes and wrinkles, which the bottleneck
    cannot represent, are learned many times faster with it."""

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "StarGanConfig":
        """The config from its `dataclasses.asdict` form, as stored in weights files."""
        attributes, strengths = (tuple(fields.get(name, ())) for name in ("attributes", "strengths"))
        return cls(**{**fields, "attributes": attributes or CELEBA, "strengths": strengths})


CONFIGS = {
    "stargan-celeba-128": StarGanConfig(),
    "stargan-celeba-256": StarGanConfig(size=256),
}


class InstanceNorm(nn.Module):
    """Instance norm with scale, shift and running statistics, which are rarely used."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, running_statistics: bool) -> None:
        super().__init__()
        self.running_statistics = running_statistics
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        stored = self.running_statistics and not self.training
        mean, variance = (self.running_mean, self.running_var) if self.training or stored else (None, None)
        return F.instance_norm(x, mean, variance, self.weight, self.bias, not stored, MOMENTUM)


class ConvNormReLU(nn.Module):
    """A convolution without bias, instance norm, ReLU."""

    def __init__(self, conv: nn.Module, channels: int, running_statistics: bool) -> None:
        super().__init__()
        self.conv, self.norm = conv, InstanceNorm(channels, running_statistics)

    def forward(self, x: Float[Tensor, "b c h w"], shift: Tensor | float = 0.0) -> Float[Tensor, "b d h2 w2"]:
        return F.relu(self.norm(self.conv(x)) + shift)


class Residual(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, channels: int, running_statistics: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norm1, self.norm2 = (InstanceNorm(channels, running_statistics) for _ in range(2))

    def forward(self, x: Float[Tensor, "b c h w"], shift: Tensor | float = 0.0) -> Float[Tensor, "b c h w"]:
        return x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)) + shift)))


class Generator(nn.Module):
    """Table 4: downsample twice, residual blocks, upsample twice, output convolution."""

    def __init__(self, config: StarGanConfig) -> None:
        super().__init__()
        self.difference = config.difference
        base, running = config.base, config.running_statistics
        channels = 3 + len(config.attributes)
        self.first = ConvNormReLU(nn.Conv2d(channels, base, 7, padding=3, bias=False), base, running)
        self.down = nn.ModuleList(
            ConvNormReLU(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False), 2 * width, running)
            for width in (base, 2 * base)
        )
        self.residual = nn.ModuleList(Residual(4 * base, running) for _ in range(config.blocks))
        self.up = nn.ModuleList(
            ConvNormReLU(nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False), width, running)
            for width in (2 * base, base)
        )
        widths = (base, 2 * base, *([4 * base] * (config.blocks + 1)), 2 * base, base) if config.conditional else ()
        self.shifts = nn.ModuleList(nn.Linear(len(config.attributes), width) for width in widths)
        joined = (2 * base, base) if config.skips else ()
        self.joins = nn.ModuleList(nn.Conv2d(width, width, 1, bias=False) for width in joined)
        self.final = nn.Conv2d(base, 3, 7, padding=3, bias=False)
        if config.difference:
            nn.init.zeros_(self.final.weight)  # initially the identity

    def forward(self, image: Float[Tensor, "b 3 h w"], attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b 3 h w"]:
        """The picture with these attributes; with `difference` not strictly within [-1, 1]."""
        maps = attributes[:, :, None, None].expand(-1, -1, *image.shape[2:])
        shifts = [shift(attributes)[:, :, None, None] for shift in self.shifts] or [0.0] * (len(self.residual) + 5)
        pending = iter(shifts)
        out = self.first(torch.cat((image, maps), dim=1), next(pending))
        kept = []
        for halve in self.down:
            kept.append(out)
            out = halve(out, next(pending))
        for block in self.residual:
            out = block(out, next(pending))
        for place, double in enumerate(self.up):
            joined = self.joins[place](kept[-1 - place]) if self.joins else 0.0
            out = double(out, next(pending) + joined)
        painted = self.final(out)
        return image + painted if self.difference else painted.tanh()


class Verdict(NamedTuple):
    """The output of the discriminator."""

    scores: Float[Tensor, "b 1 hp wp"]  # one per patch; higher is more real
    logits: Float[Tensor, "b a"]  # above 0: the attribute is set; if they are mutually exclusive, the largest is


class Discriminator(nn.Module):
    """Table 5: six downsamplings, a head that scores patches, and one that classifies the attributes."""

    def __init__(self, config: StarGanConfig) -> None:
        super().__init__()
        widths = [3, *(config.critic_base * 2**layer for layer in range(config.critic_layers))]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in itertools.pairwise(widths)
        )
        self.scores = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        left = config.size // 2**config.critic_layers
        self.classes = nn.Conv2d(widths[-1], len(config.attributes), left, bias=False)
        for conv in self.convs:  # He et al., 2015: torch's default initialisation attenuates the signal over six layers
            assert isinstance(conv, nn.Conv2d) and conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, a=LEAK)
            nn.init.zeros_(conv.bias)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Verdict:
        out = image
        for conv in self.convs:
            out = F.leaky_relu(conv(out), LEAK)
        return Verdict(self.scores(out), self.classes(out)[:, :, 0, 0])


class StarGan(nn.Module):
    """The generator and, if configured, the discriminator: the content of one weights file."""

    def __init__(self, config: StarGanConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.discriminator = Discriminator(config) if config.critic else None

    def forward(self, image: Float[Tensor, "b 3 h w"], attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b 3 h w"]:
        """The picture with these attributes."""
        return self.generator(image, self.planes(image, attributes))

    def planes(self, image: Float[Tensor, "b 3 h w"], attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b a"]:
        """The value of each plane that is joined to the picture: an attribute, or with `relative` its change."""
        if not self.config.relative:
            return attributes
        assert self.discriminator is not None
        logits = self.discriminator(image).logits
        surest = F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
        change = self.conditioning(attributes, surest if self.config.exclusive else (logits > 0).float())
        strengths = self.config.strengths or (1.0,) * len(self.config.attributes)
        return change * change.new_tensor(strengths)

    def conditioning(self, wanted: Float[Tensor, "b a"], shown: Float[Tensor, "b a"]) -> Float[Tensor, "b a"]:
        """The generator's conditioning vector for the given and wanted attributes of a picture."""
        return wanted - shown if self.config.relative else wanted


def flipped(attributes: Float[Tensor, "b a"], names: Sequence[str]) -> Float[Tensor, "a b a"]:
    """The attributes with one of them flipped at a time, one set for each of `names`.

    A hair colour is not turned off, but takes the place of every other one.
    """
    hair = [place for place, name in enumerate(names) if name in HAIR_COLOURS]
    edits = attributes.repeat(len(names), 1, 1)
    for place, edit in enumerate(edits):
        if place in hair:
            edit[:, hair] = 0.0
            edit[:, place] = 1.0
        else:
            edit[:, place] = 1 - attributes[:, place]
    return edits
