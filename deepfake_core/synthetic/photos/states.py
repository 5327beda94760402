"""Random states of puppets: the drawn heads', with a camera and a body that move as well."""

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic.photos.relief import View, still_view
from deepfake_core.synthetic.render.pose import HeadState, neutral_state, sample_state

YAW, PITCH = 0.61, 0.38  # radians: beyond, a photograph shows too little


def sample_puppet(
    yaw: Float[Tensor, "b"], generator: torch.Generator, device: torch.device | str = "cpu", spread: float = 1.0
) -> tuple[HeadState, View]:
    """States of b puppets, told from the portraits' own, which are turned by `yaw` already."""
    count = len(yaw)

    def normal(deviation: float, limit: float) -> Tensor:
        drawn = torch.randn(count, generator=generator, device=generator.device) * deviation * spread
        return drawn.clamp(-limit, limit).to(device)

    def chance(share: float) -> Tensor:
        return (torch.rand(count, generator=generator, device=generator.device) < share).float().to(device)

    state = sample_state(count, generator, device, spread)
    state = state._replace(
        yaw=(state.yaw).clamp(-YAW, YAW) - yaw, pitch=state.pitch.clamp(-PITCH, PITCH),
        smile=normal(0.5, 1.0), scale=1 + normal(0.06, 0.15), shift_x=normal(0.10, 0.3), shift_y=normal(0.07, 0.2),
        lids=torch.where(chance(0.15) > 0, 1 - 0.4 * state.lids, state.lids),
    )  # fmt: skip
    moves = chance(0.4)
    view = View(
        pan_x=moves * normal(0.05, 0.15), pan_y=moves * normal(0.04, 0.1), zoom=1 + moves * normal(0.03, 0.08),
        lean=normal(0.06, 0.15), sway=normal(0.04, 0.12),
    )  # fmt: skip
    return state, view


def as_it_is(count: int, device: torch.device | str = "cpu") -> tuple[HeadState, View]:
    """The portrait's own state."""
    state = neutral_state(count, device)
    return state, still_view(count, device)
