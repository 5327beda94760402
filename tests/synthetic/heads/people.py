"""Heads and states that several tests draw."""

import torch

from deepfake_core.synthetic.heads import (
    HeadIdentity,
    HeadState,
    neutral_state,
)
from deepfake_core.synthetic.heads.hairstyles import HAIRSTYLES

SIZE, COUNT = 64, 4


def moved(count: int, **parts: float) -> HeadState:
    return neutral_state(count)._replace(**{name: torch.full((count,), value) for name, value in parts.items()})


def dressed(people: HeadIdentity) -> HeadIdentity:
    """The same people in a bare head, a beanie, a cap and a hat with a brim, with scarves."""
    crop = torch.full((COUNT,), list(HAIRSTYLES).index("crop"))
    return people._replace(hat=torch.tensor([0, 1, 2, 3]), hair_style=crop, scarf=torch.tensor([1.0, 0.0, 1.0, 1.0]))
