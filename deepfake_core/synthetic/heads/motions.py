"""Motion of drawn heads over time: smooth random clips, and the ground truth of relative motion transfer."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.render.pose import HeadState, neutral_state

LIMITS = {
    "yaw": (-0.70, 0.70), "pitch": (-0.44, 0.44), "roll": (-0.53, 0.53), "mouth_open": (0.0, 1.0), "lids": (0.0, 1.0),
    "smile": (-1.0, 1.0), "brow_raise": (-1.0, 1.0), "gaze_x": (-1.0, 1.0), "gaze_y": (-1.0, 1.0),
}  # fmt: skip


def relative_state(source: HeadState, driving: HeadState, initial: HeadState) -> HeadState:
    """The state of the source after it has moved as the driver has since its initial frame.

    Angles, positions and expressions change by the difference, the scale by the ratio; values are clamped to their
    limits. Fields of different batch sizes are broadcast.
    """
    moved = {}
    for name, here, now, before in zip(HeadState._fields, source, driving, initial, strict=True):
        value = here * now / before if name == "scale" else here + now - before
        moved[name] = value.clamp(*LIMITS[name]) if name in LIMITS else value
    return HeadState(**moved)


def turning_clip(frames: int, generator: torch.Generator, *, rate: float = 25.0) -> HeadState:
    """A head that looks around, talks and blinks: one state a frame, starting near the neutral one.

    Every movement is a sum of three slow sines, eased in over the first half second.
    """
    time = torch.arange(frames) / rate
    ease = (time / 0.5).clamp(0, 1)
    ease = ease * ease * (3 - 2 * ease)

    def wave(size: float, slowest: float, fastest: float) -> Float[Tensor, "t"]:
        speed = slowest + (fastest - slowest) * torch.rand(3, generator=generator)
        phase = 2 * math.pi * torch.rand(3, generator=generator)
        waves = torch.sin(2 * math.pi * speed * time[:, None] + phase) - torch.sin(phase)
        return ease * size * (waves * torch.tensor((0.6, 0.3, 0.2))).sum(dim=1)

    blinks = torch.zeros(frames)
    for start in torch.cumsum(1.2 + 2.5 * torch.rand(1 + int(frames / rate), generator=generator), 0).tolist():
        blinks = torch.maximum(blinks, (1 - ((time - start) / 0.12).abs()).clamp(0, 1))
    neutral = neutral_state(frames)
    return neutral._replace(
        yaw=wave(0.40, 0.10, 0.35).clamp(*LIMITS["yaw"]),
        pitch=wave(0.16, 0.12, 0.4).clamp(*LIMITS["pitch"]),
        roll=wave(0.14, 0.10, 0.3).clamp(*LIMITS["roll"]),
        shift_x=wave(0.06, 0.05, 0.2),
        shift_y=wave(0.04, 0.05, 0.2),
        scale=1 + wave(0.05, 0.05, 0.2),
        mouth_open=wave(0.8, 0.8, 2.5).abs().clamp(0, 1),
        smile=(0.2 + wave(0.5, 0.1, 0.4)).clamp(-1, 1),
        brow_raise=wave(0.5, 0.1, 0.5).clamp(-1, 1),
        lids=blinks,
        gaze_x=wave(0.5, 0.1, 0.4).clamp(-1, 1),
        gaze_y=wave(0.3, 0.1, 0.4).clamp(-1, 1),
    )
