"""Sample grid of the First Order Motion Model: relative motion on held-out drawn heads."""

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

HELD_OUT = 1_000_003  # seed of the sample grid; training uses other seeds


def relative_samples(model: FirstOrderModel, device: torch.device, count: int = 6) -> Float[Tensor, "3 h w"]:
    """Rows: source, initial driving frame, driving frame, result, and ground truth; one column per head."""
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
