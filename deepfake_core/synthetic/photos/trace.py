"""Which point of a relief each pixel shows: points strewn densely, the nearest kept, then placed exactly."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from deepfake_core.motion import coordinate_grid

Carry = Callable[[Float[Tensor, "1 n 2"], Float[Tensor, "1 n"]], tuple[Float[Tensor, "1 n 2"], Float[Tensor, "1 n"]]]
"""(grid points of the portrait, side: 1 front, -1 back) -> (where they stand in the picture, how near)."""
DENSE = 2  # points strewn a pixel and side
NEAREST = 1 << 20  # steps of depth in a sort key
FAR = -9.0  # nearness of nothing
APART = 0.12  # world units between two surfaces
MOST = 5  # of eight neighbours
DELTA = 2e-3  # grid units: over which slopes are taken


class Cloud(NamedTuple):
    """The points of one person that are strewn."""

    point: Float[Tensor, "1 n 2"]
    side: Float[Tensor, "1 n"]


class Trace(NamedTuple):
    """For every pixel of a picture the point of the portrait that it shows."""

    point: Float[Tensor, "b s s 2"]  # in the portrait's grid
    side: Float[Tensor, "b s s"]  # 1 front, -1 back
    near: Float[Tensor, "b s s"]
    hit: Bool[Tensor, "b s s"]


def strew(matte: Float[Tensor, "1 c c"], rim: Bool[Tensor, "1 c c"], reach: float) -> Cloud:
    """Points wherever the matte is, on the front, and where the rim is, on the back as well."""
    dense = matte.shape[-1] * DENSE
    grid = (coordinate_grid(dense, dense, device=matte.device) * reach).flatten(0, 1)
    front, back = (
        F.interpolate(x[None].float(), size=(dense, dense), mode="bilinear", align_corners=True).flatten() > 0.5
        for x in (matte, rim)
    )
    front, back = grid[front], grid[back & front]
    sides = torch.cat((torch.ones(len(front)), -torch.ones(len(back)))).to(matte.device)
    return Cloud(torch.cat((front, back))[None], sides[None])


def trace(carry: Carry, cloud: Cloud, places: tuple[Float[Tensor, "1 n 2"], Float[Tensor, "1 n"]], size: int) -> Trace:
    """Find the points that the pixels of a picture show; `places` is where the cloud's points stand."""
    chosen = nearest(*places, size)
    hit = chosen >= 0
    number = chosen.clamp_min(0)
    point = cloud.point.gather(1, number[..., None].expand(-1, -1, 2))
    side = cloud.side.gather(1, number)
    there, near = (places[0].gather(1, number[..., None].expand(-1, -1, 2)), places[1].gather(1, number))
    steps = point.new_tensor(((DELTA, 0.0), (0.0, DELTA)))
    slopes = torch.stack([(carry(point + step, side)[0] - there) / DELTA for step in steps], -1)
    target = coordinate_grid(size, size, device=point.device).flatten(0, 1)
    point = point + (inverse(slopes) @ (target - there)[..., None])[..., 0].clamp(-0.012, 0.012)
    shape = (size, size)
    return Trace(point.unflatten(1, shape), side.unflatten(1, shape), near.unflatten(1, shape), hit.unflatten(1, shape))


def nearest(place: Float[Tensor, "b m 2"], near: Float[Tensor, "b m"], size: int) -> Int[Tensor, "b p"]:
    """For every pixel the number of the nearest point that falls into it; -1: none."""
    pixel = ((place + 1) * (0.5 * (size - 1))).round().long()
    inside = (pixel >= 0).all(-1) & (pixel < size).all(-1)
    cell = (pixel[..., 1] * size + pixel[..., 0]).where(inside, size * size)
    depth = ((1 - near / 4).clamp(0, 2) * (NEAREST / 4)).long()
    number = torch.arange(place.shape[1], device=place.device)
    key = (depth << 32) | number
    empty = torch.iinfo(torch.int64).max
    table = torch.full((len(place), size * size + 1), empty, device=place.device, dtype=torch.int64)
    table = table.scatter_reduce(1, cell, key.expand(len(place), -1), "amin")[:, :-1]
    return (table & 0xFFFFFFFF).where(table < empty, -1)


def inverse(matrix: Float[Tensor, "b n 2 2"]) -> Float[Tensor, "b n 2 2"]:
    """Inverses of matrices; where a surface is seen edge on, as large as those of a steep one."""
    (a, b), (c, d) = matrix[..., 0, :].unbind(-1), matrix[..., 1, :].unbind(-1)
    area = a * d - b * c
    area = torch.where(area.abs() < 0.05, torch.where(area < 0, -0.05, 0.05), area)
    rows = torch.stack((torch.stack((d, -b), -1), torch.stack((-c, a), -1)), -2)
    return rows / area[..., None, None]


def mended(found: Trace) -> Trace:
    """Pixels that show nothing, or something far behind, while most of their neighbours show one surface, join it.

    Where a surface is stretched, its points are strewn too thinly to hide what is behind.
    """
    parts = torch.cat((found.point.permute(0, 3, 1, 2), found.side[:, None]), 1)
    depth = found.near.where(found.hit, FAR)[:, None]
    window = F.unfold(F.pad(depth, (1, 1, 1, 1), value=FAR), 3).unflatten(2, depth.shape[2:])  # (b, 9, s, s)
    before = (window > depth + APART).float()
    count = before.sum(1, keepdim=True)
    gap = count >= MOST

    def mean(x: Tensor) -> Tensor:
        around = F.unfold(F.pad(x, (1, 1, 1, 1)), 3).unflatten(1, (x.shape[1], 9)).unflatten(3, x.shape[2:])
        return (around * before[:, None]).sum(2) / count.clamp_min(1)

    parts, near = torch.where(gap, mean(parts), parts), torch.where(gap, mean(depth), depth)[:, 0]
    side = torch.where(parts[:, 2] < 0, -1.0, 1.0)
    return Trace(parts[:, :2].permute(0, 2, 3, 1), side, near, found.hit | gap[:, 0])
