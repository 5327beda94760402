"""First Order Motion Model for Image Animation (Siarohin et al., NeurIPS 2019), in the order of data flow.

A keypoint detector finds K points and the local affine motion (Jacobian) around each, in the source and in the driving
frame. Dense motion turns them into one backward flow and an occlusion map. The generator encodes the source, warps
its features by the flow, dims what the source cannot show, and paints the rest.

Images are RGB in [0, 1]; positions and grids lie in [-1, 1], x first, spanning pixel centres.
"""

import itertools
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from deepfake_core.motion import Keypoints, coordinate_grid
from deepfake_core.networks.layers import AlignedDownscale, AntiAliasedDownscale, resize_like, warp

HEATMAP_VARIANCE = 0.01  # variance of the Gaussians at keypoints, in squared grid units


@dataclass(frozen=True, kw_only=True, slots=True)
class HourglassConfig:
    """Width and depth of one hourglass."""

    base: int
    """Channels after the last decoder block; level i holds base * 2**i."""
    widest: int = 1024
    """Upper bound of any level's channels."""
    levels: int = 5
    """Number of downsampling blocks."""
    scale: float = 0.25
    """Factor by which the input picture is downscaled first."""

    def width(self, level: int) -> int:
        return min(self.widest, self.base * 2**level)


@dataclass(frozen=True, kw_only=True, slots=True)
class FommConfig:
    """One architecture; the defaults are vox-256, used by most of the published weights."""

    size: int = 256
    """Side of the pictures in pixels."""
    keypoints: int = 10
    temperature: float = 0.1
    """Divisor of the heatmap's logits; smaller is sharper."""
    jacobians: bool = True
    """False gives the zero-order model: positions only."""
    shared_jacobian_map: bool = False
    """One Jacobian map for all keypoints (mgif)."""
    detector: HourglassConfig = field(default_factory=lambda: HourglassConfig(base=32))
    motion: HourglassConfig = field(default_factory=lambda: HourglassConfig(base=64))
    base: int = 64
    """The generator's channels at full resolution; they double with each halving."""
    widest: int = 512
    halvings: int = 2
    residual_blocks: int = 6
    align_corners: bool = True
    """`align_corners` of grid sampling; the published weights were trained with True."""
    blend: bool = False
    """Output the warped source where it is not occluded, and generate only the rest, as in Siarohin et al. (CVPR 2021,
    Motion Representations for Articulated Animation). Not in this paper; keeps the output of small networks sharp."""
    paints_mask: bool = False
    """With `blend`: the last layers also get the warped source and predict its mask at full resolution; False uses the
    upscaled occlusion map."""
    aligned: bool = False
    """Keep positions aligned when pictures are downscaled and flows upscaled, so that an identity flow is the identity.
    The published networks shift positions near the edges by one or two pixels of 256 (by three with a flow of 32 x 32)
    and were trained with that."""
    patch: int = 1
    """Side of the pixel blocks that the generator processes as one pixel with more channels (pixel shuffle, Shi et al.,
    CVPR 2016); 1 in the paper. With 2, a picture of 256 pixels costs little more than one of 128."""

    def width(self, level: int) -> int:
        return min(self.widest, self.base * 2**level)

    def downscale(self, scale: float) -> nn.Module:
        """The module that downscales pictures by `scale`."""
        return AlignedDownscale(scale) if self.aligned else AntiAliasedDownscale(3, scale)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "FommConfig":
        """The config from its `dataclasses.asdict` form, as stored in weights files."""
        hourglasses = {name: HourglassConfig(**fields[name]) for name in ("detector", "motion")}
        return cls(**{**fields, **hourglasses})


CONFIGS = {
    "fomm-vox": FommConfig(),
    "fomm-vox-adv": FommConfig(),
    "fomm-taichi": FommConfig(),
    "fomm-taichi-adv": FommConfig(),
    "fomm-fashion": FommConfig(),
    "fomm-mgif": FommConfig(shared_jacobian_map=True),
    "fomm-bair": FommConfig(),
    "fomm-nemo": FommConfig(),
}


