"""Drawn pairs of frames for training, and the sheet that shows what training has reached."""

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.utils import make_grid

from deepfake_core.motion import Keypoints, RelativeMotion, transfer_motion
from deepfake_core.networks.fomm import FirstOrderModel, FommConfig
from deepfake_core.synthetic.flow import flow
from deepfake_core.synthetic.heads import LANDMARKS, Drawing, draw
from deepfake_core.synthetic.identity import sample_identity
from deepfake_core.synthetic.motions import relative_state
from deepfake_core.synthetic.photos.puppet import Puppet
from deepfake_core.synthetic.state import sample_state
from train.clips import Pairs, Truth

GUIDES = (  # the landmarks that keypoints are guided to, most telling first
    "left eye", "right eye", "nose tip", "left mouth corner", "right mouth corner", "lower lip", "chin", "crown",
    "neck base", "forehead", "left ear", "right ear", "upper lip", "left brow", "right brow",
)  # fmt: skip
FEATURES = ("left eye", "right eye", "left mouth corner", "right mouth corner", "lower lip", "upper lip")  # looked at
TYPICAL_SCALE = 1.5  # brings the Jacobian of a head in the middle of the picture near the identity
HELD_OUT = 1_000_003  # seed of the sheet; training draws with other seeds


def landmark_keypoints(drawing: Drawing | Puppet, count: int) -> Keypoints:
    """The first `count` guides of a drawing as keypoints."""
    chosen = [LANDMARKS.index(name) for name in GUIDES[:count]]
    down = drawing.landmark_jacobian.new_tensor((1.0, -1.0))  # the head's y points up, a keypoint's frame down
    return Keypoints(drawing.landmarks[:, chosen], drawing.landmark_jacobian[:, chosen] * down * TYPICAL_SCALE)


@torch.no_grad()
def draw_pairs(
    count: int, network: FommConfig, generator: torch.Generator, device: torch.device, spread: float, truth: bool
) -> Pairs:
    """Draw count / 2 heads in two states each; every pair is used both ways. `truth` adds theirs, for dense motion."""
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
