"""The drawn worlds of StarGAN v2: the looks of one identity in the pose and scene of another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmarks.images import Picture, held_out, to_frames
from benchmarks.quality.subjects import ANIMALS, HEADS, Labels, Subject, animal_labels, head_labels
from deepfake_core.errors import BadRequest
from deepfake_core.synthetic import animals, heads
from deepfake_core.synthetic.animals import AnimalIdentity, AnimalState
from deepfake_core.synthetic.animals.identity import other_fur
from deepfake_core.synthetic.heads import HeadIdentity, HeadState
from deepfake_core.synthetic.heads.identity import other_hair
from deepfake_core.synthetic.render.layers import coat_of

SPREAD = 0.9  # of the poses
MALE = heads.ATTRIBUTES.index("Male")
Who = TypeVar("Who", HeadIdentity, AnimalIdentity)
How = TypeVar("How", HeadState, AnimalState)


@dataclass(frozen=True, kw_only=True, slots=True)
class World(Generic[Who, How]):
    """How to draw an identity of a domain, and how to recognise the domain."""

    subject: Subject
    domains: tuple[str, ...]
    identity: Callable[[int, torch.Generator], Who]
    """Draws an identity of the domain with this index."""
    state: Callable[[torch.Generator], How]
    draw: Callable[[Who, Who, How, int], Float[Tensor, "1 3 s s"]]
    """(identity, identity of the scene, state, size) -> image; for animals, the state includes the scene."""
    recoloured: Callable[[Who], Who]
    """The same identity with hair or fur of a very different colour."""
    labels: Callable[[Who, How], Labels]
    shows: Callable[[Float[Tensor, "b m"], Int[Tensor, "b"]], Bool[Tensor, "b"]]
    """(attributes, target domains) -> whether each image shows its domain."""


def one_head(domain: int, generator: torch.Generator) -> HeadIdentity:
    """Draw a woman (0) or a man (1)."""
    while True:
        identity = heads.sample_identity(1, generator)
        if int(identity.male) == domain:
            return identity


HEAD_WORLD = World(
    subject=HEADS,
    domains=("female", "male"),
    identity=one_head,
    state=lambda generator: heads.sample_state(1, generator, spread=SPREAD),
    draw=lambda looks, scene, state, size: heads.draw(heads.with_scene_of(looks, scene), state, size).image,
    recoloured=other_hair,
    labels=head_labels,
    shows=lambda attributes, domain: (attributes[:, MALE] > 0.5) == (domain == 1),
)
ANIMAL_WORLD = World(
    subject=ANIMALS,
    domains=animals.SPECIES,
    identity=lambda domain, generator: animals.sample_identity(1, generator, species=torch.tensor([domain])),
    state=lambda generator: animals.sample_state(1, generator, spread=SPREAD),
    draw=lambda looks, scene, state, size: animals.draw(looks, state, size).image,
    recoloured=other_fur,
    labels=animal_labels,
    shows=lambda attributes, domain: attributes.gather(1, domain[:, None])[:, 0] > 0.5,
)
WORLDS = (HEAD_WORLD, ANIMAL_WORLD)


def world_of(name: str, domains: Sequence[str]) -> World:
    """The world with the domains of a network; raises `BadRequest` if there is none."""
    for world in WORLDS:
        if set(world.domains) == set(domains):
            return world
    raise BadRequest(
        f"no drawn world has the domains of {name} ({', '.join(domains)}); "
        f"use weights with {' or '.join('/'.join(world.domains) for world in WORLDS)}"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A source and a reference of one domain, with the true result."""

    index: int
    """Index of the source."""
    domain: int
    source: Picture
    reference: Picture
    truth: Picture
    """The reference's looks in the source's pose and scene."""
    coat: Bool[np.ndarray, "s s"]
    """Pixels of the truth that show hair or fur."""
    other: Picture
    """Another identity of the domain in the same pose and scene."""
    source_labels: Labels
    reference_labels: Labels


def cases_of(world: World, index: int, size: int) -> list[Case]:
    """The source with this index, with a reference of every domain."""
    generator = held_out(index)
    who, how = world.identity(index % len(world.domains), generator), world.state(generator)
    cases = []
    for domain in range(len(world.domains)):
        reference, state = world.identity(domain, generator), world.state(generator)
        other = world.identity(domain, generator)
        shown = ((who, who, how), (reference, reference, state), (reference, who, how), (other, who, how))
        drawn = [world.draw(*each, size) for each in shown]
        pictures = [to_frames(each)[0] for each in drawn]
        recoloured = world.draw(world.recoloured(reference), who, how, size)
        cases.append(
            Case(
                index=index,
                domain=domain,
                source=pictures[0],
                reference=pictures[1],
                truth=pictures[2],
                coat=coat_of(drawn[2], recoloured)[0].numpy(),
                other=pictures[3],
                source_labels=world.labels(who, how),
                reference_labels=world.labels(reference, state),
            )
        )
    return cases
