"""A cache of drawn images: rendered once before training, stored as bytes, and sampled in every step.

Rendering an image takes about as long as a training step of a small network, so images are used many times.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from deepfake_core.pixels import from_unit

Draw = Callable[[int, torch.Generator], tuple[Tensor, ...]]
"""(count, generator) -> tensors with `count` corresponding rows; images are floats in [0, 1], (b, 3, s, s)."""
BATCH = 32


@torch.no_grad()
def render_cache(draw: Draw, count: int, seed: int) -> tuple[Tensor, ...]:
    """Draw `count` rows, deterministically by `seed`; images are converted to bytes, other tensors are unchanged."""
    generator = torch.Generator().manual_seed(seed)
    parts: list[tuple[Tensor, ...]] = []
    with tqdm(total=count, desc="drawing", unit="row", leave=False, disable=None) as bar:
        for start in range(0, count, BATCH):
            rows = draw(min(BATCH, count - start), generator)
            parts.append(tuple(from_unit(row) if is_picture(row) else row for row in rows))
            bar.update(len(rows[0]))
    return tuple(map(torch.cat, zip(*parts, strict=True)))


def is_picture(row: Tensor) -> bool:
    """Whether rows are square images, not coordinates or labels."""
    return row.is_floating_point() and row.ndim == 4 and row.shape[1] == 3 and row.shape[2] == row.shape[3]
