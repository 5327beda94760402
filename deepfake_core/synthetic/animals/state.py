"""The state of a drawn animal: pose, expression and scene."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.synthetic.render.backgrounds import BACKGROUNDS
from deepfake_core.synthetic.render.pose import HeadState, neutral_state
from deepfake_core.synthetic.render.sampling import Dice

_WALLS = (
    (0.93, 0.86, 0.76), (0.66, 0.79, 0.84), (0.80, 0.74, 0.86), (0.55, 0.68, 0.58), (0.92, 0.74, 0.64),
    (0.36, 0.44, 0.56), (0.58, 0.64, 0.44), (0.79, 0.84, 0.68), (0.97, 0.90, 0.68), (0.44, 0.56, 0.58),
)  # fmt: skip
_LIGHTS = ((1.0, 0.97, 0.92), (1.0, 0.93, 0.84), (0.95, 0.97, 1.0))
POSE = ("yaw", "pitch", "roll", "shift_x", "shift_y", "scale", "mouth_open", "lids", "gaze_x", "gaze_y")


class AnimalState(NamedTuple):
    """Pose and expression as in `HeadState`, with background and light."""

    yaw: Float[Tensor, "b"]
    pitch: Float[Tensor, "b"]
    roll: Float[Tensor, "b"]
    shift_x: Float[Tensor, "b"]
    shift_y: Float[Tensor, "b"]
    scale: Float[Tensor, "b"]  # drawn around 1.18: ears and all fill the picture
    mouth_open: Float[Tensor, "b"]  # 0 .. 1
    lids: Float[Tensor, "b"]  # 0 open .. 1 closed
    gaze_x: Float[Tensor, "b"]  # -1 .. 1, + to the right of the picture
    gaze_y: Float[Tensor, "b"]  # -1 .. 1, + up
    background: Int[Tensor, "b"]  # index into BACKGROUNDS
    background_colour: Float[Tensor, "b 3 3"]
    background_phase: Float[Tensor, "b 4"]  # 0 .. 1
    light: Float[Tensor, "b 3"]  # unit vector from the head to the light, world frame
    light_colour: Float[Tensor, "b 3"]

    def pick(self, index: slice | Tensor) -> "AnimalState":
        """The states at the given indices of the batch."""
        return AnimalState(*(field[index] for field in self))

    @property
    def head(self) -> HeadState:
        """Pose and expression only, for the camera."""
        calm = neutral_state(len(self.yaw), self.yaw.device)
        return calm._replace(**{name: getattr(self, name) for name in POSE})


def sample_state(
    count: int, generator: torch.Generator, device: torch.device | str = "cpu", spread: float = 1.0
) -> AnimalState:
    """Random poses, expressions and scenes; `spread` scales the deviation of pose and expression from looking ahead."""
    dice = Dice(count, generator, device)

    def normal(deviation: float, limit: float) -> Tensor:
        return ((dice.ratio(deviation, 4.5) - 1) * spread).clamp(-limit, limit)

    opens, blinks, some = (dice.uniform() < 0.45).float(), dice.uniform(), min(spread, 1.0)
    azimuth, height = dice.uniform(-1.0, 1.0), dice.uniform(0.25, 0.8)
    light = torch.stack((azimuth.sin(), height, azimuth.cos()), 1)
    return AnimalState(
        yaw=normal(0.28, 0.70), pitch=normal(0.13, 0.44), roll=normal(0.13, 0.53),
        shift_x=normal(0.05, 0.15), shift_y=0.07 + normal(0.04, 0.12), scale=1.18 + normal(0.05, 0.12),
        mouth_open=opens * dice.uniform() * some,
        lids=torch.where(blinks < 0.08, dice.uniform(), 0.18 * dice.uniform()) * some,
        gaze_x=normal(0.4, 1.0), gaze_y=normal(0.3, 1.0),
        background=dice.choice((1.0,) * len(BACKGROUNDS)), background_colour=dice.colour(_WALLS, 0.06, 3),
        background_phase=dice.uniform(0.0, 1.0, 4),
        light=light / light.norm(dim=1, keepdim=True), light_colour=dice.colour(_LIGHTS, 0.02),
    )  # fmt: skip
