"""Images with attributes: drawn heads, a folder in CelebA's layout, or one folder per domain."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor

from deepfake_core.errors import BadRequest
from deepfake_core.pixels import to_signed
from deepfake_core.synthetic.heads import ATTRIBUTES, HeadIdentity, draw, sample_identity, sample_state, with_attributes
from deepfake_core.synthetic.heads.hairstyles import BALD
from deepfake_core.synthetic.heads.identity import BEARDS
from train.common.folders import Pictures, chance, domain_folders
from train.common.render_cache import render_cache

logger = logging.getLogger("train")
LIST = "list_attr_celeba.txt"
IMAGE_FOLDERS = ("images", "img_align_celeba")
HAIR = 3  # the first attributes of drawn heads are hair colours
CHANCES = (0.05, 0.05, 0.05, 0.45, 0.40)  # probability of each attribute to be changed; sex and age are harder
PAIRS = (*((0, 1), (1, 0)) * 4, (0, 2), (2, 0))  # single changes are seen more often
CACHE_SEED = 18
HELD_OUT = 1_000_003  # seed of the sample grid; training uses other seeds


class Samples(NamedTuple):
    """b images in [-1, 1], their attributes, the target attributes and, if known, the desired result."""

    image: Float[Tensor, "b 3 s s"]
    attributes: Float[Tensor, "b a"]
    wanted: Float[Tensor, "b a"]
    truth: Float[Tensor, "b 3 s s"] | None = None

    def halved(self) -> "Samples":
        """The same at half the resolution."""
        truth = None if self.truth is None else F.avg_pool2d(self.truth, 2)
        return self._replace(image=F.avg_pool2d(self.image, 2), truth=truth)


Draw = Callable[[torch.Generator], Samples]


class CentreCrops(Pictures):
    """The centre square of every image (178 x 178 of CelebA's aligned ones), resized and randomly mirrored."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        super().__init__(paths, size, enlarge=1.0)

    def crop(self, picture: UInt8[Tensor, "3 h w"], generator: torch.Generator) -> UInt8[Tensor, "3 s s"]:
        top, left = ((side - self.size) // 2 for side in picture.shape[-2:])
        square = picture[:, top : top + self.size, left : left + self.size]
        return square.flip(-1) if self.flip and chance(2, generator) else square


class Labelled(NamedTuple):
    """Image files and their attributes."""

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    attributes: Float[Tensor, "n a"]
    exclusive: bool


def labelled_folder(folder: Path, names: Sequence[str]) -> Labelled:
    """Read CelebA's layout if its list or image folder is present, otherwise one folder per domain, with its name."""
    if (folder / LIST).is_file():
        return read_celeba(folder, names)
    if present := [name for name in IMAGE_FOLDERS if (folder / name).is_dir()]:
        raise BadRequest(
            f"{folder} contains {present[0]} but no {LIST}; add CelebA's list, or use one folder of images per domain"
        )
    domains = domain_folders(folder)
    paths = tuple(path for pictures in domains.values() for path in pictures)
    places = torch.tensor([place for place, pictures in enumerate(domains.values()) for _ in pictures])
    return Labelled(tuple(domains), paths, F.one_hot(places, len(domains)).float(), exclusive=True)


def read_celeba(folder: Path, names: Sequence[str]) -> Labelled:
    """Read columns of CelebA's list: a count, the attributes' names, then per line a file and -1 or 1 for each."""
    images = next((folder / name for name in IMAGE_FOLDERS if (folder / name).is_dir()), None)
    if images is None:
        raise BadRequest(f"{folder} has no folder {' or '.join(IMAGE_FOLDERS)}; add CelebA's images")
    lines = (folder / LIST).read_text(encoding="utf-8", errors="replace").splitlines()
    if len(lines) < 3 or not lines[0].strip().isdigit():
        raise BadRequest(
            f"{folder / LIST} must begin with a count and the attributes' names; download CelebA's list again"
        )
    known = lines[1].split()
    if unknown := [name for name in names if name not in known]:
        raise BadRequest(f"{LIST} has no attributes {', '.join(unknown)}; it has: {', '.join(known)}")
    columns = [known.index(name) for name in names]
    paths, rows = [], []
    for number, line in enumerate(lines[2:], start=3):
        if not line.strip():
            continue
        file, *values = line.split()
        if len(values) != len(known) or not set(values) <= {"-1", "1"}:
            raise BadRequest(f"line {number} of {LIST} must have a file name and {len(known)} values, each -1 or 1")
        paths.append(images / file)
        rows.append([values[column] == "1" for column in columns])
    missing = [path.name for path in paths if not path.is_file()]
    if len(missing) == len(paths):
        raise BadRequest(f"none of the images listed in {LIST} is in {images}; add them")
    if missing:
        logger.warning("%d images listed in %s are not in %s, for example %s", len(missing), LIST, images, missing[0])
        gone = set(missing)
        kept = [place for place, path in enumerate(paths) if path.name not in gone]
        paths, rows = [paths[place] for place in kept], [rows[place] for place in kept]
    return Labelled(tuple(names), tuple(paths), torch.tensor(rows).float(), exclusive=False)


def sample_labelled(data: Labelled, batch: int, size: int) -> Draw:
    """Return a function that draws `batch` images; the target attributes are a permutation of the batch's."""
    pictures = CentreCrops(data.paths, size)

    def samples(generator: torch.Generator) -> Samples:
        image, places = pictures.sample_with_indices(batch, generator)
        attributes = data.attributes[places.cpu()].to(image.device)
        return Samples(image, attributes, permuted(attributes, generator))

    return samples


def permuted(attributes: Float[Tensor, "b a"], generator: torch.Generator) -> Float[Tensor, "b a"]:
    """The rows in random order."""
    return attributes[torch.randperm(len(attributes), generator=generator, device=generator.device)]


def draw_edits(count: int, size: int, spread: float, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Draw heads unchanged, with one attribute changed, and with several changed: three images, labels (b, 3, a)."""
    identity, state = sample_identity(count, generator), sample_state(count, generator, spread=spread)
    # The image of a woman does not determine her beard as a man: always use the lightest one
    stubble = torch.full_like(identity.beard, BEARDS.index("stubble"))
    identity = identity._replace(beard=torch.where(identity.male > 0.5, identity.beard, stubble))
    sets = (identity.attributes, one_change(identity, generator), some_changes(identity, generator))
    images = [draw(with_attributes_of(identity, wanted), state, size).image for wanted in sets]
    return (*images, torch.stack(sets, dim=1))


def with_attributes_of(identity: HeadIdentity, attributes: Float[Tensor, "b 5"]) -> HeadIdentity:
    """`with_attributes`, but a head without one of the named hair colours keeps the one it has."""
    changed = with_attributes(identity, attributes)
    unnamed = attributes[:, :HAIR].sum(1) < 0.5
    return changed._replace(hair_group=torch.where(unnamed, identity.hair_group, changed.hair_group))


def one_change(identity: HeadIdentity, generator: torch.Generator) -> Float[Tensor, "b 5"]:
    """Change hair colour, sex or age, with the probabilities `CHANCES`; bald heads get no hair colour."""
    attributes, count = identity.attributes.clone(), len(identity.male)
    choice = torch.multinomial(torch.tensor(CHANCES), count, replacement=True, generator=generator)
    choice = torch.where((identity.hair_style == BALD) & (choice < HAIR), HAIR + choice % 2, choice)
    for row, place in zip(attributes, choice.tolist(), strict=True):
        if place < HAIR:
            place = (place + 1) % HAIR if row[place] > 0.5 else place
            row[:HAIR] = 0.0
            row[place] = 1.0
        else:
            row[place] = 1 - row[place]
    return attributes


def some_changes(identity: HeadIdentity, generator: torch.Generator) -> Float[Tensor, "b 5"]:
    """Draw hair colour, sex and age independently."""
    count = len(identity.male)
    hair = F.one_hot(torch.randint(HAIR, (count,), generator=generator), HAIR).float()
    hair = torch.where((identity.hair_style == BALD)[:, None], 0.0, hair)
    rest = torch.randint(2, (count, len(ATTRIBUTES) - HAIR), generator=generator).float()
    return torch.cat((hair, rest), dim=1)


def sample_heads(batch: int, size: int, rows: int, spread: float, device: torch.device, truth: bool) -> Draw:
    """Render `rows` heads, and return a function that draws `batch` of them; `truth` adds the desired result."""
    cache = render_cache(lambda count, generator: draw_edits(count, size, spread, generator), rows, CACHE_SEED)
    images, labels = torch.stack(cache[:-1], dim=1), cache[-1]  # (n, 3, 3, s, s) bytes, (n, 3, a)

    def pick(place: Tensor, kind: Tensor, mirrored: Tensor) -> Float[Tensor, "b 3 s s"]:
        chosen = to_signed(images[place, kind].to(device))
        return torch.where(mirrored[:, None, None, None], chosen.flip(-1), chosen)

    def samples(generator: torch.Generator) -> Samples:
        def integers(below: int) -> Tensor:
            return torch.randint(below, (batch,), generator=generator, device=generator.device).cpu()

        place, mirrored = integers(rows), integers(2).to(device) > 0
        kind, other = torch.tensor(PAIRS)[integers(len(PAIRS))].unbind(dim=1)
        attributes, wanted = labels[place, kind], labels[place, other]
        if not truth:
            return Samples(
                pick(place, kind, mirrored), attributes.to(device), permuted(attributes.to(device), generator)
            )
        # The original colour of unlabelled hair (red, grey) cannot be seen once it is dyed: reverse such pairs
        lost = (attributes[:, :HAIR].sum(1) > 0.5) & (wanted[:, :HAIR].sum(1) < 0.5)
        kind, other = torch.where(lost, other, kind), torch.where(lost, kind, other)
        image, drawn = pick(place, kind, mirrored), pick(place, other, mirrored)
        return Samples(image, labels[place, kind].to(device), labels[place, other].to(device), drawn)

    return samples