def exactly(device: torch.device) -> torch.autocast:
    """Suspends autocast: half precision resolves positions in a picture of 256 pixels to 0.1 pixels or worse."""
    return torch.autocast(device.type, enabled=False)


class ConvNormReLU(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, before: int, after: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return F.relu(self.norm(self.conv(x)))


class Down(ConvNormReLU):
    """A 3x3 block, then average pooling to half the resolution."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return F.avg_pool2d(super().forward(x), 2)


class Up(ConvNormReLU):
    """Nearest-neighbour upsampling to twice the resolution, then a 3x3 block."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h2 w2"]:
        return super().forward(F.interpolate(x, scale_factor=2.0))


class Residual(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x))))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        inner = self.conv1(F.relu(self.norm1(x)))
        return x + self.conv2(F.relu(self.norm2(inner)))


class Hourglass(nn.Module):
    """Downsample `levels` times, then upsample as often, each time concatenating the encoder's features."""

    def __init__(self, config: HourglassConfig, channels: int) -> None:
        super().__init__()
        levels = range(config.levels)
        self.encoder = nn.ModuleList(Down(channels if i == 0 else config.width(i), config.width(i + 1)) for i in levels)
        self.decoder = nn.ModuleList(
            Up(config.width(i + 1) * (1 if i == config.levels - 1 else 2), config.width(i)) for i in reversed(levels)
        )
        self.channels = config.width(0) + channels

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        skips = [x]
        for block in self.encoder:
            skips.append(block(skips[-1]))
        out = skips.pop()
        for block in self.decoder:
            out = torch.cat((block(out), skips.pop()), dim=1)
        return out


class Detected(NamedTuple):
    """Keypoints, and the heatmap logits from which they were computed."""

    keypoints: Keypoints
    logits: Float[Tensor, "b k h w"]


class KeypointDetector(nn.Module):
    """Section 3.1: heatmaps whose centres of mass are the keypoints, and a Jacobian averaged under each heatmap."""

    def __init__(self, config: FommConfig) -> None:
        super().__init__()
        self.temperature, self.count = config.temperature, config.keypoints
        self.down = config.downscale(config.detector.scale)
        self.hourglass = Hourglass(config.detector, 3)
        last = partial(nn.Conv2d, self.hourglass.channels, kernel_size=7, padding=3 if config.aligned else 0)
        self.heatmaps = last(config.keypoints)
        maps = 1 if config.shared_jacobian_map else config.keypoints
        self.jacobians = last(4 * maps) if config.jacobians else None
        if self.jacobians is not None:  # training starts from motion without rotation or scale
            nn.init.zeros_(self.jacobians.weight)
            with torch.no_grad():
                self.jacobians.bias.copy_(torch.eye(2).flatten().repeat(maps))  # type: ignore[union-attr]

    def detect(self, image: Float[Tensor, "b 3 h w"]) -> Detected:
        """Keypoints of each picture in [0, 1], with the heatmaps' logits."""
        features = self.hourglass(self.down(image))
        logits = self.heatmaps(features).float()
        maps = None if self.jacobians is None else self.jacobians(features).float()
        with exactly(logits.device):
            return Detected(self.read(logits, maps), logits)

    def read(self, logits: Float[Tensor, "b k h w"], maps: Float[Tensor, "b j h w"] | None) -> Keypoints:
        """The centres of mass of the heatmaps, and the Jacobian maps averaged with the heatmaps as weights."""
        batch, _, height, width = logits.shape
        heatmaps = (logits.flatten(2) / self.temperature).softmax(dim=2)  # (b, k, h*w), each sums to 1
        position = heatmaps @ coordinate_grid(height, width, device=logits.device).flatten(0, 1)
        if maps is None:
            return Keypoints(position)
        maps = maps.view(batch, -1, 4, height * width)
        return Keypoints(position, (heatmaps[:, :, None] * maps).sum(dim=3).view(batch, self.count, 2, 2))

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Keypoints:
        """Keypoints of each picture in [0, 1]."""
        return self.detect(image).keypoints


