"""Pairs of drawn heads with ground truth: rendered once into a cache (CPU), or anew for every step (GPU).

Drawing a head at 256 pixels takes about as long as a training step of a small network on it. Among m states of a head,
every ordered pair is a source and a driving frame, also when mirrored, so a few images give many pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from deepfake_core.errors import BadRequest
from deepfake_core.motion import Keypoints
from deepfake_core.networks.fomm import FommConfig
from deepfake_core.pixels import from_unit, to_unit
from deepfake_core.synthetic.heads import KEYPOINT_LANDMARKS, LANDMARKS, Drawing, draw
from deepfake_core.synthetic.heads.flow import flow
from deepfake_core.synthetic.heads.identity import sample_identity
from deepfake_core.synthetic.photos.puppet import Puppet
from deepfake_core.synthetic.render.pose import sample_state
from train.common.render_cache import render_cache
from train.recipes.fomm.data import Pairs, Truth

FEATURES = (
    "left eye",
    "right eye",
    "left mouth corner",
    "right mouth corner",
    "lower lip",
    "upper lip",
)  # what viewers look at
TYPICAL_SCALE = 1.5  # makes the Jacobian of a centred head close to the identity


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnHeads:
    """Number of heads rendered before training; 0 renders new ones for every step."""

    heads: int = 0
    states: int = 3
    """Poses and expressions of each head; every ordered pair of them is a training pair."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `BadRequest` for negative numbers, or a single state, which makes no pair."""
        if self.heads < 0 or self.states < 2:
            raise BadRequest(
                "drawn.heads must be at least 0 and drawn.states at least 2, "
                f"got heads = {self.heads} and states = {self.states}"
            )


class Row(NamedTuple):
    """n heads in m states each, and the truth of all pairs, indexed [source, driving]."""

    images: UInt8[Tensor, "n m 3 s s"]
    position: Float[Tensor, "n m k 2"]
    jacobian: Float[Tensor, "n m k 2 2"]
    flow: Float[Tensor, "n m m hs ws 2"]  # half precision: errors of at most 1/8 pixel at 256
    shown: UInt8[Tensor, "n m m hs ws"]


def cached_pairs(
    batch: int, network: FommConfig, amount: DrawnHeads, spread: float, device: torch.device
) -> Callable[[torch.Generator], Pairs]:
    """Render a cache of heads, and return a function that draws `batch` pairs from it, with their truth."""
    cache = Row(
        *render_cache(
            lambda count, generator: draw_row(count, network, amount.states, spread, generator),
            amount.heads,
            amount.seed,
        )
    )

    sample = row_pairs(cache, device)
    return lambda generator: sample(batch, generator)


def row_pairs(rows: Row, device: torch.device) -> Callable[[int, torch.Generator], Pairs]:
    """Return a function that draws pairs of different states of one row, half of them mirrored, with their truth."""
    states, keypoints = rows.images.shape[1], rows.position.shape[2]
    in_pairs = max(mirrored_landmarks(keypoints)) < keypoints  # otherwise a mirrored keypoint is missing

    def sample(count: int, generator: torch.Generator) -> Pairs:
        def chance(below: int) -> Int[Tensor, " b"]:
            return torch.randint(below, (count,), generator=generator, device=generator.device).cpu()

        row, here = chance(len(rows.images)), chance(states)
        there = (here + 1 + chance(states - 1)) % states
        source, driving = (to_unit(rows.images[row, state].to(device)) for state in (here, there))
        here_is, there_is = (
            Keypoints(rows.position[row, state].to(device), rows.jacobian[row, state].to(device))
            for state in (here, there)
        )
        grid, shown = rows.flow[row, here, there].to(device).float(), rows.shown[row, here, there].to(device).float()
        pairs = Pairs(source, driving, Truth(here_is, there_is, grid, shown, torch.ones(count, device=device)))
        return half_mirrored(pairs, (chance(2) > 0).to(device)) if in_pairs else pairs

    return sample


