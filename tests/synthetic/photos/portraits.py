"""What several tests of puppets share. The portrait is a drawn head, so that it needs no file."""

import torch
from torch import Tensor

from deepfake_core.synthetic.photos.portrait import Portrait
from deepfake_core.synthetic.photos.puppet import Puppet, draw
from deepfake_core.synthetic.photos.states import as_it_is

PIXEL = 2 / 255
FRAME = slice(39, 39 + 256)  # of the canvas


def puppet(portrait: Portrait, **changed: float) -> Puppet:
    state, view = as_it_is(2)
    moved = {name: torch.full((2,), value) for name, value in changed.items()}
    return draw(
        portrait,
        state._replace(**{name: value for name, value in moved.items() if name in state._fields}),
        view._replace(**{name: value for name, value in moved.items() if name in view._fields}),
    )


def mean_where(difference: Tensor, where: Tensor) -> Tensor:
    """Mean over the channels and the chosen pixels, of every picture."""
    return (difference.abs().mean(1) * where).sum((1, 2)) / where.sum((1, 2))
