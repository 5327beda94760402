"""Painted layers, composited by depth with soft edges.

Layer i is visible with the weight alpha_i * prod_j (1 - alpha_j * [j is nearer than i]), where [..] is a soft step, so
the order of the layers does not matter.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from deepfake_core.synthetic.render.brushes import Field
from deepfake_core.synthetic.render.quadrics import basis, cast, union
from deepfake_core.synthetic.render.solids import Layer, Solid

FAR = 50.0  # depth of pixels that a layer's window does not hold
Window = tuple[slice, slice]

LEAST_CHANGE = 20 / 255  # of a pixel's value, averaged over its channels
LEAST_COAT = 0.01  # share of the image; below it, the mean colour of hair or fur is unreliable


class Painted(NamedTuple):
    """A painted layer, ready for compositing."""

    tau: Float[Tensor, "b n"]
    alpha: Float[Tensor, "b n"]
    colour: Float[Tensor, "b 3 n"]
    point: Float[Tensor, "b 3 n"]  # in the layer's frame


def nearness(solid: Solid, layer: Layer, points: Tensor, reach: float) -> Field:
    """Proximity of a layer's surface to another solid: 1 at contact, 0 from a distance of `reach`."""
    rays = cast(solid.shape, solid.pencil, basis(points))
    return (1 - union(rays, layer.hit.tau, solid.blend) * (1 / reach)).clamp(0, 1)


def show(
    tau: Float[Tensor, "b l n"], alpha: Float[Tensor, "b l n"], soft: Float[Tensor, "b 1"]
) -> Float[Tensor, "b l n"]:
    """The visible share of each layer at each point."""
    weight = []
    for i in range(tau.shape[1]):
        nearer = ((tau[:, i : i + 1] - tau) / soft[:, None] + 0.5).clamp(0, 1)
        hidden = 1 - alpha * nearer
        hidden[:, i] = 1
        weight.append(alpha[:, i] * hidden.prod(1))
    return torch.stack(weight, 1)


def lay_over(
    picture: Float[Tensor, "b 3 h w"], layers: list[tuple[Window, Painted]], soft: Float[Tensor, "b 1"]
) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b l h w"]]:
    """Composite painted windows over a background by depth; also return the visible share of each layer."""
    count, size = len(picture), picture.shape[-1]
    tau = picture.new_full((count, len(layers), size, size), FAR)
    alpha = picture.new_zeros(count, len(layers), size, size)
    for i, ((rows, columns), painted) in enumerate(layers):
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        tau[:, i, rows, columns] = painted.tau.unflatten(-1, shape)
        alpha[:, i, rows, columns] = painted.alpha.unflatten(-1, shape)
    weight = show(tau.flatten(2), alpha.flatten(2), soft).unflatten(-1, (size, size))
    picture = picture * (1 - weight.sum(1, keepdim=True)).clamp_min(0)
    for i, ((rows, columns), painted) in enumerate(layers):
        share = weight[:, i : i + 1, rows, columns]
        picture[:, :, rows, columns] += share * painted.colour.unflatten(-1, share.shape[2:])
    return picture, weight


def window_of(box: list[float], size: int) -> Window:
    """The pixels of a box (left, right, top, bottom), rounded outwards; never empty."""
    left, right, top, bottom = (int(edge) for edge in box)
    rows = slice(min(max(top - 1, 0), size - 1), max(min(bottom + 3, size), 1))
    columns = slice(min(max(left - 1, 0), size - 1), max(min(right + 3, size), 1))
    return rows, columns


def finish(colour: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Tone mapping: compress highlights softly, then clamp to [0, 1]."""
    high = (colour - 0.8).clamp_min(0)
    return (colour.clamp_max(0.8) + high / (1 + 2.5 * high)).clamp(0, 1)


def coat_of(image: Float[Tensor, "b 3 h w"], recoloured: Float[Tensor, "b 3 h w"]) -> Bool[Tensor, "b h w"]:
    """Mask of hair or fur: where two drawings in [0, 1], which differ in its colour alone, differ."""
    return (image - recoloured).abs().mean(dim=1) > LEAST_CHANGE
