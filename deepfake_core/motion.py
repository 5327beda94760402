"""Keypoints and their transfer from the driving clip to the source: pure functions.

A keypoint is a point in the picture with, optionally, the 2x2 Jacobian of the map from an abstract reference frame R
to the picture at that point (First Order Motion Model, Siarohin et al., NeurIPS 2019, arXiv:2003.00196, section 3.1).
Positions are (x, y) in [-1, 1], where -1 and 1 are the centres of the outer pixels.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.errors import BadRequest

JITTER = 0.01
"""Distance, in units of half the picture, below which motion is mostly noise: 1.3 pixels of 256."""
STRONGEST = 2.0
"""More tears faces apart."""


class Keypoints(NamedTuple):
    """`b` frames of `k` keypoints each."""

    position: Float[Tensor, "b k 2"]
    """(x, y) in [-1, 1]."""
    jacobian: Float[Tensor, "b k 2 2"] | None = None
    """Derivative of the map from R to the frame at each keypoint; None in a model with translations only."""


def coordinate_grid(
    height: int, width: int, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "h w 2"]:
    """The (x, y) of every pixel centre in [-1, 1]: the identity sampling grid."""
    ys = torch.linspace(-1, 1, height, device=device, dtype=dtype)
    xs = torch.linspace(-1, 1, width, device=device, dtype=dtype)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack((x, y), dim=-1)


@dataclass(frozen=True, slots=True)
class RelativeMotion:
    """Apply the driver's motion since the initial frame to the source; the two need not look alike."""

    adapt_scale: bool = True
    """Scale the motion by the ratio of the sizes of the two faces."""
    strength: float = 1.0
    """0 holds the source still, 1 is the paper's motion, 2 exaggerates it twofold. Not in the paper."""

    def __post_init__(self) -> None:
        """Raise `BadRequest` for a strength out of range."""
        if not 0.0 <= self.strength <= STRONGEST:
            raise BadRequest(f"strength must be between 0 (still) and {STRONGEST:g}, got {self.strength}")


@dataclass(frozen=True, slots=True)
class AbsoluteMotion:
    """Replace the source's keypoints by the driver's, which also transfers the shape of the driver's face."""


Transfer = RelativeMotion | AbsoluteMotion


def transfer_motion(
    source: Keypoints,
    driving: Keypoints,
    initial: Keypoints,
    transfer: Transfer,
    scale: float | None = None,
) -> Keypoints:
    """Return the keypoints of the animated source: one row for each of the `b` driving frames.

    Absolute motion returns `driving`. Relative motion (section 3.4, "relative motion transfer") is

        position = source + scale * (driving - initial)
        jacobian = (J_driving J_initial^-1) J_source

    for a `strength` s of 1; for others the difference of positions is multiplied by s, and the change of Jacobians
    C = J_driving J_initial^-1 is replaced by I + s (C - I).

    `source` and `initial` hold one frame each. `scale` is what `scale_of_movement` gave, so that a long clip computes
    it once; None computes it here. It plays no part unless `transfer.adapt_scale`.
    """
    if isinstance(transfer, AbsoluteMotion):
        return driving
    if not transfer.adapt_scale:
        scale = 1.0
    elif scale is None:
        scale = scale_of_movement(source, initial)
    strength = transfer.strength
    position = source.position + strength * scale * (driving.position - initial.position)
    if source.jacobian is None or driving.jacobian is None or initial.jacobian is None:
        return Keypoints(position)
    change = driving.jacobian @ torch.linalg.inv(initial.jacobian)
    if strength != 1.0:
        change = torch.lerp(torch.eye(2, device=change.device, dtype=change.dtype).expand_as(change), change, strength)
    return Keypoints(position, change @ source.jacobian)


def scale_of_movement(source: Keypoints, initial: Keypoints) -> float:
    """Return sqrt(area of the source) / sqrt(area of the initial driving frame), areas of the keypoints' convex hulls.

    The square root makes it a ratio of lengths. It is 1 if either area is 0.
    """
    source_area, initial_area = (convex_hull_area(keypoints.position[0]) for keypoints in (source, initial))
    if source_area <= 0 or initial_area <= 0:
        return 1.0
    return float((source_area / initial_area) ** 0.5)


def convex_hull_area(points: Float[Tensor, "k 2"]) -> float:
    """Return the area of the convex hull of `points`, 0 when all lie on one line.

    The hull is Andrew's monotone chain (1979): sweep the sorted points and drop each one that makes no left turn.
    Its area is the shoelace formula.
    """
    ordered = sorted({(x, y) for x, y in points.tolist()})
    hull = _chain(ordered)[:-1] + _chain(ordered[::-1])[:-1]  # each chain's last point is the other's first
    following = hull[1:] + hull[:1]
    return 0.5 * abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(hull, following, strict=True)))


