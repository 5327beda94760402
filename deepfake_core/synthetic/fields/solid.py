"""Soft unions of limbs at image points: depth inside, position on the body at rest, and surface normal."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.fields.pose import Limbs

TINY = 1e-10  # square animal units: the square root of exact zeros is slow on some processors


class Rays(NamedTuple):
    """Points relative to each limb: position along its length, and distance in animal units."""

    held: Float[Tensor, "b k n"]
    past: Float[Tensor, "b k n"]
    beside: Float[Tensor, "b k n"]
    radius: Float[Tensor, "b k n"]
    distance: Float[Tensor, "b k n"]  # to the limb's outline, + outside


class Surface(NamedTuple):
    """A part at n points."""

    inside: Float[Tensor, "b n"]  # distance to the outline in animal units, + inside
    rest: Float[Tensor, "b 2 n"]  # the place in the rest frame
    normal: Float[Tensor, "b 3 n"]  # right, up, to the viewer


def see(part: Limbs, points: Float[Tensor, "b 3 n"], soft: float) -> Surface:
    """The union -soft log sum_k exp(-d_k / soft) of distances; its shares mix places and normals of the limbs.

    Near a limb a point rests at start + along * axis + beside * (axis turned by 90 degrees): the limb's own motion is
    undone, so what is painted in the rest frame moves with the body.
    """
    held, past, beside, radius, distance = _measure(part, points)
    low = distance.amin(1, keepdim=True)
    weight = torch.sub(low, distance, out=distance).mul_(1 / soft).clamp_min_(-30).exp_()
    total = weight.sum(1, keepdim=True)
    inside = (soft * total.log() - low)[:, 0]
    weight /= total
    along = torch.addcmul(past, held, part.rest_length[:, None]).mul_(weight)
    across = beside.mul_(weight)
    rest = _mix(part.start, weight) + _mix(part.rest, along) + _mix(_turned(part.rest), across)
    slope = radius.reciprocal_()
    tilt = _mix(part.along, past.mul_(weight).mul_(slope)) + _mix(_turned(part.along), slope.mul_(across))
    steep = (tilt * tilt).sum(1, keepdim=True)
    tilt = tilt / steep.clamp_min(1).sqrt()
    return Surface(inside, rest, torch.cat((tilt, (1.0001 - steep.clamp_max(1)).sqrt()), 1))


def reach(part: Limbs, points: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b n"]:
    """A cheap upper bound of the distance to the outline of `see`, + outside."""
    return _measure(part, points).distance.amin(1)


def _measure(part: Limbs, points: Float[Tensor, "b 3 n"]) -> Rays:
    """Distances to the limbs, as balls of varying radius swept along them."""
    share, beside = (part.table @ points).split(part.length.shape[1], 1)
    held = share.clamp(0, 1)
    past = (share - held).mul_(part.length[..., None])
    radius = torch.addcmul(part.radius[..., :1], held, part.radius[..., 1:])
    distance = (beside * beside).add_(TINY).addcmul_(past, past).sqrt_().sub_(radius)
    return Rays(held, past, beside, radius, distance)


def _mix(vector: Float[Tensor, "*b k 2"], weight: Float[Tensor, "b k n"]) -> Float[Tensor, "b 2 n"]:
    """Sum over limbs of a vector of each, weighted at every point."""
    return vector.mT @ weight


def _turned(vector: Float[Tensor, "*b k 2"]) -> Float[Tensor, "*b k 2"]:
    """Vectors turned by 90 degrees, counter-clockwise."""
    return torch.stack((-vector[..., 1], vector[..., 0]), -1)
