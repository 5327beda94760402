"""Two drawn heads as portraits, at rest and turned."""

import pytest
import torch

from deepfake_core.synthetic.heads import LANDMARKS, sample_identity
from deepfake_core.synthetic.heads import draw as draw_head
from deepfake_core.synthetic.photos.portrait import CANVAS, REACH, Portrait, prepare
from deepfake_core.synthetic.photos.puppet import Puppet
from deepfake_core.synthetic.render.pose import neutral_state
from tests.synthetic.photos.portraits import puppet

SEEN = ("left eye", "right eye", "nose tip", "left mouth corner", "right mouth corner")


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    """Two drawn heads, as if somebody had photographed them."""
    identity = sample_identity(2, torch.Generator().manual_seed(4))
    drawing = draw_head(identity, neutral_state(2)._replace(scale=torch.full((2,), 1 / REACH)), CANVAS)
    points = drawing.landmarks[:, [LANDMARKS.index(name) for name in SEEN]] * REACH
    return prepare(drawing.image, (drawing.mask > 0.5).float(), points)


@pytest.fixture(scope="module")
def still(portrait: Portrait) -> Puppet:
    return puppet(portrait)


@pytest.fixture(scope="module")
def turned(portrait: Portrait) -> Puppet:
    return puppet(portrait, yaw=0.35, pitch=-0.1, roll=0.1, shift_x=0.1, mouth_open=0.7, pan_x=-0.05, zoom=1.05)
