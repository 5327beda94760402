"""The identity of a drawn animal: looks only, which can be combined with any pose, expression and scene.

StarGAN v2 asks for the reference's looks in the source's pose. Here that is `draw(reference_identity, source_state)`.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from deepfake_core.synthetic.animals.breeds import BREEDS, EARS, PATTERNS, SPECIES, Breed
from deepfake_core.synthetic.render.sampling import Dice

_MOST_EYES = 2  # eye colours that a breed may have


class AnimalIdentity(NamedTuple):
    """Looks of b animals. Ratios are about 1, shares 0 .. 1, colours in [0, 1]."""

    species: Int[Tensor, "b"]  # index into SPECIES
    base: Float[Tensor, "b 3"]  # fur
    second: Float[Tensor, "b 3"]  # fur of the pattern
    pale: Float[Tensor, "b 3"]  # fur of muzzle, chest and other pale places
    pattern: Int[Tensor, "b"]  # index into PATTERNS
    pattern_phase: Float[Tensor, "b 4"]  # 0 .. 1: where stripes and spots stand
    pale_muzzle: Float[Tensor, "b"]
    pale_cheeks: Float[Tensor, "b"]
    pale_brows: Float[Tensor, "b"]
    pale_blaze: Float[Tensor, "b"]  # share of the forehead's width
    pale_chest: Float[Tensor, "b"]
    ear: Int[Tensor, "b"]  # index into EARS
    ear_size: Float[Tensor, "b"]
    ear_colour: Float[Tensor, "b 3"]
    eye_colour: Float[Tensor, "b 3"]
    eye_size: Float[Tensor, "b"]
    eye_spacing: Float[Tensor, "b"]
    eye_tilt: Float[Tensor, "b"]  # radians, + lifts the outer corners
    slit: Float[Tensor, "b"]  # 0 round pupils .. 1 slits
    nose_colour: Float[Tensor, "b 3"]
    nose_size: Float[Tensor, "b"]
    muzzle_length: Float[Tensor, "b"]  # 0 a cat's .. 1 a hound's
    muzzle_width: Float[Tensor, "b"]
    face_width: Float[Tensor, "b"]
    mane: Float[Tensor, "b"]  # 0 none .. 1 a lion's
    mane_colour: Float[Tensor, "b 3"]
    fluff: Float[Tensor, "b"]  # 0 smooth .. 1 shaggy outline
    whiskers: Float[Tensor, "b"]  # how much they show

    def pick(self, index: slice | Tensor) -> "AnimalIdentity":
        """The identities at the given indices of the batch."""
        return AnimalIdentity(*(field[index] for field in self))


def sample_identity(
    count: int,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    species: Int[Tensor, "b"] | None = None,
) -> AnimalIdentity:
    """Draw random animals of the given species (by default all with equal probability), each of a random breed."""
    dice = Dice(count, generator, device)
    drawn = dice.choice((1.0,) * len(SPECIES))
    species = drawn if species is None else species.to(drawn.device)
    breed = _breed(species, dice.uniform())
    tone = 1 + dice.uniform(-0.10, 0.10, 1)
    wild = (species == SPECIES.index("wild")).float()
    cat = (species == SPECIES.index("cat")).float()
    eyes = _table(lambda b: [b.eyes[i % len(b.eyes)] for i in range(_MOST_EYES)], breed)
    chosen = (dice.uniform() * _MOST_EYES).long().clamp_max(_MOST_EYES - 1)
    eye = eyes.gather(1, chosen[:, None, None].expand(-1, 1, 3))[:, 0]

    def colour(name: str, jitter: float = 0.025) -> Tensor:
        value = _table(lambda b: getattr(b, name), breed)
        return (value * tone * (1 + dice.uniform(-jitter, jitter, 3))).clamp(0, 0.98)

    def share(name: str) -> Tensor:
        value = _table(lambda b: getattr(b, name), breed)
        return (value * (1 + dice.uniform(-0.15, 0.15))).clamp(0, 1)

    def ratio(name: str, deviation: float) -> Tensor:
        return _table(lambda b: getattr(b, name), breed) * dice.ratio(deviation)

    return AnimalIdentity(
        species=species,
        base=colour("base"), second=colour("second"), pale=colour("pale", 0.02),
        pattern=_table(lambda b: PATTERNS.index(b.pattern), breed).long(),
        pattern_phase=dice.uniform(0.0, 1.0, 4),
        pale_muzzle=share("pale_muzzle"), pale_cheeks=share("pale_cheeks"), pale_brows=share("pale_brows"),
        pale_blaze=share("pale_blaze"), pale_chest=share("pale_chest"),
        ear=_table(lambda b: EARS.index(b.ear), breed).long(), ear_size=ratio("ear_size", 0.06),
        ear_colour=colour("ears"),
        eye_colour=(eye * (1 + dice.uniform(-0.08, 0.08, 3))).clamp(0, 1),
        eye_size=ratio("eye_size", 0.04), eye_spacing=dice.ratio(0.025),
        eye_tilt=-0.10 + 0.20 * cat + 0.25 * wild + dice.uniform(-0.06, 0.06),
        slit=share("slit"),
        nose_colour=colour("nose"), nose_size=ratio("nose_size", 0.06),
        muzzle_length=share("muzzle_length"), muzzle_width=ratio("muzzle_width", 0.05),
        face_width=ratio("face_width", 0.025),
        mane=share("mane"), mane_colour=colour("mane_colour", 0.12),
        fluff=share("fluff"), whiskers=share("whiskers"),
    )  # fmt: skip


def _breed(species: Int[Tensor, "b"], where: Float[Tensor, "b"]) -> Int[Tensor, "b"]:
    """Index into BREEDS of a species' breed, by its position in 0 .. 1 in the list of the species."""
    own = [[i for i, breed in enumerate(BREEDS.values()) if breed.species == name] for name in SPECIES]
    longest = max(map(len, own))
    table = torch.tensor([rows + rows[:1] * (longest - len(rows)) for rows in own], device=species.device)
    lengths = torch.tensor([len(rows) for rows in own], device=species.device)[species]
    return table[species, (where * lengths).long().minimum(lengths - 1)]


def _table(of: Callable[[Breed], object], breed: Int[Tensor, "b"]) -> Tensor:
    """A property of every breed, looked up."""
    rows = [of(each) for each in BREEDS.values()]
    return torch.tensor(rows, dtype=torch.float32, device=breed.device)[breed]


def other_fur(identity: AnimalIdentity) -> AnimalIdentity:
    """The same animals with light instead of dark fur, and dark instead of light fur."""
    return identity._replace(base=(identity.base + 0.5) % 1)
