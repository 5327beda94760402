"""Drawn pairs of frames for training, and the sheet that shows what training has reached."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.utils import make_grid

from deepfake_core.motion import RelativeMotion, transfer_motion
from deepfake_core.networks.fomm import FirstOrderModel
from deepfake_core.synthetic.heads import draw
from deepfake_core.synthetic.heads.identity import sample_identity
from deepfake_core.synthetic.heads.motions import relative_state
from deepfake_core.synthetic.render.pose import sample_state

HELD_OUT = 1_000_003  # seed of the sheet; training draws with other seeds


def relative_sheet(model: FirstOrderModel, device: torch.device, count: int = 6) -> Float[Tensor, "3 h w"]:
    """A column each: source, driver at first, driver now, the source moved by the model, and the truth of it."""
    generator = torch.Generator().manual_seed(HELD_OUT)
    heads, drivers = (sample_identity(count, generator, device) for _ in range(2))
    start, first, now = (sample_state(count, generator, device, spread) for spread in (0.7, 0.5, 0.8))
    size = model.config.size
    source, before, after = (draw(*one, size).image for one in ((heads, start), (drivers, first), (drivers, now)))
    truth = draw(heads, relative_state(start, now, first), size).image
    here, initial, driving = (model.keypoint_detector(image) for image in (source, before, after))
    moved = transfer_motion(here, driving, initial, RelativeMotion(), scale=1.0)
    made = model.generate(model.encode(source), here, moved).prediction
    return make_grid(torch.cat((source, before, after, made, truth)).clamp(0, 1), nrow=count, padding=2)
