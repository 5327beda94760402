"""Training data of StarGAN v2: sources and references of balanced domains, from folders or drawn with their truth.

Drawn images come in blocks of n identities, each in the same m states. The reference in the source's state is then in
the block as well, so a few images give many triples of source, reference and truth.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from tqdm import trange

from deepfake_core.errors import BadRequest
from deepfake_core.pixels import from_unit, to_signed
from deepfake_core.synthetic import animals, heads
from deepfake_core.synthetic.animals.identity import other_fur
from deepfake_core.synthetic.heads.identity import other_hair
from deepfake_core.synthetic.render.layers import coat_of
from train.common.folders import Pictures, domain_folders

logger = logging.getLogger("train")
OF_THE_STATE = ("background", "light")
CLASSES = 32  # more than any class of an identity has; those that never occur do not count
HELD_OUT = 1_000_003  # seed of the sample grid; training uses other seeds


class Samples(NamedTuple):
    """Images in [-1, 1] with their domains."""

    source: Float[Tensor, "b 3 s s"]
    source_domain: Int[Tensor, "b"]
    reference: Float[Tensor, "b 3 s s"]
    second: Float[Tensor, "b 3 s s"]  # another reference of the same domain
    domain: Int[Tensor, "b"]  # of both references
    truth: Float[Tensor, "b 3 s s"] | None = None  # the source with the reference's appearance, if known
    coat: Bool[Tensor, "b s s"] | None = None  # pixels of the truth that show hair or fur
    attributes: Float[Tensor, "b k"] | None = None  # of the reference, standardised numbers: colours, shapes, classes


@runtime_checkable
class Data(Protocol):
    """A source of samples."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, by index."""

    def sample(self, count: int, generator: torch.Generator) -> Samples:
        """Draw from all domains with equal probability, on the generator's device."""

    def held_out(self) -> "Data":
        """The data of the sample grid."""


class FolderData:
    """Images of a folder with one folder per domain."""

    def __init__(self, folder: str | Path, size: int) -> None:
        found = domain_folders(folder)
        self.domains = tuple(found)
        self.pictures = [Pictures(paths, size) for paths in found.values()]
        counts = ", ".join(f"{len(paths)} {name}" for name, paths in found.items())
        logger.info("images of %s: %s", folder, counts)

    def sample(self, count: int, generator: torch.Generator) -> Samples:
        """All domains have the same probability, whatever their number of images."""
        here, there = (
            torch.randint(len(self.domains), (count,), generator=generator, device=generator.device) for _ in range(2)
        )
        source, reference, second = (self._of(domain, generator) for domain in (here, there, there))
        return Samples(source, here, reference, second, there)

    def held_out(self) -> "FolderData":
        """The same data: a folder has no held-out part."""
        return self

    def _of(self, domain: Int[Tensor, "b"], generator: torch.Generator) -> Float[Tensor, "b 3 s s"]:
        """One image for each domain of the batch."""
        return torch.cat([self.pictures[index].sample(1, generator) for index in domain.tolist()])


class Block(NamedTuple):
    """Identities, sorted by domain, each in the same states."""

    image: Float[Tensor, "n m 3 s s"]  # in [0, 1]
    coat: Bool[Tensor, "n m s s"]  # pixels that show hair or fur
    attributes: Float[Tensor, "n k"]  # `attributes_of` the identities


class World(NamedTuple):
    """A drawn world and how to draw a block of it."""

    domains: tuple[str, ...]
    block: Callable[[int, int, int, torch.Generator], Block]
    """(identities per domain, states, size, generator) -> a block."""


def heads_block(looks: int, states: int, size: int, generator: torch.Generator) -> Block:
    """Women, then men, in the same poses and expressions, with the same backgrounds and light.

    In half of the blocks, at random, the men are the women's twins, who differ in sex only; otherwise a network could
    tell the domains by the typical hairstyles.
    """
    some = heads.sample_identity(16 * looks, generator)
    women, men = (some.pick(torch.nonzero(some.male == male).flatten()[:looks]) for male in (0.0, 1.0))
    if torch.rand((), generator=generator) < 0.5:
        women = women._replace(hair_style=torch.where(torch.arange(looks) % 2 > 0, men.hair_style, women.hair_style))
        men = women._replace(male=men.male)
    people = heads.HeadIdentity(*map(torch.cat, zip(women, men, strict=True)))
    state = heads.sample_state(states, generator, spread=0.9)
    who, how = all_pairs(2 * looks, states)
    placed = heads.with_scene_of(people.pick(who), heads.sample_identity(states, generator).pick(how))
    image, recoloured = (heads.draw(each, state.pick(how), size).image for each in (placed, other_hair(placed)))
    return block_of(image, recoloured, states, people)


def animals_block(looks: int, states: int, size: int, generator: torch.Generator) -> Block:
    """Cats, dogs and wild cats in the same states, which include background and light."""
    kinds = len(animals.SPECIES)
    species = torch.arange(kinds).repeat_interleave(looks)
    beasts = animals.sample_identity(kinds * looks, generator, species=species)
    state = animals.sample_state(states, generator, spread=0.9)
    who, how = all_pairs(kinds * looks, states)
    placed = beasts.pick(who)
    image, recoloured = (animals.draw(each, state.pick(how), size).image for each in (placed, other_fur(placed)))
    return block_of(image, recoloured, states, beasts)


