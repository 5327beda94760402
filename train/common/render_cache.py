"""A pool of drawn pictures: drawn once before training, kept as bytes, sampled in every step.

Drawing a picture takes about as long as a small network's whole training step, so what is drawn is used many times.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from tqdm import tqdm

Draw = Callable[[int, torch.Generator], tuple[Tensor, ...]]
"""(count, generator) -> tensors with `count` rows that belong together; pictures are floats in [0, 1], (b, 3, s, s)."""
AT_ONCE = 32


@torch.no_grad()
def drawn_pool(draw: Draw, count: int, seed: int) -> tuple[Tensor, ...]:
    """Draw `count` rows, the same for the same seed; pictures become bytes, everything else stays as it is."""
    generator = torch.Generator().manual_seed(seed)
    parts: list[tuple[Tensor, ...]] = []
    with tqdm(total=count, desc="drawing", unit="row", leave=False, disable=None) as bar:
        for start in range(0, count, AT_ONCE):
            rows = draw(min(AT_ONCE, count - start), generator)
            parts.append(tuple(to_bytes(row) if is_picture(row) else row for row in rows))
            bar.update(len(rows[0]))
    return tuple(map(torch.cat, zip(*parts, strict=True)))


def is_picture(row: Tensor) -> bool:
    """Whether rows are square pictures, not coordinates or labels."""
    return row.is_floating_point() and row.ndim == 4 and row.shape[1] == 3 and row.shape[2] == row.shape[3]


def to_bytes(image: Float[Tensor, "b 3 h w"]) -> UInt8[Tensor, "b 3 h w"]:
    """Pictures in [0, 1] as bytes."""
    return (image.clamp(0, 1) * 255).round().to(torch.uint8)


def to_range(image: UInt8[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 3 h w"]:
    """Bytes as pictures in [-1, 1], the range of the translators."""
    return image.float() / 127.5 - 1
