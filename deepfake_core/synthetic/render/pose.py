"""The state of a head: pose, position in the image, and expression."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class HeadState(NamedTuple):
    """Pose and expression of b heads; every field has shape (b,)."""

    yaw: Float[Tensor, "b"]  # radians, + to the right of the image; sampled well within 0.70 (40 degrees)
    pitch: Float[Tensor, "b"]  # radians, + up; within 0.44 (25 degrees)
    roll: Float[Tensor, "b"]  # radians, + tilts the crown to the right; within 0.53 (30 degrees)
    shift_x: Float[Tensor, "b"]  # grid units, + right
    shift_y: Float[Tensor, "b"]  # grid units, + down
    scale: Float[Tensor, "b"]  # 1: the head has about 0.62 of the image's height
    mouth_open: Float[Tensor, "b"]  # 0 .. 1
    smile: Float[Tensor, "b"]  # -1 (sad) .. 1
    brow_raise: Float[Tensor, "b"]  # -1 .. 1
    lids: Float[Tensor, "b"]  # 0 open .. 1 closed
    gaze_x: Float[Tensor, "b"]  # -1 .. 1, + to the right of the image
    gaze_y: Float[Tensor, "b"]  # -1 .. 1, + up

    def pick(self, index: slice | Tensor) -> "HeadState":
        """The states at the given indices of the batch."""
        return HeadState(*(field[index] for field in self))


def neutral_state(count: int, device: torch.device | str = "cpu") -> HeadState:
    """Heads that look straight ahead with a neutral expression, centred in the image."""
    zero = torch.zeros(count, device=device)
    return HeadState(*(torch.ones_like(zero) if name == "scale" else zero for name in HeadState._fields))


def sample_state(
    count: int, generator: torch.Generator, device: torch.device | str = "cpu", spread: float = 1.0
) -> HeadState:
    """Random poses and expressions; `spread` scales their deviation from the neutral state (1: as in VoxCeleb)."""

    def normal(deviation: float, limit: float) -> Tensor:
        value = torch.randn(count, generator=generator, device=generator.device) * deviation * spread
        return value.clamp(-limit, limit).to(device)

    def uniform() -> Tensor:
        return torch.rand(count, generator=generator, device=generator.device).to(device)

    opens, blinks = (uniform() < 0.6).float(), uniform()
    return HeadState(
        yaw=normal(0.30, 0.70),
        pitch=normal(0.15, 0.44),
        roll=normal(0.15, 0.53),
        shift_x=normal(0.06, 0.2),
        shift_y=normal(0.05, 0.15),
        scale=1 + normal(0.05, 0.15),
        mouth_open=(opens * uniform() ** 1.3 * min(spread, 1.0)).clamp(0, 1),
        smile=(0.25 * min(spread, 1.0) + normal(0.4, 1.0)).clamp(-1, 1),
        brow_raise=normal(0.4, 1.0),
        lids=torch.where(blinks < 0.08, uniform(), 0.15 * uniform()) * min(spread, 1.0),
        gaze_x=normal(0.4, 1.0),
        gaze_y=normal(0.3, 1.0),
    )