def half_mirrored(pairs: Pairs, chosen: Bool[Tensor, " b"]) -> Pairs:
    """Mirror the chosen pairs; left and right landmarks are swapped as well."""
    truth = pairs.truth
    assert truth is not None
    across = truth.flow.new_tensor((-1.0, 1.0))

    def choose(mirrored: Tensor, original: Tensor) -> Tensor:
        return torch.where(chosen.reshape(-1, *[1] * (original.ndim - 1)), mirrored, original)

    def keypoints(shown: Keypoints) -> Keypoints:
        assert shown.jacobian is not None
        other = mirrored_landmarks(shown.position.shape[1])
        position = choose(shown.position[:, other] * across, shown.position)
        turned = shown.jacobian[:, other] * across * across[:, None]  # in its rows and in its columns
        return Keypoints(position, choose(turned, shown.jacobian))

    source, driving, shown = (choose(part.flip(-1), part) for part in (pairs.source, pairs.driving, truth.shown))
    grid = choose(truth.flow.flip(2) * across, truth.flow)
    return Pairs(source, driving, Truth(keypoints(truth.source), keypoints(truth.driving), grid, shown, truth.named))


def mirrored_landmarks(count: int) -> list[int]:
    """For each of the first `count` landmarks, the index of its mirror image, which may be itself."""
    sides = {"left": "right", "right": "left"}
    other = [" ".join(sides.get(word, word) for word in name.split()) for name in KEYPOINT_LANDMARKS]
    return [KEYPOINT_LANDMARKS.index(name) for name in other[:count]]


def draw_row(count: int, network: FommConfig, states: int, spread: float, generator: torch.Generator) -> Row:
    """Draw `count` heads of the cache."""
    identity = sample_identity(count, generator)
    poses = [sample_state(count, generator, spread=spread) for _ in range(states)]
    drawings = [draw(identity, pose, network.size) for pose in poses]
    keypoints = [landmark_keypoints(drawing, network.keypoints) for drawing in drawings]
    small = round(network.size * network.motion.scale)
    none = torch.zeros(count, small, small, 2), torch.ones(count, small, small)
    pairs = [
        none if a is b else flow(identity, b, a, small) for a in poses for b in poses
    ]  # positions in the source of the driving frame's pixels; a state is never paired with itself
    grids, shown = (torch.stack(parts, dim=1).unflatten(1, (states, states)) for parts in zip(*pairs, strict=True))
    images = torch.stack([drawing.image for drawing in drawings], dim=1)
    return Row(
        from_unit(images),
        torch.stack([one.position for one in keypoints], dim=1),
        torch.stack([one.jacobian for one in keypoints if one.jacobian is not None], dim=1),
        grids.half(),
        shown.to(torch.uint8),
    )


def landmark_keypoints(drawing: Drawing | Puppet, count: int) -> Keypoints:
    """The first `count` landmarks of a drawing as keypoints."""
    chosen = [LANDMARKS.index(name) for name in KEYPOINT_LANDMARKS[:count]]
    down = drawing.landmark_jacobian.new_tensor((1.0, -1.0))  # the head's y points up, a keypoint's frame down
    return Keypoints(drawing.landmarks[:, chosen], drawing.landmark_jacobian[:, chosen] * down * TYPICAL_SCALE)


@torch.no_grad()
def draw_pairs(
    count: int, network: FommConfig, generator: torch.Generator, device: torch.device, spread: float, truth: bool
) -> Pairs:
    """Draw count / 2 heads in two states each, used in both directions; `truth` adds the ground truth."""
    identity = sample_identity(count // 2, generator, device)
    states = [sample_state(count // 2, generator, device, spread) for _ in range(2)]
    drawings = [draw(identity, state, network.size) for state in states]
    images = torch.cat([drawing.image for drawing in drawings])
    swapped = images.roll(count // 2, 0)
    if not truth:
        return Pairs(images, swapped)
    size = round(network.size * network.motion.scale)
    flows = [flow(identity, states[1 - first], states[first], size) for first in range(2)]
    grid, shown = (torch.cat(parts) for parts in zip(*flows, strict=True))
    keypoints = [landmark_keypoints(drawing, network.keypoints) for drawing in drawings]
    here, there = (Keypoints(*map(torch.cat, zip(*order, strict=True))) for order in (keypoints, keypoints[::-1]))
    named = torch.ones(count, device=images.device)
    return Pairs(images, swapped, Truth(here, there, grid, shown.float(), named))
