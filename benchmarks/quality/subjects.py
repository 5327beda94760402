"""The labels of drawn heads and animals that the attribute classifier predicts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from deepfake_core.synthetic import animals, heads
from deepfake_core.synthetic.animals import AnimalIdentity, AnimalState
from deepfake_core.synthetic.heads import HeadIdentity, HeadState
from deepfake_core.synthetic.heads.hairstyles import HAIRSTYLES, LONG_STYLES

HAIR = 3  # the first of heads.ATTRIBUTES are hair colours, of which at most one holds


class Labels(NamedTuple):
    """Labels of b images."""

    attributes: Float[Tensor, "b m"]  # 0 to 1: probability of each
    angles: Float[Tensor, "b 3"]  # yaw, pitch, roll in degrees, as in HeadState
    looks: Float[Tensor, "b l"]  # appearance: colours and shares, 0 to 1

    def pick(self, index: slice | Tensor) -> "Labels":
        """The labels of some of the images."""
        return Labels(*(field[index] for field in self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A kind of drawing and its labels."""

    name: str
    attributes: tuple[str, ...]
    looks: tuple[str, ...]
    draw: Callable[[int, int, torch.Generator], tuple[Float[Tensor, "b 3 s s"], Labels]]
    """(count, size, generator) -> images in [0, 1], where consecutive pairs are similar, with their labels."""


def colours(*names: str) -> tuple[str, ...]:
    """The names of the three channels of each colour."""
    return tuple(f"{name} {channel}" for name in names for channel in ("red", "green", "blue"))


def angles(state: HeadState | AnimalState) -> Float[Tensor, "b 3"]:
    """Yaw, pitch and roll in degrees."""
    return torch.stack((state.yaw, state.pitch, state.roll), dim=1).rad2deg()


def head_labels(identity: HeadIdentity, state: HeadState) -> Labels:
    """The labels of drawn heads; without hair, its colour is that of the skin."""
    long = torch.tensor([name in LONG_STYLES for name in HAIRSTYLES])[identity.hair_style]
    shares = (long, (identity.male > 0) & (identity.beard > 0), identity.glasses > 0)
    looks = (identity.crown_colour, identity.skin, identity.shirt_colour[:, 0], torch.stack(shares, dim=1).float())
    return Labels(identity.attributes, angles(state), torch.cat(looks, dim=1))


def draw_heads(count: int, size: int, generator: torch.Generator) -> tuple[Float[Tensor, "b 3 s s"], Labels]:
    """Each head twice, with attributes independent of one another and of hairstyle, and with another age.

    Women wear their hair long more often than men, and the old are more often grey. Whoever learns that by heart would
    judge an edit, which leaves the hairstyle alone, by what it must not change.
    """
    half = (count + 1) // 2
    identity, state = heads.sample_identity(half, generator), heads.sample_state(half, generator)
    first, second = (random_attributes(half, generator) for _ in range(2))
    second[:, -1] = 1 - first[:, -1]
    both = torch.stack((first, second), dim=1).flatten(0, 1)[:count]
    twice = torch.arange(half).repeat_interleave(2)[:count]
    who, how = heads.with_attributes(identity.pick(twice), both), state.pick(twice)
    return heads.draw(who, how, size).image, head_labels(who, how)


def random_attributes(count: int, generator: torch.Generator) -> Float[Tensor, "b 5"]:
    """Black, blond, brown or no such hair; male or not; young or not: all alike often."""
    hair = F.one_hot(torch.randint(HAIR + 1, (count,), generator=generator), HAIR + 1)[:, :HAIR]
    rest = torch.randint(2, (count, len(heads.ATTRIBUTES) - HAIR), generator=generator)
    return torch.cat((hair, rest), dim=1).float()


def animal_labels(identity: AnimalIdentity, state: AnimalState) -> Labels:
    """The truth about drawn animals."""
    species = F.one_hot(identity.species, len(animals.SPECIES)).float()
    shares = (identity.muzzle_length, identity.mane, identity.pale_muzzle, (identity.pattern > 0).float())
    looks = (identity.base, identity.ear_colour, identity.eye_colour, torch.stack(shares, dim=1))
    return Labels(species, angles(state), torch.cat(looks, dim=1))


def draw_animals(count: int, size: int, generator: torch.Generator) -> tuple[Float[Tensor, "b 3 s s"], Labels]:
    """Animals of all species, each in a state of its own."""
    identity, state = animals.sample_identity(count, generator), animals.sample_state(count, generator)
    return animals.draw(identity, state, size).image, animal_labels(identity, state)


HEADS = Subject(
    name="heads",
    attributes=heads.ATTRIBUTES,
    looks=(*colours("hair", "skin", "shirt"), "long hair", "beard", "glasses"),
    draw=draw_heads,
)
ANIMALS = Subject(
    name="animals",
    attributes=animals.SPECIES,
    looks=(*colours("fur", "ears", "eyes"), "muzzle", "mane", "pale muzzle", "pattern"),
    draw=draw_animals,
)
