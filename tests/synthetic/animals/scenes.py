"""Animals and states that several tests draw."""

import torch

from deepfake_core.synthetic.animals import AnimalIdentity, AnimalState, sample_identity, sample_state
from deepfake_core.synthetic.animals.breeds import SPECIES

SIZE, COUNT = 64, 4


def posed(count: int, **parts: float) -> AnimalState:
    """One scene, and animals that look straight ahead but for the parts named."""
    calm = sample_state(1, torch.Generator().manual_seed(1), spread=0.0).pick(torch.zeros(count, dtype=torch.long))
    return calm._replace(**{name: torch.full((count,), value) for name, value in parts.items()})


def of_species(name: str, count: int, seed: int) -> AnimalIdentity:
    species = torch.full((count,), SPECIES.index(name))
    return sample_identity(count, torch.Generator().manual_seed(seed), species=species)
