"""The pairs of "Spot the fake": a picture as it was drawn or photographed, and one that a network made.

Where the made picture was drawn as well, what the network should have made is known: the real picture of the pair shows
the same, so every difference is the network's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from deepfake_core.faces import Face
from deepfake_core.media.images import Image
from deepfake_core.pipelines.controls import Controls
from deepfake_core.pipelines.cropped import crop_image
from deepfake_core.pixels import from_batch, from_unit
from deepfake_core.synthetic import animals, fields, heads
from deepfake_core.synthetic.heads.hairstyles import BALD

SPREAD = 0.8
"""Of the poses, relative to all that are drawn."""
TURN, TILT = 9.0, 4.0
"""Degrees by which a photograph is turned and tilted."""
SMILE = 0.4


class Pair(NamedTuple):
    """Two pictures of the same size."""

    real: Image
    made: Image


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of pair."""

    network: str
    """The method's name in the registry."""
    weights: str
    draw: Callable[[Any, int, Path | None], Pair]
    """(loaded model, seed, photograph) -> the pair. The same seed draws the same pair."""
    same: bool = True
    """Whether both show the same, so that they can be compared pixel by pixel."""


def moved(animator: Any, seed: int, photograph: Path | None = None) -> Pair:
    """A drawn head, moved to another pose."""
    dice = torch.Generator().manual_seed(seed)
    who, poses = heads.sample_identity(1, dice), heads.sample_state(2, dice, spread=SPREAD)
    source, real = pictures(heads.draw(who.pick(torch.zeros(2, dtype=torch.long)), poses, animator.size).image)
    return Pair(real, from_batch(from_unit(animator.inspect(source, real).prediction))[0])


def edited(editor: Any, seed: int, photograph: Path | None = None) -> Pair:
    """A drawn head, of which one attribute was edited."""
    dice = torch.Generator().manual_seed(seed)
    who = heads.sample_identity(1, dice)
    while int(who.hair_style) == BALD:  # which has no colour to be edited
        who = heads.sample_identity(1, dice)
    has = dict(zip(heads.ATTRIBUTES, (who.attributes[0] > 0.5).tolist(), strict=True))
    hair = [name for name in heads.ATTRIBUTES[:3] if not has[name]]
    name = [*hair, "Young"][seed % (len(hair) + 1)]
    wanted = has | ({one: one == name for one in heads.ATTRIBUTES[:3]} if name in hair else {name: not has[name]})
    other = heads.with_attributes(who, torch.tensor([[float(value) for value in wanted.values()]]))
    pose = heads.sample_state(1, dice, spread=SPREAD)
    source, real = (pictures(heads.draw(one, pose, editor.size).image)[0] for one in (who, other))
    return Pair(real, editor(source, {name: wanted[name]}, crop="none"))


def styled(synthesizer: Any, seed: int, photograph: Path | None = None) -> Pair:
    """A drawn head, redrawn in the style of another of the same sex."""
    dice = torch.Generator().manual_seed(seed)
    people, poses = heads.sample_identity(16, dice), heads.sample_state(2, dice, spread=SPREAD)
    domain = synthesizer.domains[seed % 2]
    alike = people.pick(torch.nonzero(people.male == (domain == "male")).flatten())
    who, reference = alike.pick(torch.tensor([0])), alike.pick(torch.tensor([1]))
    here, there = (poses.pick(torch.tensor([row])) for row in (0, 1))
    shown = ((who, here), (reference, there), (heads.with_scene_of(reference, who), here))
    source, style, real = (pictures(heads.draw(*one, synthesizer.size).image)[0] for one in shown)
    return Pair(real, synthesizer.from_reference(source, style, domain, crop="none"))


def changed_fur(synthesizer: Any, seed: int, photograph: Path | None = None) -> Pair:
    """A drawn animal, redrawn in the style of another species."""
    dice = torch.Generator().manual_seed(seed)
    domain = synthesizer.domains[seed % len(synthesizer.domains)]
    kind = animals.SPECIES.index(domain)
    both = torch.tensor([(kind + 1) % len(animals.SPECIES), kind])
    beasts, states = animals.sample_identity(2, dice, species=both), animals.sample_state(2, dice, spread=SPREAD)
    who, reference = (beasts.pick(torch.tensor([row])) for row in (0, 1))
    here, there = (states.pick(torch.tensor([row])) for row in (0, 1))
    shown = ((who, here), (reference, there), (reference, here))
    source, style, real = (pictures(animals.draw(*one, synthesizer.size).image)[0] for one in shown)
    return Pair(real, synthesizer.from_reference(source, style, domain, crop="none"))


def translated(translator: Any, seed: int, photograph: Path | None = None) -> Pair:
    """A drawn field of horses, translated to zebras."""
    field = fields.sample_field(1, torch.Generator().manual_seed(seed))
    source, real = (
        pictures(fields.draw(field, torch.tensor([zebra]), translator.size).image)[0] for zebra in (0.0, 1.0)
    )
    return Pair(real, translator(source, crop="none"))


def posed(animator: Any, seed: int, photograph: Path | None) -> Pair:
    """A photograph, turned by hand."""
    assert photograph is not None
    real = crop_image(photograph, animator.size, Face()).pixels
    side = 1.0 if seed % 2 else -1.0
    (made,) = animator.by_hand(photograph, Controls(yaw=side * TURN, roll=-side * TILT, smile=SMILE))
    return Pair(real, made)


KINDS: Mapping[str, Kind] = {
    "moved": Kind(network="fomm", weights="fomm-starter", draw=moved),
    "edited": Kind(network="stargan", weights="stargan-starter", draw=edited),
    "styled": Kind(network="starganv2", weights="starganv2-starter-heads", draw=styled),
    "fur": Kind(network="starganv2", weights="starganv2-starter-animals", draw=changed_fur),
    "translated": Kind(network="cyclegan", weights="cyclegan-starter-horse2zebra", draw=translated),
    "photograph": Kind(network="fomm", weights="fomm-starter", draw=posed, same=False),
}


def pictures(drawn: Float[Tensor, "b 3 s s"]) -> list[Image]:
    """Drawings in [0, 1] as uint8."""
    return from_batch(from_unit(drawn))
