"""Poses: hooves carry, muzzles reach the grass."""

import torch

from deepfake_core.synthetic.fields import Field
from deepfake_core.synthetic.fields import drawing as drawing
from deepfake_core.synthetic.fields.pose import HOOVES, pose
from deepfake_core.synthetic.fields.skeleton import JOINTS


def test_hooves_stand_on_the_ground_and_grazers_reach_it(alone: Field) -> None:
    names = list(JOINTS)
    gait = torch.linspace(0, 0.75, 4)[:, None].expand(4, 2)
    walking = alone._replace(stride=torch.ones(4, 2), gait=gait).animal(0)
    heights = pose(walking).joints[:, [names.index(hoof) for hoof in HOOVES], 1]
    assert (heights.amin(1).abs() < 0.03).all()  # one at least carries
    assert heights.max() > 0.06  # one at least swings
    muzzle, eye = names.index("muzzle"), names.index("face")
    grazing, watching = (pose(alone._replace(graze=torch.full((4, 2), how)).animal(0)).joints for how in (1.0, 0.0))
    assert (grazing[:, muzzle, 1] < 0.13).all() and (watching[:, eye, 1] > 1.1).all()
