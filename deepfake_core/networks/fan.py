"""The face alignment network of "Adaptive Wing Loss for Robust Face Alignment" (Wang, Bo & Fuxin, ICCV 2019).

One hourglass (Bulat & Tzimiropoulos, ICCV 2017) with coordinate channels (CoordConv, Liu et al., 2018) predicts a
heatmap for each of the 98 landmarks of WFLW. StarGAN v2 computes two masks from them, which select the edges of the
face to keep, and aligns pictures by them.

Pictures are RGB in [-1, 1] (the network itself sees [0, 1]); landmarks are in pixels, x first, the centre of the first
pixel at 0.5. The order of the landmarks: outline 0-32, brows 33-50, nose 51-59, eyes 60-75, lips 76-95, pupils 96-97.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from deepfake_core.motion import coordinate_grid
from deepfake_core.networks.layers import Masks, resize_like

SIDE = 256  # side in pixels of the training pictures and of the masks
LEVELS = 4  # downsamplings of the hourglass
QUIET = 0.1  # heatmap values below this are ignored


@dataclass(frozen=True, kw_only=True, slots=True)
class FanConfig:
    """One architecture; the defaults are the published one's."""

    landmarks: int = 98
    """Number of landmark heatmaps; the network predicts one more, of the outlines, which is not used."""
    channels: int = 256
    """Channels of the hourglass."""

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "FanConfig":
        """The config from its `dataclasses.asdict` form, as stored in weights files."""
        return cls(**fields)


CONFIGS = {"fan-wing": FanConfig()}


class CoordinateConv(nn.Module):
    """A convolution with additional input channels: row and column in [-1, 1], and distance from the centre."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before + 3, after, kernel, stride=stride, padding=kernel // 2)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d hs ws"]:
        column, row = coordinate_grid(x.shape[2], x.shape[3], device=x.device).unbind(dim=-1)
        distance = (row.square() + column.square()).sqrt()
        place = torch.stack((row, column, distance / distance.max())).to(x.dtype)
        return self.conv(torch.cat((x, place.expand(len(x), -1, -1, -1)), dim=1))


class HierarchicalBlock(nn.Module):
    """Three successive 3x3 convolutions with concatenated outputs, plus a shortcut (Bulat & Tzimiropoulos)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        widths = (before, after // 2, after // 4, after // 4)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[:3])
        self.convs = nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], 3, padding=1, bias=False) for i in range(3))
        self.shortcut: nn.Module = nn.Identity()
        if before != after:
            conv = nn.Conv2d(before, after, 1, bias=False)
            self.shortcut = nn.Sequential(nn.BatchNorm2d(before), nn.ReLU(), conv)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        outputs, inner = [], x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            inner = conv(F.relu(norm(inner)))
            outputs.append(inner)
        return torch.cat(outputs, dim=1) + self.shortcut(x)


class Hourglass(nn.Module):
    """Downsample four times, upsample four times, and add the earlier features at each resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.place = CoordinateConv(channels, channels, kernel=1)
        self.skip, self.down, self.up = (self.blocks(channels) for _ in range(3))
        self.bottom = HierarchicalBlock(channels, channels)

    def blocks(self, channels: int) -> nn.ModuleDict:
        """One block for each level; the highest level is the largest picture, as in the published files."""
        return nn.ModuleDict({str(level): HierarchicalBlock(channels, channels) for level in range(1, LEVELS + 1)})

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return self.level(LEVELS, self.place(x))

    def level(self, level: int, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The hourglass from `level` down."""
        name = str(level)
        small = self.down[name](F.avg_pool2d(x, 2))
        small = self.level(level - 1, small) if level > 1 else self.bottom(small)
        return self.skip[name](x) + F.interpolate(self.up[name](small), scale_factor=2.0, mode="nearest")