def gaussian_heatmaps(
    keypoints: Keypoints, size: tuple[int, int], variance: float = HEATMAP_VARIANCE
) -> Float[Tensor, "b k h w"]:
    """exp(-|z - p|^2 / (2 variance)) at every pixel centre z, for every keypoint p."""
    position = keypoints.position
    grid = coordinate_grid(*size, device=position.device, dtype=position.dtype)
    squared = (grid - position[:, :, None, None]).square().sum(dim=-1)
    return torch.exp(-0.5 * squared / variance)


def sparse_motions(source: Keypoints, driving: Keypoints, size: tuple[int, int]) -> Float[Tensor, "b k1 h w 2"]:
    """Eq. 4: near keypoint k, the point z of the driving frame comes from p_S + J_S J_D^-1 (z - p_D) of the source.

    The first field is the background's: it does not move.
    """
    grid = coordinate_grid(*size, device=driving.position.device, dtype=driving.position.dtype)
    offset = grid - driving.position[:, :, None, None]
    if source.jacobian is not None and driving.jacobian is not None:
        affine = source.jacobian @ torch.linalg.inv(driving.jacobian.float()).to(source.jacobian.dtype)
        offset = torch.einsum("bkij,bkhwj->bkhwi", affine, offset)
    moved = offset + source.position[:, :, None, None]
    return torch.cat((grid.expand(moved.shape[0], 1, -1, -1, -1), moved), dim=1)


class Motion(NamedTuple):
    """The dense motion of a driving frame, at its own reduced resolution."""

    mask: Float[Tensor, "b k1 hs ws"]  # which keypoint's motion each pixel follows; sums to 1
    deformation: Float[Tensor, "b hs ws 2"]  # source position of each pixel
    occlusion: Float[Tensor, "b 1 hs ws"]  # 1: visible in the source, 0: occluded, to be generated
    sparse_deformed: Float[Tensor, "b k1 3 hs ws"]  # the source, warped by each keypoint's motion alone


class DenseMotion(nn.Module):
    """Section 3.2: selects among the K+1 sparse motions for each pixel, and predicts what is occluded in the source."""

    def __init__(self, config: FommConfig) -> None:
        super().__init__()
        self.align_corners = config.align_corners
        self.down = config.downscale(config.motion.scale)
        self.hourglass = Hourglass(config.motion, (config.keypoints + 1) * 4)
        self.mask = nn.Conv2d(self.hourglass.channels, config.keypoints + 1, 7, padding=3)
        self.occlusion = nn.Conv2d(self.hourglass.channels, 1, 7, padding=3)

    def forward(self, small: Float[Tensor, "b 3 hs ws"], source: Keypoints, driving: Keypoints) -> Motion:
        """`small` is the source picture after `self.down`."""
        batch, _, height, width = small.shape
        size = (height, width)
        with exactly(small.device):
            moves = sparse_motions(source, driving, size)
        count = moves.shape[1]
        repeated = small.float()[:, None].expand(-1, count, -1, -1, -1).flatten(0, 1)
        deformed = warp(repeated, moves.flatten(0, 1), align_corners=self.align_corners)
        deformed = deformed.view(batch, count, 3, height, width).to(small.dtype)
        difference = gaussian_heatmaps(driving, size) - gaussian_heatmaps(source, size)
        difference = F.pad(difference, (0, 0, 0, 0, 1, 0))[:, :, None]  # the background has no heatmap: zeros first
        seen = torch.cat((difference.to(deformed.dtype), deformed), dim=2).flatten(1, 2)
        features = self.hourglass(seen)
        mask = self.mask(features).float().softmax(dim=1)
        with exactly(small.device):
            deformation = torch.einsum("bkhw,bkhwc->bhwc", mask, moves)
        return Motion(mask, deformation, self.occlusion(features).sigmoid(), deformed)


