"""Domain randomisation for the First Order Motion Model (Tobin et al., 2017).

Drawn heads share one style of colours, light and smoothness, and a network trained on nothing else handles nothing
else. Here pairs of frames get other colours, light, noise, blur, and textures that move with the surface; and in some
pairs the face is replaced by a blob cut out of another image, under a simple motion. The truth stays exact, because
every change is a function of the place on the surface, not of the frame. Blobs have no keypoints: `Truth.named` is 0.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.errors import BadRequest
from deepfake_core.motion import Keypoints, coordinate_grid
from deepfake_core.networks.layers import resize_like, warp
from deepfake_core.synthetic.render.sampling import Dice
from train.recipes.fomm.data import Pairs, Truth

Pictures = Float[Tensor, "b 3 h w"]
COARSEST = 3  # cells per side of the coarsest octave of a texture
OBJECT = (0.35, 0.75)  # radius of a blob, grid units
ZOOM = (-0.5, 0.18)  # logarithms of the factors of another framing
HARD = 24.0  # steepness of a blob's edge


@dataclass(frozen=True, kw_only=True, slots=True)
class Randomisation:
    """Shares of the pairs to change, in [0, 1], each drawn independently."""

    colours: float = 0.0
    """Other colours, brightness, contrast and directional light, the same in both frames."""
    textures: float = 0.0
    """Textures that move with the surface."""
    noise: float = 0.0
    blur: float = 0.0
    frames: float = 0.0
    """Another framing of both frames: heads smaller, larger, and out of the middle."""
    objects: float = 0.0
    """A moving blob of one image in front of another, instead of a head."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for a share outside [0, 1]."""
        for name in ("colours", "textures", "noise", "blur", "objects"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadRequest(f"randomisation.{name} must be between 0 and 1, got {getattr(self, name)}")


class Chance(Dice):
    """Random numbers for one batch of pairs."""

    def normal(self, *shape: int) -> Tensor:
        drawn = torch.randn((self.count, *shape), generator=self.generator, device=self.generator.device)
        return drawn.to(self.device)

    def happens(self, share: float) -> Float[Tensor, "b 1 1 1"]:
        """1 with probability `share`, otherwise 0, for each item."""
        return (self.uniform(0.0, 1.0, 1, 1, 1) < share).float()


def randomised(pairs: Pairs, amount: Randomisation, generator: torch.Generator) -> Pairs:
    """Return the pairs with random changes, images still in [0, 1]. Blobs and textures require ground truth."""
    chance = Chance(len(pairs.source), generator, pairs.source.device)
    if amount.frames > 0:
        pairs = reframed(pairs, amount.frames, chance)
    if pairs.truth is not None and amount.objects > 0:
        pairs = with_objects(pairs, pairs.truth, amount.objects, chance)
    frames = [pairs.source, pairs.driving]
    if pairs.truth is not None and amount.textures > 0:
        frames = textured(frames, pairs.truth, amount.textures, chance)
    if amount.colours > 0:
        frames = recoloured(frames, amount.colours, chance)
    if amount.blur > 0:
        frames = blurred(frames, amount.blur, chance)
    if amount.noise > 0:
        strength = chance.happens(amount.noise) * chance.uniform(0.0, 0.04, 1, 1, 1)
        frames = [frame + strength * chance.normal(*frame.shape[1:]) for frame in frames]
    source, driving = (frame.clamp(0, 1) for frame in frames)
    return pairs._replace(source=source, driving=driving)


def spots(chance: Chance, size: int, channels: int) -> Float[Tensor, "b c s s"]:
    """Smooth noise with random weights of its octaves, roughly within [-1, 1]."""
    total = torch.zeros((), device=chance.device)
    weights = chance.uniform(0.0, 1.0, 4, 1, 1, 1)
    for octave in range(4):
        cells = COARSEST * 3**octave
        if cells > size:
            break
        layer = resize_like(chance.normal(channels, cells, cells), (size, size))
        total = total + weights[:, octave] * layer
    return total / (weights.sum(1) + 0.3)


def textured(frames: list[Pictures], truth: Truth, share: float, chance: Chance) -> list[Pictures]:
    """Texture the source, and the driving frame with the same texture, warped by the true flow."""
    source, driving = frames
    size = source.shape[-1]
    strength = chance.happens(share) * chance.uniform(0.1, 0.4, 1, 1, 1)
    texture = spots(chance, size, 3)
    grid = resize_like(truth.flow.permute(0, 3, 1, 2), (size, size)).permute(0, 2, 3, 1)
    carried = F.grid_sample(
        texture, grid, padding_mode="border", align_corners=True
    )  # the convention of the truth's grids
    return [source * (1 + strength * texture), driving * (1 + strength * carried)]


def recoloured(frames: list[Pictures], share: float, chance: Chance) -> list[Pictures]:
    """Mix the channels, change brightness, contrast and gamma, and add a linear light gradient."""
    size = frames[0].shape[-1]
    chosen = chance.happens(share)
    mix = torch.eye(3, device=chance.device) + 0.15 * chance.normal(3, 3).clamp(-2, 2)
    mix = mix / mix.sum(dim=2, keepdim=True).clamp_min(0.3)  # grey stays grey
    gain, lift = chance.uniform(0.6, 1.3, 3, 1, 1), chance.uniform(-0.12, 0.12, 1, 1, 1)
    gamma = chance.uniform(0.7, 1.4, 1, 1, 1)
    line = coordinate_grid(size, size, device=chosen.device)
    slope = (line * chance.uniform(-0.35, 0.35, 1, 1, 2)).sum(dim=3)[:, None]  # (b, 1, s, s)

    def changed(frame: Pictures) -> Pictures:
        mixed = torch.einsum("bij,bjhw->bihw", mix, frame).clamp(1e-3, 1) ** gamma
        return frame + chosen * (mixed * gain * (1 + slope) + lift - frame)

    return [changed(frame) for frame in frames]


def blurred(frames: list[Pictures], share: float, chance: Chance) -> list[Pictures]:
    """Blend with a version downsampled by 2 and upsampled again, as if out of focus or of low resolution."""
    strength = chance.happens(share) * chance.uniform(0.2, 1.0, 1, 1, 1)

    def changed(frame: Pictures) -> Pictures:
        soft = resize_like(F.avg_pool2d(frame, 2), (frame.shape[2], frame.shape[3]))
        return frame + strength * (soft - frame)

    return [changed(frame) for frame in frames]


def with_objects(pairs: Pairs, truth: Truth, share: float, chance: Chance) -> Pairs:
    """Replace some pairs by a blob of another pair's image, shifted, rotated and scaled in front of a third one's."""
    size, small = pairs.source.shape[-1], truth.flow.shape[1]
    chosen = chance.happens(share)
    inside, behind = pairs.driving.roll(1, 0), pairs.source.roll(2, 0)
    radius = chance.uniform(*OBJECT, 1, 1, 1)
    outline = 0.25 * resize_like(chance.normal(1, 5, 5), (size, size))
    distance = coordinate_grid(size, size, device=chosen.device).norm(dim=2)
    blob = ((radius + outline - distance) * HARD).clamp(-30, 30).sigmoid()  # (b, 1, s, s)
    here, there = random_affine(chance), random_affine(chance)
    frames, masks = zip(*(placed(inside, behind, blob, affine) for affine in (here, there)), strict=True)
    flow = between(here, there, small)  # position in the source of the driving frame's blob
    still = coordinate_grid(small, small, device=chosen.device)
    of_source, of_driving = (resize_like(mask, (small, small))[:, 0] for mask in masks)
    on = of_driving > 0.5
    grid = torch.where(on[..., None], flow, still)
    seen = warp(of_source[:, None], grid)[:, 0]
    shown = torch.where(on, seen > 0.5, of_source < 0.5) & (grid.abs() <= 1).all(dim=3)
    here_too = chosen[:, 0] > 0.5  # (b, 1, 1)
    new = truth._replace(
        flow=torch.where(here_too[..., None], grid, truth.flow),
        shown=torch.where(here_too, shown.float(), truth.shown),
        named=truth.named * (1 - chosen[:, 0, 0, 0]),
    )
    source, driving = (old + chosen * (made - old) for old, made in zip(pairs[:2], frames, strict=True))
    return Pairs(source, driving, new)


def reframed(pairs: Pairs, share: float, chance: Chance) -> Pairs:
    """Some pairs as a camera farther away, nearer or aside shows them, both frames alike; the edges are mirrored.

    Place x of a frame goes to f x + t. Of what lies beyond the frame nothing is known.
    """
    truth = pairs.truth
    chosen = chance.happens(share)[:, 0, 0]  # (b, 1)
    factor = (1 + chosen * (chance.uniform(*ZOOM, 1).exp() - 1))[:, None, None]  # (b, 1, 1, 1)
    shift = (chosen * (0.12 * chance.normal(2)).clamp(-0.3, 0.3))[:, None, None]

    def before(size: int) -> Float[Tensor, "b s s 2"]:
        return (coordinate_grid(size, size, device=shift.device) - shift) / factor

    source, driving = (
        F.grid_sample(frame, before(frame.shape[-1]), padding_mode="reflection", align_corners=True)
        for frame in pairs[:2]
    )
    if truth is None:
        return Pairs(source, driving)
    size = truth.flow.shape[1]
    place, still = before(size), coordinate_grid(size, size, device=shift.device)
    movement = F.grid_sample(
        (truth.flow - still).permute(0, 3, 1, 2), place, padding_mode="border", align_corners=True
    ).permute(0, 2, 3, 1)
    flow = factor * (place + movement) + shift
    shown = F.grid_sample(truth.shown[:, None], place, mode="nearest", align_corners=True)[:, 0]  # 0 outside
    here, there = (
        Keypoints(
            factor[:, 0] * one.position + shift[:, 0],
            None if one.jacobian is None else factor * one.jacobian,
        )
        for one in (truth.source, truth.driving)
    )
    shown = shown * (flow.abs() <= 1).all(dim=3)
    return Pairs(source, driving, truth._replace(source=here, driving=there, flow=flow, shown=shown))


def random_affine(chance: Chance) -> Float[Tensor, "b 2 3"]:
    """A random affine map from the image to the blob's own frame: shift, rotation, scale and a little stretch."""
    angle, scale = 0.4 * chance.normal().clamp(-2, 2), 1 + 0.12 * chance.normal().clamp(-2, 2)
    turn = torch.stack((angle.cos(), -angle.sin(), angle.sin(), angle.cos()), dim=1).view(-1, 2, 2)
    stretch = torch.eye(2, device=chance.device) + 0.08 * chance.normal(2, 2).clamp(-2, 2)
    shift = 0.2 * chance.normal(2, 1).clamp(-2, 2)
    return torch.cat((turn @ stretch * scale[:, None, None], shift), dim=2)


def placed(
    inside: Pictures, behind: Pictures, blob: Float[Tensor, "b 1 h w"], affine: Float[Tensor, "b 2 3"]
) -> tuple[Pictures, Float[Tensor, "b 1 h w"]]:
    """Composite the blob of one image over another; return the result and the blob's mask."""
    grid = moved(affine, blob.shape[-1])
    mask = warp(blob, grid)
    return behind + mask * (warp(inside, grid) - behind), mask


def moved(affine: Float[Tensor, "b 2 3"], size: int) -> Float[Tensor, "b s s 2"]:
    """The position of every pixel in the blob's own frame."""
    grid = coordinate_grid(size, size, device=affine.device)
    return torch.einsum("bij,hwj->bhwi", affine[:, :, :2], grid) + affine[:, None, None, :, 2]


def between(here: Float[Tensor, "b 2 3"], there: Float[Tensor, "b 2 3"], size: int) -> Float[Tensor, "b s s 2"]:
    """The position in the first frame of each pixel of the second: here^-1 there."""
    own = moved(there, size) - here[:, None, None, :, 2]
    return torch.einsum("bij,bhwj->bhwi", torch.linalg.inv(here[:, :, :2]), own)