def block_of(
    image: Float[Tensor, "p 3 s s"],
    recoloured: Float[Tensor, "p 3 s s"],
    states: int,
    identity: heads.HeadIdentity | animals.AnimalIdentity,
) -> Block:
    """Build a block from drawings sorted by identity, and the same drawings with hair or fur of another colour."""
    images, coats = (each.unflatten(0, (-1, states)) for each in (image, coat_of(image, recoloured)))
    return Block(images, coats, attributes_of(identity))


def attributes_of(identity: heads.HeadIdentity | animals.AnimalIdentity) -> Float[Tensor, "n k"]:
    """An identity as numbers, classes as one number per class; without what belongs to the state: background, light."""
    fields = {name: field for name, field in identity._asdict().items() if not name.startswith(OF_THE_STATE)}
    numbers = [F.one_hot(each, CLASSES) if each.dtype == torch.long else each for each in fields.values()]
    return torch.cat([each.float().reshape(len(each), -1) for each in numbers], dim=1)


def standardised(numbers: Float[Tensor, "k n l"]) -> Float[Tensor, "k n l"]:
    """Numbers of mean 0 and variance 1; those that are the same for all become 0."""
    mean, deviation = numbers.mean(dim=(0, 1)), numbers.std(dim=(0, 1), correction=0)
    return torch.where(deviation > 1e-3, (numbers - mean) / deviation.clamp_min(1e-3), 0.0)


def all_pairs(first: int, second: int) -> tuple[Int[Tensor, "p"], Int[Tensor, "p"]]:
    """Indices of all pairs, the second varying fastest."""
    return torch.arange(first).repeat_interleave(second), torch.arange(second).repeat(first)


WORLDS = {
    "heads": World(("female", "male"), heads_block),
    "animals": World(animals.SPECIES, animals_block),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnSet:
    """Size of the training set of a drawn world; an image takes about 30 ms to draw at 128 px, in both colours."""

    blocks: int = 250
    looks: int = 3
    """Identities per domain and block."""
    states: int = 4
    """Poses and expressions per block, each with a background and a light."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `BadRequest` for an empty set."""
        for name in ("blocks", "looks", "states"):
            if getattr(self, name) < 1:
                raise BadRequest(f"drawn.{name} must be at least 1, got {getattr(self, name)}")


class DrawnData:
    """Blocks of a drawn world, rendered once and stored as bytes."""

    def __init__(self, world: str, size: int, amount: DrawnSet, device: torch.device) -> None:
        if world not in WORLDS:
            raise BadRequest(f"unknown drawn world {world!r}; choose one of: {', '.join(WORLDS)}")
        self.world, self.size, self.looks, self.device = world, size, amount.looks, device
        self.domains, draw = WORLDS[world]
        generator = torch.Generator().manual_seed(amount.seed)
        images, coats, attributes = [], [], []
        for _ in trange(amount.blocks, desc=f"drawing {world}", unit="block", leave=False, disable=None):
            block = draw(amount.looks, amount.states, size, generator)
            images.append(from_unit(block.image.flatten(0, 1)).unflatten(0, (-1, amount.states)))
            coats.append(block.coat)
            attributes.append(block.attributes)
        self.blocks: UInt8[Tensor, "k n m 3 s s"] = torch.stack(images).to(device)
        self.coats: Bool[Tensor, "k n m s s"] = torch.stack(coats).to(device)
        self.attributes: Float[Tensor, "k n l"] = standardised(torch.stack(attributes)).to(device)

    def sample(self, count: int, generator: torch.Generator) -> Samples:
        """Triples from one block each, mirrored together half of the time, and a second reference from any block."""
        blocks, identities, states = self.blocks.shape[:3]

        def chance(below: int) -> Int[Tensor, "b"]:
            return torch.randint(below, (count,), generator=generator, device=generator.device)

        block, here, there = chance(blocks), chance(identities), chance(identities)
        state = chance(states)
        other = (state + 1 + chance(max(states - 1, 1))) % states  # in the source's state it would be the truth
        domain = there // self.looks
        second = self.blocks[chance(blocks), domain * self.looks + chance(self.looks), chance(states)]
        of_block = [self.blocks[block, who, how] for who, how in ((here, state), (there, other), (there, state))]
        mirrored = (chance(2) > 0)[:, None, None, None]
        coat = self.coats[block, there, state][:, None]
        *shown, coat = (torch.where(mirrored, each.flip(-1), each) for each in (*of_block, second, coat))
        source, reference, truth, second = map(to_signed, shown)
        return Samples(
            source, here // self.looks, reference, second, domain, truth, coat[:, 0], self.attributes[block, there]
        )

    def held_out(self) -> "DrawnData":
        """Identities and states that training never uses."""
        return DrawnData(self.world, self.size, DrawnSet(blocks=3, looks=2, states=2, seed=HELD_OUT), self.device)
