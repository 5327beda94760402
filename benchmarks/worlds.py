"""The drawn worlds of StarGAN v2: whose looks, in whose pose and scene."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmarks.drawings import Picture, held_out, to_frames
from benchmarks.subjects import ANIMALS, HEADS, Answers, Subject, animal_answers, head_answers
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
    """How to draw someone of a domain, and how to tell the domain."""

    subject: Subject
    domains: tuple[str, ...]
    identity: Callable[[int, torch.Generator], Who]
    """One of the domain with that number."""
    state: Callable[[torch.Generator], How]
    draw: Callable[[Who, Who, How, int], Float[Tensor, "1 3 s s"]]
    """(whose looks, whose scene, state, size); a state of animals holds their scene itself."""
    recoloured: Callable[[Who], Who]
    """The same with hair or fur of quite another colour."""
    answers: Callable[[Who, How], Answers]
    shows: Callable[[Float[Tensor, "b m"], Int[Tensor, "b"]], Bool[Tensor, "b"]]
    """(marks, wanted domains) -> whether each is seen."""


def one_head(domain: int, generator: torch.Generator) -> HeadIdentity:
    """A woman or a man, with the hairstyles that either often has."""
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
    answers=head_answers,
    shows=lambda marks, domain: (marks[:, MALE] > 0.5) == (domain == 1),
)
ANIMAL_WORLD = World(
    subject=ANIMALS,
    domains=animals.SPECIES,
    identity=lambda domain, generator: animals.sample_identity(1, generator, species=torch.tensor([domain])),
    state=lambda generator: animals.sample_state(1, generator, spread=SPREAD),
    draw=lambda looks, scene, state, size: animals.draw(looks, state, size).image,
    recoloured=other_fur,
    answers=animal_answers,
    shows=lambda marks, domain: marks.gather(1, domain[:, None])[:, 0] > 0.5,
)
WORLDS = (HEAD_WORLD, ANIMAL_WORLD)


def world_of(name: str, domains: Sequence[str]) -> World:
    """The world that a network with these domains was made for; raises `BadRequest` when none is drawn."""
    for world in WORLDS:
        if set(world.domains) == set(domains):
            return world
    raise BadRequest(
        f"{name} has the domains {', '.join(domains)}, of which nothing is drawn; "
        f"use one with {' or '.join('/'.join(world.domains) for world in WORLDS)}"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A source and a reference of one domain, with what should come of them."""

    index: int
    """Of the source."""
    domain: int
    source: Picture
    reference: Picture
    truth: Picture
    """The reference's looks in the source's pose and scene."""
    coat: Bool[np.ndarray, "s s"]
    """The truth's pixels that show the colour of hair or fur: they change when it is drawn in another."""
    other: Picture
    """Another one of the domain in the same pose and scene."""
    source_answers: Answers
    reference_answers: Answers


def cases_of(world: World, index: int, size: int) -> list[Case]:
    """The source with that number, beside a reference of every domain."""
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
                source_answers=world.answers(who, how),
                reference_answers=world.answers(reference, state),
            )
        )
    return cases
