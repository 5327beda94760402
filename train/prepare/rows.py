"""Pools of pairs: portraits and drawn heads in several states each, with the truth of every pairing."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from deepfake_core.errors import BadRequest, MissingFile
from deepfake_core.networks.fomm import FommConfig
from deepfake_core.pixels import from_unit, to_unit
from deepfake_core.synthetic.photos.portrait import Portrait, prepare
from deepfake_core.synthetic.photos.puppet import Puppet, draw, flow
from deepfake_core.synthetic.photos.relief import View
from deepfake_core.synthetic.photos.states import as_it_is, sample_puppet
from deepfake_core.synthetic.render.pose import HeadState
from train.recipes.fomm.pools import save_rows
from train.recipes.fomm.synthetic import Row, draw_row, landmark_keypoints

AT_ONCE = 16
SPREAD = 0.9  # of drawn heads' states
UNTOUCHED = 0.5  # share of the portraits of which one state is the photograph's own
KEYPOINTS, FLOW_SIZE = 10, 64  # of the starter


def draw_heads(out: Path, count: int, states: int, seed: int) -> None:
    """Draw heads into a pool."""
    out.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    for start in tqdm(range(0, count, AT_ONCE), desc="heads", leave=False, disable=None):
        row = draw_row(min(AT_ONCE, count - start), FommConfig(), states, SPREAD, generator)
        save_rows(row, out / f"heads-{seed}-{start:06d}.pt")


def draw_puppets(folder: Path, out: Path, count: int, states: int, seed: int, *, held_out: bool = False) -> None:
    """Move the prepared portraits of a folder, in a random order, into a pool; 0: all of them."""
    rows = [row for row in listed(folder) if (row["held_out"] == "1") == held_out]
    if not rows:
        raise BadRequest(f"{folder} holds no portraits {'for measuring' if held_out else 'to learn from'}")
    out.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(seed).permutation(len(rows))[: count or None]
    generator = torch.Generator().manual_seed(seed)
    for start in tqdm(range(0, len(order), AT_ONCE), desc="puppets", leave=False, disable=None):
        portrait = read_portraits(folder, [rows[i] for i in order[start : start + AT_ONCE]])
        save_rows(puppet_row(portrait, states, generator), out / f"puppets-{seed}-{start:06d}.pt")


def listed(folder: Path) -> list[dict[str, str]]:
    """The table of prepared portraits. Raises `MissingFile` without one."""
    path = folder / "portraits.csv"
    if not path.is_file():
        raise MissingFile(f"there is no {path}; 'python -m train prepare portraits' writes it")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read_portraits(folder: Path, rows: Sequence[dict[str, str]]) -> Portrait:
    """Canvases, mattes and points, ready to be moved."""

    def picture(name: str) -> Tensor:
        pixels = torch.from_numpy(np.array(Image.open(folder / name)))
        return to_unit((pixels[..., None] if pixels.ndim == 2 else pixels).permute(2, 0, 1))

    images = torch.stack([picture(row["file"]) for row in rows])
    mattes = torch.stack([picture(f"{Path(row['file']).stem}-matte.png") for row in rows])
    points = torch.tensor([[float(value) for value in row["points"].split()] for row in rows])
    return prepare(images, mattes, points.view(-1, 5, 2))


def puppet_row(portrait: Portrait, states: int, generator: torch.Generator) -> Row:
    """Portraits in several states each, and the flows between them."""
    puppets = [draw(portrait, *state) for state in random_states(portrait, states, generator)]
    keypoints = [landmark_keypoints(one, KEYPOINTS) for one in puppets]
    grids, shown = (
        torch.stack(part, dim=1).unflatten(1, (states, states)) for part in zip(*flows(portrait, puppets), strict=True)
    )
    return Row(
        from_unit(torch.stack([one.image for one in puppets], dim=1)),
        torch.stack([one.position for one in keypoints], dim=1),
        torch.stack([one.jacobian for one in keypoints if one.jacobian is not None], dim=1),
        grids.half(),
        shown.to(torch.uint8),
    )


def random_states(portrait: Portrait, count: int, generator: torch.Generator) -> Iterator[tuple[HeadState, View]]:
    """States for every portrait; the first is the photograph's own for some of them."""
    people = len(portrait.image)
    own = torch.rand(people, generator=generator) < UNTOUCHED
    for place in range(count):
        moved, still = sample_puppet(portrait.fit.yaw, generator), as_it_is(people)
        keep = own if place == 0 else torch.zeros_like(own)
        yield (
            HeadState(*(torch.where(keep, a, b) for a, b in zip(still[0], moved[0], strict=True))),
            View(*(torch.where(keep, a, b) for a, b in zip(still[1], moved[1], strict=True))),
        )


def flows(
    portrait: Portrait, puppets: Sequence[Puppet]
) -> list[tuple[Float[Tensor, "b s s 2"], Bool[Tensor, "b s s"]]]:
    """For every source and driver among the states, where the driver's pixels lie in the source."""
    count = len(portrait.image)
    none = torch.zeros(count, FLOW_SIZE, FLOW_SIZE, 2), torch.ones(count, FLOW_SIZE, FLOW_SIZE, dtype=torch.bool)
    return [none if a is b else flow(portrait, b, a, FLOW_SIZE) for a in puppets for b in puppets]
