"""StarGAN v2: Diverse Image Synthesis for Multiple Domains (Choi et al., CVPR 2020).

A style is a short vector that describes the appearance of a picture of one domain (women, men; cats, dogs, wild cats).
The mapping network computes it from a random latent, the style encoder from a reference picture, and the generator
translates a source picture to it: pose and expression are kept, the appearance changes. The discriminator has one
branch per domain.

Images are RGB in [-1, 1]; `domain` is an index into the config's `domains`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from deepfake_core.errors import BadRequest
from deepfake_core.networks.layers import Masks

MASKED_SIZES = (32, 64, 128)  # sides of the features in the skip connections with the high-pass filter
LEAST = 1e-4  # weight below which nothing is known
SLOPE = 0.2  # negative slope of every leaky ReLU


@dataclass(frozen=True, kw_only=True, slots=True)
class StarGanV2Config:
    """One architecture; the defaults are CelebA-HQ's."""

    size: int = 256
    """Side of the pictures in pixels, a power of two of at least 64."""
    domains: tuple[str, ...] = ("female", "male")
    style: int = 64
    """Length of a style vector."""
    latent: int = 16
    """Length of the latent vector."""
    base: int | None = None
    """Channels at full resolution; None: the paper's 2**14 / size. They double with each downsampling."""
    widest: int = 512
    mapping_hidden: int = 512
    high_pass: float = 1.0
    """Divisor of the high-pass filter in the masked skip connections; 0 (AFHQ): no skip connections, one downsampling
    fewer, and shortcuts in the decoder instead."""
    blend: bool = False
    """Also predict a mask m and output m * generated + (1 - m) * input (Pumarola et al., GANimation, ECCV 2018, eq. 1).
    Not in this paper; it keeps the output of small networks sharp."""
    fill: bool = False
    """With `blend`: predict a second mask, of what `surroundings` fills. Instance norm removes the background's colours
    from the encoding, so that the decoder cannot paint what the source hid. Not in this paper."""
    skips: bool = False
    """Pass the encoder's intermediate features to the decoder, each through a 1x1 convolution. Not in this paper, which
    passes only masked edges; small networks learn pose and gaze faster with it."""
    smooth: bool = False
    """Enlarge features bilinearly, which leaves no lattice in the output, instead of repeating them as this paper's
    code does."""

    def __post_init__(self) -> None:
        if self.size < 64 or self.size & (self.size - 1):
            raise BadRequest(f"size {self.size} will not do: StarGAN v2 needs a power of two from 64 on, such as 256")
        if self.fill and not self.blend:
            raise BadRequest("fill requires blend = true: without it the whole picture is generated")

    def width(self, level: int) -> int:
        """Channels after `level` downsamplings."""
        base = 2**14 // self.size if self.base is None else self.base
        return min(self.widest, base * 2**level)

    @property
    def halvings(self) -> int:
        """Number of downsamplings of the generator: to a bottleneck of 16 pixels, or 8 with masked skip connections."""
        return self.size.bit_length() - (4 if self.high_pass else 5)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "StarGanV2Config":
        """The config from its `dataclasses.asdict` form, as stored in weights files."""
        return cls(**{**fields, "domains": tuple(fields["domains"])})


CONFIGS = {
    "starganv2-celeba-hq": StarGanV2Config(),
    "starganv2-afhq": StarGanV2Config(domains=("cat", "dog", "wild"), high_pass=0.0),
}


