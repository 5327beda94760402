"""Sample grids of StarGAN: one edit per column."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.utils import make_grid

from deepfake_core.networks.stargan import StarGan, flipped
from deepfake_core.synthetic.heads import draw, sample_identity, sample_state
from train.recipes.stargan.data import HELD_OUT, CentreCrops, Labelled, with_attributes_of


def edited_heads(model: StarGan, count: int = 6) -> Float[Tensor, "3 h w"]:
    """Two rows per held-out head: the original and the result of each edit; below them the truth."""
    generator = torch.Generator().manual_seed(HELD_OUT)
    identity, state = sample_identity(count, generator), sample_state(count, generator, spread=0.6)
    size, device = model.config.size, next(model.parameters()).device
    source = draw(identity, state, size).image
    edits = flipped(identity.attributes, model.config.attributes)
    truths = [draw(with_attributes_of(identity, edit), state, size).image for edit in edits]
    shown = source.to(device) * 2 - 1
    made = [(model(shown, edit.to(device)).cpu() + 1) / 2 for edit in edits]
    rows = torch.stack((torch.stack((source, *made)), torch.stack((source, *truths))))  # (2, 1 + a, count, 3, s, s)
    return make_grid(rows.permute(2, 0, 1, 3, 4, 5).flatten(0, 2).clamp(0, 1), nrow=rows.shape[1], padding=2)


def edited_pictures(data: Labelled, count: int = 6) -> Callable[[StarGan], Tensor]:
    """The same for images of a folder, without truth."""

    def paint(model: StarGan) -> Float[Tensor, "3 h w"]:
        device = next(model.parameters()).device
        pictures = CentreCrops(data.paths, model.config.size)
        source, places = pictures.sample_with_indices(count, torch.Generator().manual_seed(HELD_OUT))
        attributes = data.attributes[places]
        domains = torch.eye(len(data.names))[:, None].expand(-1, count, -1)
        edits = domains if data.exclusive else flipped(attributes, data.names)
        made = [model(source.to(device), edit.to(device)).cpu() for edit in edits]
        rows = torch.stack((source, *made)).transpose(0, 1)
        return make_grid(((rows.flatten(0, 1) + 1) / 2).clamp(0, 1), nrow=rows.shape[1], padding=2)

    return paint