def _chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points of one half of the hull, from the first to the last of the sorted points."""
    chain: list[tuple[float, float]] = []
    for x, y in ordered:
        while len(chain) >= 2:
            (x0, y0), (x1, y1) = chain[-2:]
            if (x1 - x0) * (y - y0) > (y1 - y0) * (x - x0):
                break
            chain.pop()
        chain.append((x, y))
    return chain


def smooth(previous: Keypoints | None, current: Keypoints, strength: float) -> Keypoints:
    """Return `current` moved towards `previous`, the last smoothed keypoints; None starts a stream.

    An exponential filter whose weight decreases with the distance d that a keypoint moved, so that jitter is reduced
    while real motion is hardly delayed (the idea of the 1-euro filter, Casiez et al., CHI 2012):

        weight = strength / (1 + d / JITTER),     smoothed = weight * previous + (1 - weight) * current

    `strength` 0 is no smoothing, 1 the most. Causal: only the past is used. Raises `BadRequest` outside [0, 1].
    """
    if not 0.0 <= strength <= 1.0:
        raise BadRequest(f"smoothing strength must be between 0 (none) and 1 (most), got {strength}")
    if previous is None or strength == 0.0:
        return current
    moved = torch.linalg.vector_norm(current.position - previous.position, dim=-1, keepdim=True)  # b k 1
    weight = strength / (1.0 + moved / JITTER)
    position = torch.lerp(current.position, previous.position, weight)
    if current.jacobian is None or previous.jacobian is None:
        return Keypoints(position, current.jacobian)
    return Keypoints(position, torch.lerp(current.jacobian, previous.jacobian, weight[..., None]))


def smooth_batch(previous: Keypoints | None, batch: Keypoints, strength: float) -> Keypoints:
    """Return `batch`, whose rows are consecutive frames, smoothed row by row with `smooth`.

    Its last row, `frame_at(result, -1)`, is the `previous` of the next batch.
    """
    rows: list[Keypoints] = []
    for index in range(len(batch.position)):
        previous = smooth(previous, frame_at(batch, index), strength)
        rows.append(previous)
    jacobians = [row.jacobian for row in rows if row.jacobian is not None]
    return Keypoints(torch.cat([row.position for row in rows]), torch.cat(jacobians) if jacobians else None)


def apply(change: Callable[[Tensor], Tensor], keypoints: Keypoints) -> Keypoints:
    """Return the keypoints with `change` applied to position and Jacobian, such as a move to another device."""
    jacobian = None if keypoints.jacobian is None else change(keypoints.jacobian)
    return Keypoints(change(keypoints.position), jacobian)


def joined(parts: Sequence[Keypoints]) -> Keypoints:
    """Return the frames of several batches as one batch."""
    jacobians = [part.jacobian for part in parts if part.jacobian is not None]
    return Keypoints(torch.cat([part.position for part in parts]), torch.cat(jacobians) if jacobians else None)


def frame_at(batch: Keypoints, row: int) -> Keypoints:
    """Return one of the batch's frames as a batch of one."""
    return apply(lambda part: part[row, None], batch)


def rows_of(batch: Keypoints, first: int, last: int) -> Keypoints:
    """Return the batch's frames from `first` to before `last`."""
    return apply(lambda part: part[first:last], batch)


def best_frame(source_landmarks: Float[Tensor, "k 2"], driving_landmarks: Iterable[Float[Tensor, "k 2"]]) -> int:
    """Return the index of the driving frame whose pose is closest to the source's, as the start of relative motion.

    Closest is the least squared distance between landmarks that are centred and divided by the square root of the area
    of their hull, which makes it independent of position and size. The frames may be a stream. Raises `BadRequest` when
    there are none.
    """
    target = _normalised(source_landmarks)
    distances = (float((_normalised(landmarks) - target).square().sum()) for landmarks in driving_landmarks)
    best = min(enumerate(distances), key=lambda indexed: indexed[1], default=None)
    if best is None:
        raise BadRequest("the driving clip has no frames; choose another clip")
    return best[0]


def _normalised(landmarks: Float[Tensor, "k 2"]) -> Float[Tensor, "k 2"]:
    """Centre the landmarks and divide them by the square root of the area of their hull, unless it is 0."""
    area = convex_hull_area(landmarks)
    return (landmarks - landmarks.mean(dim=0)) / (area**0.5 if area > 0 else 1.0)
