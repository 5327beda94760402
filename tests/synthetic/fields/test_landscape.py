"""The landscape."""

import torch

from deepfake_core.synthetic.fields import Field
from deepfake_core.synthetic.fields import drawing as drawing
from deepfake_core.synthetic.fields.drawing import raster_of
from deepfake_core.synthetic.fields.landscape import paint_landscape
from tests.synthetic.fields.herds import COUNT


def test_grass_is_calmer_far_away(fields: Field) -> None:
    """One pixel far away holds many tufts and shows their mean."""
    bare = fields._replace(horizon=torch.full((COUNT,), -0.2), flowers=torch.zeros(COUNT))
    grid = raster_of(128, bare.horizon.device).grid.unflatten(0, (128, 128))
    light = paint_landscape(bare, grid).image.mean(1)
    rough = light.diff(dim=2).abs().mean(2)  # of each row
    assert (rough[:, 56:62].mean(1) < 0.7 * rough[:, -16:].mean(1)).all()
