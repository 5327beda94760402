"""Keypoints and what happens to them between the driving clip and the generator: pure functions.

A keypoint is a place in the picture with, optionally, the 2x2 Jacobian of the map from an abstract reference frame R
to the picture at that place (First Order Motion Model, Siarohin et al., NeurIPS 2019, arXiv:2003.00196, section 3.1).
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
"""Distance, in units of half the picture, below which a movement counts as noise: 1.3 pixels of 256."""


class Keypoints(NamedTuple):
    """`b` frames of `k` keypoints each."""

    position: Float[Tensor, "b k 2"]
    """(x, y) in [-1, 1]."""
    jacobian: Float[Tensor, "b k 2 2"] | None = None
    """Derivative of the map from R to the frame at each keypoint; None in a model that moves by shifts alone."""


def coordinate_grid(
    height: int, width: int, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "h w 2"]:
    """The (x, y) of every pixel centre in [-1, 1]: the sampling grid that changes nothing."""
    ys = torch.linspace(-1, 1, height, device=device, dtype=dtype)
    xs = torch.linspace(-1, 1, width, device=device, dtype=dtype)
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack((x, y), dim=-1)


@dataclass(frozen=True, slots=True)
class RelativeMotion:
    """Move the source as the driver moved since the initial frame; the two need not look alike."""

    adapt_scale: bool = True
    """Scale the movement by the ratio of the two faces' sizes, so that a small face makes small movements."""


@dataclass(frozen=True, slots=True)
class AbsoluteMotion:
    """Put the source's keypoints exactly where the driver's are; the driver's face shape comes along."""


Transfer = RelativeMotion | AbsoluteMotion


def transfer_motion(
    source: Keypoints,
    driving: Keypoints,
    initial: Keypoints,
    transfer: Transfer,
    scale: float | None = None,
) -> Keypoints:
    """Return the keypoints that the animated source shall have: one row for each of the `b` driving frames.

    Absolute motion hands `driving` on. Relative motion (section 3.4, "relative motion transfer") carries the source by

        position = source + scale * (driving - initial)
        jacobian = (J_driving J_initial^-1) J_source

    `source` and `initial` hold one frame each. `scale` is what `scale_of_movement` gave, so that a long clip computes
    it once; None computes it here. It plays no part unless `transfer.adapt_scale`.
    """
    if isinstance(transfer, AbsoluteMotion):
        return driving
    if not transfer.adapt_scale:
        scale = 1.0
    elif scale is None:
        scale = scale_of_movement(source, initial)
    position = source.position + scale * (driving.position - initial.position)
    if source.jacobian is None or driving.jacobian is None or initial.jacobian is None:
        return Keypoints(position)
    change = driving.jacobian @ torch.linalg.inv(initial.jacobian)
    return Keypoints(position, change @ source.jacobian)


def scale_of_movement(source: Keypoints, initial: Keypoints) -> float:
    """Return sqrt(area of the source) / sqrt(area of the initial driving frame), areas of the keypoints' convex hulls.

    The square root makes it a ratio of lengths, which movements are. Without an area on either side it is 1.
    """
    source_area, initial_area = (convex_hull_area(keypoints.position[0]) for keypoints in (source, initial))
    if source_area <= 0 or initial_area <= 0:
        return 1.0
    return float((source_area / initial_area) ** 0.5)


def convex_hull_area(points: Float[Tensor, "k 2"]) -> float:
    """Return the area of the convex hull of `points`, 0 when they all lie on one line.

    The hull is Andrew's monotone chain (1979): sweep the sorted points and drop each one that makes no left turn.
    Its area is the shoelace formula.
    """
    ordered = sorted({(x, y) for x, y in points.double().tolist()})
    hull = _chain(ordered)[:-1] + _chain(ordered[::-1])[:-1]  # each chain's last point starts the other one
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
    """Return `current` drawn towards `previous`, the last smoothed keypoints; None starts a stream.

    An exponential filter whose weight falls with the distance d that a keypoint moved, so that jitter is calmed while
    real movement passes almost undelayed (the idea of the 1-euro filter, Casiez et al., CHI 2012):

        weight = strength / (1 + d / JITTER),     smoothed = weight * previous + (1 - weight) * current

    `strength` 0 changes nothing, 1 calms most. Causal: only the past is used. Raises `BadRequest` outside [0, 1].
    """
    if not 0.0 <= strength <= 1.0:
        raise BadRequest(f"a smoothing strength of {strength} makes no sense; choose one from 0 (none) to 1 (most)")
    if previous is None or strength == 0.0:
        return current
    moved = torch.linalg.vector_norm(current.position - previous.position, dim=-1, keepdim=True)  # b k 1
    weight = strength / (1.0 + moved / JITTER)
    position = torch.lerp(current.position, previous.position, weight)
    if current.jacobian is None or previous.jacobian is None:
        return Keypoints(position, current.jacobian)
    return Keypoints(position, torch.lerp(current.jacobian, previous.jacobian, weight[..., None]))


def smooth_batch(previous: Keypoints | None, batch: Keypoints, strength: float) -> Keypoints:
    """Return `batch`, whose rows are consecutive frames, smoothed row after row with `smooth`.

    Its last row, `frame_at(result, -1)`, is the `previous` of the next batch.
    """
    rows: list[Keypoints] = []
    for index in range(len(batch.position)):
        previous = smooth(previous, frame_at(batch, index), strength)
        rows.append(previous)
    jacobians = [row.jacobian for row in rows if row.jacobian is not None]
    return Keypoints(torch.cat([row.position for row in rows]), torch.cat(jacobians) if jacobians else None)


def apply(change: Callable[[Tensor], Tensor], keypoints: Keypoints) -> Keypoints:
    """Return keypoints whose position and Jacobian went through `change`, such as a move to another device."""
    jacobian = None if keypoints.jacobian is None else change(keypoints.jacobian)
    return Keypoints(change(keypoints.position), jacobian)


def joined(parts: Sequence[Keypoints]) -> Keypoints:
    """Return the frames of several batches as one batch."""
    jacobians = [part.jacobian for part in parts if part.jacobian is not None]
    return Keypoints(torch.cat([part.position for part in parts]), torch.cat(jacobians) if jacobians else None)


def frame_at(batch: Keypoints, row: int) -> Keypoints:
    """Return one of the batch's frames as a batch of one."""
    return apply(lambda part: part[row, None], batch)


def best_frame(source_landmarks: Float[Tensor, "k 2"], driving_landmarks: Iterable[Float[Tensor, "k 2"]]) -> int:
    """Return the index of the driving frame whose pose is nearest to the source's, to start relative motion from.

    Nearest is the least squared distance between landmarks that are centred and divided by the square root of their
    hull's area, so that place and size in the picture play no part. The frames may be a stream; `BadRequest` is raised
    when there is none.
    """
    target = _normalised(source_landmarks)
    distances = (float((_normalised(landmarks) - target).square().sum()) for landmarks in driving_landmarks)
    best = min(enumerate(distances), key=lambda indexed: indexed[1], default=None)
    if best is None:
        raise BadRequest("the driving clip holds no frame to start from; choose another clip")
    return best[0]


def _normalised(landmarks: Float[Tensor, "k 2"]) -> Float[Tensor, "k 2"]:
    """Centre the landmarks and divide them by the square root of their hull's area, where it has one."""
    area = convex_hull_area(landmarks)
    return (landmarks - landmarks.mean(dim=0)) / (area**0.5 if area > 0 else 1.0)