def activate(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The activation of every block."""
    return F.leaky_relu(x, SLOPE)


def start(module: nn.Module) -> None:
    """Section "Training details": He's normal weights, and no biases (AdaIN scales by 1 + gamma)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class Residual(nn.Module):
    """(shortcut(x) + conv(lrelu(norm(half(conv(lrelu(norm(x)))))))) / sqrt(2), which keeps unit variance."""

    def __init__(self, before: int, after: int, *, normalise: bool = False, halve: bool = False) -> None:
        super().__init__()
        self.halve = halve
        self.norm1 = nn.InstanceNorm2d(before, affine=True) if normalise else nn.Identity()
        self.conv1 = nn.Conv2d(before, before, 3, padding=1)
        self.norm2 = nn.InstanceNorm2d(before, affine=True) if normalise else nn.Identity()
        self.conv2 = nn.Conv2d(before, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hs ws"]:
        kept, inner = x, self.conv1(activate(self.norm1(x)))
        if self.halve:
            kept, inner = F.avg_pool2d(kept, 2), F.avg_pool2d(inner, 2)
        return (self.shortcut(kept) + self.conv2(activate(self.norm2(inner)))) / math.sqrt(2)


class AdaptiveNorm(nn.Module):
    """AdaIN (Huang & Belongie, 2017): instance norm, then (1 + gamma) x + beta, both predicted from the style."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.affine = nn.Linear(style, 2 * channels)

    def forward(self, x: Float[Tensor, "b c h w"], style: Float[Tensor, "b s"]) -> Float[Tensor, "b c h w"]:
        gamma, beta = self.affine(style)[:, :, None, None].chunk(2, dim=1)
        return (1 + gamma) * F.instance_norm(x) + beta


class StyledResidual(nn.Module):
    """A residual block with AdaIN. With masked skip connections it has no shortcut: they alone pass the detail."""

    def __init__(self, before: int, after: int, config: StarGanV2Config, *, enlarge: bool = False) -> None:
        super().__init__()
        self.enlarge, self.mode = enlarge, "bilinear" if config.smooth else "nearest"
        self.norm1 = AdaptiveNorm(before, config.style)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.norm2 = AdaptiveNorm(after, config.style)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut: nn.Module | None = None
        if not config.high_pass:
            self.shortcut = nn.Conv2d(before, after, 1, bias=False) if before != after else nn.Identity()

    def resize(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c hs ws"]:
        return F.interpolate(x, scale_factor=2.0, mode=self.mode) if self.enlarge else x

    def forward(self, x: Float[Tensor, "b c h w"], style: Float[Tensor, "b s"]) -> Float[Tensor, "b d hs ws"]:
        inner = self.conv1(self.resize(activate(self.norm1(x, style))))
        inner = self.conv2(activate(self.norm2(inner, style)))
        if self.shortcut is None:
            return inner
        return (self.resize(self.shortcut(x)) + inner) / math.sqrt(2)


class HighPass(nn.Module):
    """Difference of each pixel from its eight neighbours, which keeps edges and removes colours and shading."""

    kernel: Tensor

    def __init__(self, divisor: float) -> None:
        super().__init__()
        kernel = torch.full((3, 3), -1.0)
        kernel[1, 1] = 8.0
        self.register_buffer("kernel", kernel / divisor, persistent=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        channels = x.shape[1]
        return F.conv2d(x, self.kernel.expand(channels, 1, 3, 3), padding=1, groups=channels)


class Encoded(NamedTuple):
    """The encoding of a source picture; computed once for any number of styles."""

    image: Float[Tensor, "b 3 h w"]
    features: Float[Tensor, "b c hs ws"]
    skips: dict[int, Tensor]  # side in pixels -> features of that size, whose masked edges are passed on

    def repeat(self, count: int) -> "Encoded":
        """The one encoded picture as a batch of `count`, without copying."""
        image, features = (part.expand(count, -1, -1, -1) for part in (self.image, self.features))
        return Encoded(image, features, {side: skip.expand(count, -1, -1, -1) for side, skip in self.skips.items()})


class Painted(NamedTuple):
    """The decoder's output before it is joined to the source picture."""

    colours: Float[Tensor, "b 3 h w"]
    logits: Float[Tensor, "b 1 h w"] | None = None  # of the mask: positive where the output is not the source's
    fill: Float[Tensor, "b 1 h w"] | None = None  # likewise, of the part of it that `surroundings` fills


class Generator(nn.Module):
    """Encoder with instance norm, which removes the source's style, and decoder with AdaIN."""

    def __init__(self, config: StarGanV2Config) -> None:
        super().__init__()
        self.size, self.blend = config.size, config.blend
        self.from_rgb = nn.Conv2d(3, config.width(0), 3, padding=1)
        steps = [(config.width(level), config.width(level + 1)) for level in range(config.halvings)]
        deep = config.width(config.halvings)
        encoder = [Residual(wide, narrow, normalise=True, halve=True) for wide, narrow in steps]
        self.encoder = nn.ModuleList([*encoder, *(Residual(deep, deep, normalise=True) for _ in range(2))])
        decoder = [StyledResidual(narrow, wide, config, enlarge=True) for wide, narrow in reversed(steps)]
        self.decoder = nn.ModuleList([*(StyledResidual(deep, deep, config) for _ in range(2)), *decoder])
        self.to_rgb_norm = nn.InstanceNorm2d(config.width(0), affine=True)
        self.to_rgb = nn.Conv2d(config.width(0), 3 + config.blend + config.fill, 1)
        self.high_pass = HighPass(config.high_pass) if config.high_pass else None
        widths = {config.size >> level: config.width(level) for level in range(1, config.halvings)}
        joins = {str(side): nn.Conv2d(width, width, 1) for side, width in widths.items() if config.skips}
        self.joins = nn.ModuleDict(joins)  # by side in pixels

    def encode(self, image: Float[Tensor, "b 3 h w"]) -> Encoded:
        """The encoding of the source picture ([-1, 1])."""
        skips: dict[int, Tensor] = {}
        x = self.from_rgb(image)
        for block in self.encoder:
            if str(x.shape[2]) in self.joins or (self.high_pass is not None and x.shape[2] in MASKED_SIZES):
                skips[x.shape[2]] = x
            x = block(x)
        return Encoded(image, x, skips)

    def paint(
        self, encoded: Encoded, style: Float[Tensor, "b s"] | Float[Tensor, "b k s"], masks: Masks | None = None
    ) -> Painted:
        """What `decode` joins to the encoded picture; `masks` select the edges of the face to keep.

        With a style for each of the k blocks of the decoder, coarse features can have one style and fine ones another
        (style mixing: Karras et al., CVPR 2019).
        """
        x = encoded.features
        for place, block in enumerate(self.decoder):
            x = block(x, style if style.dim() == 2 else style[:, place])
            side = x.shape[2]
            if masks is not None and self.high_pass is not None and side in MASKED_SIZES:
                x = x + self.high_pass(masks.at(side) * encoded.skips[side])
            if str(side) in self.joins:
                x = x + self.joins[str(side)](encoded.skips[side])
        painted = self.to_rgb(activate(self.to_rgb_norm(x)))
        return Painted(painted[:, :3], *(painted[:, 3:].split(1, dim=1) if self.blend else ()))

    def decode(
        self, encoded: Encoded, style: Float[Tensor, "b s"] | Float[Tensor, "b k s"], masks: Masks | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """The encoded picture translated to `style`; `masks` select the edges of the face to keep."""
        return joined(encoded.image, self.paint(encoded, style, masks))

    def forward(
        self, image: Float[Tensor, "b 3 h w"], style: Float[Tensor, "b s"], masks: Masks | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """`image` translated to `style`; input in [-1, 1], output approximately in [-1, 1]."""
        return self.decode(self.encode(image), style, masks)


def joined(image: Float[Tensor, "b 3 h w"], painted: Painted) -> Float[Tensor, "b 3 h w"]:
    """mask * generated + (1 - mask) * image, or what was generated, without a mask."""
    if painted.logits is None:
        return painted.colours
    mask = painted.logits.sigmoid()
    return mask * generated(image, painted) + (1 - mask) * image


def generated(image: Float[Tensor, "b 3 h w"], painted: Painted) -> Float[Tensor, "b 3 h w"]:
    """What the mask shows: the decoder's colours, or the surroundings where those fill."""
    if painted.logits is None or painted.fill is None:
        return painted.colours
    kept = (1 - 2 * painted.logits.detach().sigmoid()).clamp_min(0)
    return torch.lerp(painted.colours, surroundings(image, kept).to(painted.colours), painted.fill.sigmoid())


def surroundings(image: Float[Tensor, "b 3 h w"], kept: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 3 h w"]:
    """The image where `kept` is 1, spread smoothly to where it is 0.

    Pull and push: a pyramid of weighted means, from whose coarse levels the holes of the finer ones are filled (Gortler
    et al., The Lumigraph, SIGGRAPH 1996, section 3.4).
    """
    weighted, weight = (image * kept).float(), kept.float()
    levels = [(weighted, weight)]
    while weight.shape[2] > 1 and weight.shape[3] > 1:
        weighted, weight = F.avg_pool2d(weighted, 2), F.avg_pool2d(weight, 2)
        levels.append((weighted, weight))
    filled = weighted / weight.clamp_min(LEAST)
    for weighted, weight in reversed(levels[:-1]):
        coarse = F.interpolate(filled, size=weight.shape[2:], mode="bilinear")
        here = weighted / weight.clamp_min(LEAST)
        filled = torch.lerp(coarse, here, (4 * weight).clamp_max(1))
    return torch.lerp(filled, image.float(), kept.float())


def of_domain(outputs: Iterator[Tensor], domain: Int[Tensor, "b"]) -> Float[Tensor, "b s"]:
    """Select for each picture the output of its domain's branch."""
    stacked = torch.stack(list(outputs), dim=1)
    return stacked[torch.arange(len(domain), device=domain.device), domain]


class MappingNetwork(nn.Module):
    """Map normal latents to styles: four shared layers, then four per domain."""

    def __init__(self, config: StarGanV2Config) -> None:
        super().__init__()
        hidden = config.mapping_hidden
        self.shared = nn.ModuleList(nn.Linear(config.latent if i == 0 else hidden, hidden) for i in range(4))
        self.branches = nn.ModuleList(
            nn.ModuleList(nn.Linear(hidden, hidden if i < 3 else config.style) for i in range(4))
            for _ in config.domains
        )

    def forward(self, latent: Float[Tensor, "b l"], domain: Int[Tensor, "b"]) -> Float[Tensor, "b s"]:
        """The style of each latent in its domain."""
        hidden = latent
        for layer in self.shared:
            hidden = F.relu(layer(hidden))
        return of_domain((self.branch(layers, hidden) for layers in self.branches), domain)

    def branch(self, layers: nn.Module, hidden: Float[Tensor, "b h"]) -> Float[Tensor, "b s"]:
        *inner, last = layers.children()
        for layer in inner:
            hidden = F.relu(layer(hidden))
        return last(hidden)


class Trunk(nn.Module):
    """Trunk of style encoder and discriminator: residual downsampling to 4 pixels, then one vector."""

    def __init__(self, config: StarGanV2Config) -> None:
        super().__init__()
        halvings = config.size.bit_length() - 3
        self.from_rgb = nn.Conv2d(3, config.width(0), 3, padding=1)
        self.blocks = nn.ModuleList(Residual(config.width(i), config.width(i + 1), halve=True) for i in range(halvings))
        self.channels = config.width(halvings)
        self.whole = nn.Conv2d(self.channels, self.channels, 4)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c 1 1"]:
        x = self.from_rgb(image)
        for block in self.blocks:
            x = block(x)
        return activate(self.whole(activate(x)))


class StyleEncoder(nn.Module):
    """Predicts the style of a reference picture, with one linear branch per domain."""

    def __init__(self, config: StarGanV2Config) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.branches = nn.ModuleList(nn.Linear(self.trunk.channels, config.style) for _ in config.domains)

    def forward(self, image: Float[Tensor, "b 3 h w"], domain: Int[Tensor, "b"]) -> Float[Tensor, "b s"]:
        """The style of each picture ([-1, 1]) in its domain."""
        features = self.trunk(image).flatten(1)
        return of_domain((branch(features) for branch in self.branches), domain)


class Discriminator(nn.Module):
    """Discriminates real from generated pictures of a domain: one logit per domain, positive for real."""

    def __init__(self, config: StarGanV2Config) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.branches = nn.Conv2d(self.trunk.channels, len(config.domains), 1)
        self.apply(start)

    def forward(self, image: Float[Tensor, "b 3 h w"], domain: Int[Tensor, "b"]) -> Float[Tensor, "b"]:
        """The logit of each picture ([-1, 1]) in its domain's branch."""
        logits = self.branches(self.trunk(image)).flatten(1)
        return logits.gather(1, domain[:, None])[:, 0]


class StarGanV2(nn.Module):
    """The three networks for synthesis as one module, so that one weights file holds them."""

    def __init__(self, config: StarGanV2Config) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.mapping = MappingNetwork(config)
        self.style_encoder = StyleEncoder(config)
        self.apply(start)