class FaceAlignmentNetwork(nn.Module):
    """Predicts heatmaps of landmarks, and the masks and landmarks that StarGAN v2 derives from them."""

    def __init__(self, config: FanConfig) -> None:
        super().__init__()
        self.config, channels = config, config.channels
        self.first = CoordinateConv(3, channels // 4, kernel=7, stride=2)
        self.first_norm = nn.BatchNorm2d(channels // 4)
        widths = ((channels // 4, channels // 2), (channels // 2, channels // 2), (channels // 2, channels))
        self.early = nn.ModuleList(HierarchicalBlock(before, after) for before, after in widths)
        self.hourglass = Hourglass(channels)
        self.late = HierarchicalBlock(channels, channels)
        self.mix = nn.Conv2d(channels, channels, 1)
        self.mix_norm = nn.BatchNorm2d(channels)
        self.paint = nn.Conv2d(channels, config.landmarks + 1, 1)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k h4 w4"]:
        """Heatmaps (about 0 to 1) at a quarter of the size, that of the outlines last; `image` is in [0, 1]."""
        first, second, third = self.early
        x = F.relu(self.first_norm(self.first(image)))
        x = third(second(F.avg_pool2d(first(x), 2)))
        x = self.late(self.hourglass(x))
        return self.paint(F.relu(self.mix_norm(self.mix(x))))

    def heatmaps(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n 64 64"]:
        """The landmarks' heatmaps of pictures in [-1, 1] of any size."""
        return self(resize_like(image, (SIDE, SIDE)) * 0.5 + 0.5)[:, : self.config.landmarks]

    def masks(self, image: Float[Tensor, "b 3 h w"]) -> Masks:
        """Masks, at 256 pixels, of the facial edges to keep in pictures in [-1, 1]."""
        small = self.heatmaps(image)
        return masks_of(F.interpolate(small, size=(SIDE, SIDE), mode="bilinear", align_corners=True))

    def landmarks(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n 2"]:
        """The landmarks of pictures in [-1, 1], in pixels of these pictures."""
        heatmaps = self.heatmaps(image)
        scale = image.new_tensor((image.shape[3], image.shape[2])) / heatmaps.shape[-1]
        return peaks(heatmaps) * scale


def peaks(heatmaps: Float[Tensor, "b n s s"]) -> Float[Tensor, "b n 2"]:
    """The maximum of each heatmap, shifted by a quarter of a pixel towards the larger neighbour in x and in y."""
    side = heatmaps.shape[-1]
    best = heatmaps.flatten(2).argmax(dim=2)
    x, y = best % side, best // side
    inside = (x > 0) & (x < side - 1) & (y > 0) & (y < side - 1)
    batch, name = (torch.arange(count, device=best.device) for count in best.shape)

    def at(dx: int, dy: int) -> Float[Tensor, "b n"]:
        across, down = ((place + shift).clamp(0, side - 1) for place, shift in ((x, dx), (y, dy)))
        return heatmaps[batch[:, None], name, down, across]

    slope = torch.stack((at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)), dim=-1)
    return torch.stack((x, y), dim=-1) + 0.5 + 0.25 * slope.sign() * inside[..., None]


LEFT_EYE, RIGHT_EYE = (*range(60, 68), 96), (*range(68, 76), 97)
LEFT_MOUTH, RIGHT_MOUTH = 76, 82  # the corners


def face_axis(landmarks: Float[Tensor, "98 2"]) -> Float[Tensor, "2"]:
    """Unit vector of the face's horizontal axis: from eye to eye, and perpendicular to the line from eyes to mouth
    (Karras et al., 2018, Progressive Growing of GANs, appendix C)."""
    left, right = landmarks[list(LEFT_EYE)].mean(dim=0), landmarks[list(RIGHT_EYE)].mean(dim=0)
    down = (landmarks[LEFT_MOUTH] + landmarks[RIGHT_MOUTH] - left - right) / 2
    axis = right - left + torch.stack((down[1], -down[0]))
    return axis / axis.norm()


def alignment(landmarks: Float[Tensor, "98 2"], reference: Float[Tensor, "98 2"]) -> Float[Tensor, "3 3"]:
    """The similarity transform that aligns a face with the reference face: x' = matrix @ (x, y, 1), in pixels.

    It maps the centre of mass and the axis to those of the reference, and scales by the mean ratio of the distances of
    pupils and mouth corners from the centre. The reference of CelebA-HQ is `mean` in celeba_lm_mean.npz.
    """
    landmarks, reference = landmarks.double(), reference.double()
    centre, wanted = landmarks.mean(dim=0), reference.mean(dim=0)
    anchors = [LEFT_EYE[-1], RIGHT_EYE[-1], LEFT_MOUTH, RIGHT_MOUTH]
    scale = ((reference - wanted)[anchors].norm(dim=1) / (landmarks - centre)[anchors].norm(dim=1)).mean()
    (ax, ay), (bx, by) = face_axis(landmarks), face_axis(reference)
    cosine, sine = ax * bx + ay * by, ax * by - ay * bx
    turn = scale * torch.stack((cosine, -sine, sine, cosine)).view(2, 2)
    last = landmarks.new_tensor([[0.0, 0.0, 1.0]])
    return torch.cat((torch.cat((turn, (wanted - turn @ centre)[:, None]), dim=1), last)).float()


class Part(NamedTuple):
    """Contribution of some landmarks to the masks."""

    first: int
    last: int
    up: int = 0
    """Pixels of 256 by which the heatmaps are shifted up, so that the mask covers the part and not its outline."""
    power: int = 1
    """Exponent applied to the heatmaps; a higher one makes the spots smaller."""
    fine: bool = True
    """Whether the part is included in the fine mask too."""


PARTS = (
    Part(8, 24, power=3, fine=False),  # chin; the rest of the outline is in no mask
    Part(34, 45, up=-7, power=2, fine=False),  # brows, without the corners 33 and 46
    Part(47, 50, up=-7, power=2, fine=False),
    Part(51, 51),  # bridge of the nose
    Part(52, 54, up=4),
    Part(55, 59, up=8, power=4),  # nostrils
    Part(60, 75, up=-8, power=3),  # eyes
    Part(60, 75, up=-24),  # and below them
    Part(77, 81, up=-8, power=4, fine=False),  # upper lip, without the corners 76 and 82
    Part(83, 87, up=8, power=4, fine=False),  # lower lip
    Part(88, 95, up=-2, power=3, fine=False),  # mouth
    Part(96, 97),  # pupils
)


def masks_of(heatmaps: Float[Tensor, "b 98 h w"]) -> Masks:
    """The two masks of StarGAN v2 (appendix): sums of the heatmaps of the parts of a face, rescaled to [0, 1]."""
    loud = torch.where(heatmaps < QUIET, 0.0, heatmaps)
    low, high = loud.amin(dim=(2, 3), keepdim=True), loud.amax(dim=(2, 3), keepdim=True)
    spots = (loud - low) / (high - low + 1e-6)
    coarse = fine = torch.zeros_like(spots[:, :1])
    for part in PARTS:
        spot = spots[:, part.first : part.last + 1].pow(part.power).sum(dim=1, keepdim=True)
        moved = spot.roll(-part.up, dims=2)  # wraps around from top to bottom, as in the original
        coarse = coarse + moved
        fine = fine + moved if part.fine else fine
    return Masks(coarse.clamp(0, 1), fine.clamp(0, 1))
