"""Images of two domains for CycleGAN: from folders, or drawn fields whose counterparts are known."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.errors import BadRequest
from deepfake_core.pixels import to_signed
from deepfake_core.synthetic import fields
from train.common.folders import Pictures, list_images, subfolders
from train.common.render_cache import render_cache
from train.recipes.cyclegan.losses import Pair

TRAINING_SEED = 1  # of the drawn fields; samples and benchmarks use others
HELD_OUT = 1_000_003


class UnpairedImages(NamedTuple):
    """Images of a and of b. For drawn ones the counterparts are known: `truth.b` shows `real.a` in domain b."""

    real: Pair
    truth: Pair | None = None


Source = Callable[[int, torch.Generator], UnpairedImages]
"""(count, generator) -> `count` images of each domain, on the generator's device."""


def drawn_fields(count: int, size: int, device: torch.device, seed: int = TRAINING_SEED) -> Source:
    """Render `count` fields with horses and with zebras; return a source of unpaired, randomly mirrored images."""
    if count < 2:
        raise BadRequest(f"drawn must be at least 2, for a horse and a zebra from different fields; got {count}")
    horses, zebras = (part.to(device) for part in render_cache(lambda n, rng: draw_both(n, size, rng), count, seed))

    def source(batch: int, generator: torch.Generator) -> UnpairedImages:
        first = torch.randint(count, (batch,), generator=generator, device=device)
        other = (first + torch.randint(1, count, (batch,), generator=generator, device=device)) % count
        mirrored = torch.rand(2, batch, 1, 1, 1, generator=generator, device=device) < 0.5
        horse, zebra_of_it = (mirror(to_signed(pool[first]), mirrored[0]) for pool in (horses, zebras))
        zebra, horse_of_it = (mirror(to_signed(pool[other]), mirrored[1]) for pool in (zebras, horses))
        return UnpairedImages(Pair(horse, zebra), Pair(horse_of_it, zebra_of_it))

    return source


def held_out_fields(count: int, size: int, device: torch.device) -> UnpairedImages:
    """Fixed fields for the sample grid, which training never uses."""
    generator = torch.Generator().manual_seed(HELD_OUT)
    horse, zebra = (2 * image.to(device) - 1 for image in draw_both(2 * count, size, generator))
    return UnpairedImages(Pair(horse[:count], zebra[count:]), Pair(horse[count:], zebra[:count]))


def draw_both(
    count: int, size: int, generator: torch.Generator
) -> tuple[Float[Tensor, "b 3 s s"], Float[Tensor, "b 3 s s"]]:
    """Draw the same fields with horses and with zebras, in [0, 1]."""
    field = fields.sample_field(count, generator)
    horse, zebra = (fields.draw(field, torch.full((count,), kind), size).image for kind in (0.0, 1.0))
    return horse, zebra


def mirror(image: Float[Tensor, "b c h w"], mirrored: Tensor) -> Float[Tensor, "b c h w"]:
    """Flip images horizontally where `mirrored`."""
    return torch.where(mirrored, image.flip(-1), image)


def two_folders(folder: str, size: int, enlarge: float, flip: bool) -> Source:
    """Random crops of the images of `trainA` and `trainB`, or of the only two subfolders in alphabetical order.

    Raises `BadRequest` for any other layout, or if one of the two has no images.
    """
    a, b = (Pictures(list_images(domain), size, enlarge, flip) for domain in domains_of(Path(folder)))
    return lambda count, generator: UnpairedImages(Pair(a.sample(count, generator), b.sample(count, generator)))


def domains_of(folder: Path) -> tuple[Path, Path]:
    """The folders of a and b."""
    inside = subfolders(folder)
    published = [path for path in inside if path.name in ("trainA", "trainB")]
    chosen = published if len(published) == 2 else inside
    if len(chosen) != 2:
        held = ", ".join(path.name for path in inside) or "no folder"
        raise BadRequest(
            f"{folder} must contain trainA and trainB, or exactly two folders, one for each domain; got {held}"
        )
    return chosen[0], chosen[1]
