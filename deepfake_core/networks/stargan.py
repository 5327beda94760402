"""StarGAN (Choi et al., CVPR 2018): one generator that edits several attributes of a picture.

The wanted attributes are shown to the generator as constant maps beside the picture. The discriminator tells real from
made, patch by patch, and names the attributes of what it sees.

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
"""CelebA's names of hair colours: at most one of them holds."""
LEAK = 0.01  # slope of the discriminator's leaky ReLU
MOMENTUM = 0.1  # of the running statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanConfig:
    """One architecture; the defaults are those of the published CelebA weights at 128 pixels."""

    size: int = 128
    """Side of the pictures in pixels; the class head looks at this size and no other."""
    attributes: tuple[str, ...] = CELEBA
    exclusive: bool = False
    """Exactly one attribute holds, as with a folder a domain or RaFD's expressions; else each may hold or not."""
    base: int = 64
    """The generator's channels at full resolution; they double with each halving."""
    blocks: int = 6
    critic_base: int = 64
    """The discriminator's channels after its first layer; they double with every further one."""
    critic_layers: int = 6
    critic: bool = False
    """Whether `StarGan` holds the discriminator too, which can say what attributes a picture has."""
    running_statistics: bool = False
    """Normalise by the stored running statistics in evaluation mode. The published files hold them, but were only ever
    run on each picture's own statistics, and give visibly wrong pictures otherwise."""
    conditional: bool = False
    """Also shift every normalised map by what the attributes ask for (conditional instance norm, Dumoulin et al., ICLR
    2017). Not in this paper, where the first instance norm takes the constant maps away again, so that only what they
    do at the borders tells what is wanted; small networks learn many times faster with it."""
    relative: bool = False
    """Tell the generator the change of each attribute, wanted - shown, from -1 to 1 (Wu et al., RelGAN, ICCV 2019), not
    what is wanted: it need not find out for itself whether there is anything to do. `StarGan` reads what is shown with
    its own class head, and so needs `critic`. Not in this paper."""
    strengths: tuple[float, ...] = ()
    """With `relative`, outside training: how many times the change of each attribute is told; none: once. A generator
    that was taught by mean distances answers faint changes too faintly."""
    difference: bool = False
    """Paint the difference to the picture, not the picture: what is not edited stays sharp. Not in this paper."""
    skips: bool = False
    """Hand the features before each halving to the doubling that leads back to their size, each through a 1x1
    convolution and into the ReLU, which lets them pass or not. Not in this paper; thin lines such as lashes and
    wrinkles, which the bottleneck cannot hold, are found many times sooner with it."""

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "StarGanConfig":
        """The config that `dataclasses.asdict` took apart, as weights files store it."""
        attributes, strengths = (tuple(fields.get(name, ())) for name in ("attributes", "strengths"))
        return cls(**{**fields, "attributes": attributes or CELEBA, "strengths": strengths})


CONFIGS = {
    "stargan-celeba-128": StarGanConfig(),
    "stargan-celeba-256": StarGanConfig(size=256),
}


class InstanceNorm(nn.Module):
    """Instance norm with scale, shift and running statistics, which are kept but hardly ever used."""

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
    """Table 4: halve the resolution twice, residual blocks, double it twice, paint."""

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
            nn.init.zeros_(self.final.weight)  # at first it hands the picture through

    def forward(self, image: Float[Tensor, "b 3 h w"], attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b 3 h w"]:
        """The picture with these attributes; with `difference` not strictly within [-1, 1]."""
        maps = attributes[:, :, None, None].expand(-1, -1, *image.shape[2:])
        shifts = [shift(attributes)[:, :, None, None] for shift in self.shifts] or [0.0] * (len(self.residual) + 5)
        told = iter(shifts)
        out = self.first(torch.cat((image, maps), dim=1), next(told))
        kept = []
        for halve in self.down:
            kept.append(out)
            out = halve(out, next(told))
        for block in self.residual:
            out = block(out, next(told))
        for place, double in enumerate(self.up):
            joined = self.joins[place](kept[-1 - place]) if self.joins else 0.0
            out = double(out, next(told) + joined)
        painted = self.final(out)
        return image + painted if self.difference else painted.tanh()


class Verdict(NamedTuple):
    """What the discriminator says."""

    scores: Float[Tensor, "b 1 hp wp"]  # higher is more real; one for each patch
    logits: Float[Tensor, "b a"]  # above 0: the picture has that attribute; the largest one, if they exclude each other


class Discriminator(nn.Module):
    """Table 5: six halvings, a head that scores patches, and one that names the attributes of the whole picture."""

    def __init__(self, config: StarGanConfig) -> None:
        super().__init__()
        widths = [3, *(config.critic_base * 2**layer for layer in range(config.critic_layers))]
        self.convs = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in itertools.pairwise(widths)
        )
        self.scores = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        left = config.size // 2**config.critic_layers
        self.classes = nn.Conv2d(widths[-1], len(config.attributes), left, bias=False)
        for conv in self.convs:  # He et al., 2015: torch's own start lets a picture fade on its way through six layers
            assert isinstance(conv, nn.Conv2d) and conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, a=LEAK)
            nn.init.zeros_(conv.bias)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Verdict:
        out = image
        for conv in self.convs:
            out = F.leaky_relu(conv(out), LEAK)
        return Verdict(self.scores(out), self.classes(out)[:, :, 0, 0])


class StarGan(nn.Module):
    """The generator and, if the config asks for it, the discriminator: what one weights file holds."""

    def __init__(self, config: StarGanConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.discriminator = Discriminator(config) if config.critic else None

    def forward(self, image: Float[Tensor, "b 3 h w"], attributes: Float[Tensor, "b a"]) -> Float[Tensor, "b 3 h w"]:
        """The picture with these attributes."""
        if not self.config.relative:
            return self.generator(image, attributes)
        assert self.discriminator is not None
        logits = self.discriminator(image).logits
        surest = F.one_hot(logits.argmax(dim=1), logits.shape[1]).float()
        change = self.told(attributes, surest if self.config.exclusive else (logits > 0).float())
        strengths = self.config.strengths or (1.0,) * len(self.config.attributes)
        return self.generator(image, change * change.new_tensor(strengths))

    def told(self, wanted: Float[Tensor, "b a"], shown: Float[Tensor, "b a"]) -> Float[Tensor, "b a"]:
        """What the generator is told about a picture that shows some attributes and shall have others."""
        return wanted - shown if self.config.relative else wanted


def flipped(attributes: Float[Tensor, "b a"], names: Sequence[str]) -> Float[Tensor, "a b a"]:
    """The attributes with one after the other turned into its opposite, one set for each of `names`.

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