class Encoded(NamedTuple):
    """The encoding of a source picture; computed once for a whole clip."""

    image: Float[Tensor, "b 3 h w"]
    small: Float[Tensor, "b 3 hs ws"]  # for dense motion
    features: Float[Tensor, "b c hf wf"]  # for warping

    def repeat(self, count: int) -> "Encoded":
        """The same source expanded to a batch of `count`, without copying."""
        return Encoded(*(tensor.expand(count, -1, -1, -1) for tensor in self))


class Generator(nn.Module):
    """Section 3.3: encoder, warp and occlusion in feature space, residual blocks, decoder."""

    def __init__(self, config: FommConfig) -> None:
        super().__init__()
        self.align_corners, self.blend, self.patch = config.align_corners, config.blend, config.patch
        self.enlarged = partial(resize_like, align_corners=config.aligned)
        levels, pixels = range(config.halvings), 3 * config.patch**2
        self.first = ConvNormReLU(pixels, config.width(0), kernel=7)
        self.down = nn.ModuleList(Down(config.width(i), config.width(i + 1)) for i in levels)
        self.residual = nn.ModuleList(Residual(config.width(config.halvings)) for _ in range(config.residual_blocks))
        self.up = nn.ModuleList(Up(config.width(i + 1), config.width(i)) for i in reversed(levels))
        masked = config.blend and config.paints_mask
        self.join = ConvNormReLU(config.width(0) + pixels, config.width(0)) if masked else None
        self.final = nn.Conv2d(config.width(0), (3 + masked) * config.patch**2, 7, padding=3)

    def encode(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c hf wf"]:
        """Features of the source before warping."""
        out = self.first(self.packed(image))
        for block in self.down:
            out = block(out)
        return out

    def decode(self, encoded: Encoded, motion: Motion) -> Float[Tensor, "b 3 h w"]:
        """Warp the features, mask what is occluded (Eq. 5), and decode the picture in [0, 1]."""
        out = self.deform(encoded.features, motion.deformation)
        out = out * self.enlarged(motion.occlusion, (out.shape[2], out.shape[3]))
        for block in (*self.residual, *self.up):
            out = block(out)
        warped = self.deform(encoded.image, motion.deformation) if self.blend else None
        if self.join is not None and warped is not None:
            source = self.packed(warped).contiguous(memory_format=torch.channels_last)  # else all channels are copied
            out = self.join(torch.cat((out, source), dim=1))
        painted, *mask = self.unpacked(self.final(out)).sigmoid().split((3, 1) if self.join is not None else 3, dim=1)
        if warped is None:
            return painted
        shown = mask[0] if mask else self.enlarged(motion.occlusion, (painted.shape[2], painted.shape[3]))
        return shown * warped + (1 - shown) * painted

    def packed(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hp wp"]:
        """Blocks of pixels as single pixels with more channels (pixel unshuffle)."""
        return F.pixel_unshuffle(image, self.patch) if self.patch > 1 else image

    def unpacked(self, x: Float[Tensor, "b d hp wp"]) -> Float[Tensor, "b c h w"]:
        """The inverse of `pack` (pixel shuffle)."""
        return F.pixel_shuffle(x, self.patch) if self.patch > 1 else x

    def deform(self, x: Float[Tensor, "b c h w"], deformation: Float[Tensor, "b hs ws 2"]) -> Float[Tensor, "b c h w"]:
        """Warp `x`, of any size, by a flow field of the size of dense motion."""
        field_at_size = self.enlarged(deformation.permute(0, 3, 1, 2), (x.shape[2], x.shape[3]))
        grid = field_at_size.permute(0, 2, 3, 1)
        return warp(x.float(), grid, align_corners=self.align_corners).to(x.dtype)


class Generated(NamedTuple):
    """A generated picture with the intermediate results."""

    prediction: Float[Tensor, "b 3 h w"]
    motion: Motion


class FirstOrderModel(nn.Module):
    """The three networks of the model; `encode` once, then `generate` for every batch of driving keypoints."""

    def __init__(self, config: FommConfig) -> None:
        super().__init__()
        self.config = config
        self.keypoint_detector = KeypointDetector(config)
        self.dense_motion = DenseMotion(config)
        self.generator = Generator(config)

    def encode(self, source: Float[Tensor, "b 3 h w"]) -> Encoded:
        """The encoding of the source picture ([0, 1])."""
        return Encoded(source, self.dense_motion.down(source), self.generator.encode(source))

    def generate(self, encoded: Encoded, source: Keypoints, driving: Keypoints) -> Generated:
        """The source animated from its keypoints to the driving ones; all three have the same batch size."""
        motion = self.dense_motion(encoded.small, source, driving)
        return Generated(self.generator.decode(encoded, motion), motion)

    def forward(self, source: Float[Tensor, "b 3 h w"], driving: Float[Tensor, "b 3 h w"]) -> Generated:
        """Absolute transfer of one picture's pose to another: what training learns by reconstructing `driving`."""
        return self.generate(self.encode(source), self.keypoint_detector(source), self.keypoint_detector(driving))


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscriminatorConfig:
    """The patch discriminator; the defaults are vox-adv's."""

    base: int = 32
    widest: int = 512
    blocks: int = 4
    keypoints: int = 10
    """Number of keypoint heatmaps concatenated to the picture; 0 for the picture alone (vox-256)."""
    spectral: bool = False
    """Spectral normalisation of every convolution (vox-256)."""
    scales: tuple[float, ...] = (1.0,)

    def width(self, level: int) -> int:
        return min(self.widest, self.base * 2**level)


class Judged(NamedTuple):
    """Scores of patches (1: real), and the intermediate features, for feature matching."""

    scores: Float[Tensor, "b 1 hp wp"]
    features: list[Tensor]


class PatchDiscriminator(nn.Module):
    """4x4 convolutions without padding; instance norm on all but the first; pooling between all but the last two."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        wrap = spectral_norm if config.spectral else (lambda conv: conv)
        channels = [3 + config.keypoints, *(config.width(i + 1) for i in range(config.blocks))]
        pairs = list(itertools.pairwise(channels))
        self.convs = nn.ModuleList(wrap(nn.Conv2d(before, after, 4)) for before, after in pairs)
        norms = [nn.InstanceNorm2d(after, affine=True) for _, after in pairs[1:]]
        self.norms = nn.ModuleList([nn.Identity(), *norms])
        self.head = wrap(nn.Conv2d(channels[-1], 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Judged:
        features: list[Tensor] = []
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
            x = F.avg_pool2d(x, 2) if conv is not self.convs[-1] else x
            features.append(x)
        return Judged(self.head(x), features)


class Discriminator(nn.Module):
    """One patch discriminator per scale, each given the picture downscaled to it, and the expected keypoints."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.shows_keypoints = config.keypoints > 0
        self.downs = nn.ModuleList(AntiAliasedDownscale(3, scale) for scale in config.scales)
        self.patches = nn.ModuleList(PatchDiscriminator(config) for _ in config.scales)

    def forward(self, image: Float[Tensor, "b 3 h w"], keypoints: Keypoints) -> list[Judged]:
        """The output at each scale; `image` lies in [0, 1]."""
        verdicts = []
        for down, patch in zip(self.downs, self.patches, strict=True):
            x = down(image)
            if self.shows_keypoints:
                x = torch.cat((x, gaussian_heatmaps(keypoints, (x.shape[2], x.shape[3]))), dim=1)
            verdicts.append(patch(x))
        return verdicts
