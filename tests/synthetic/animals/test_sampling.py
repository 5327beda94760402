"""What is drawn at random: poses within their limits, species by their breeds."""

import torch

from deepfake_core.synthetic.animals import sample_identity, sample_state
from deepfake_core.synthetic.animals.breeds import BREEDS, SPECIES
from tests.synthetic.animals.scenes import of_species


def test_poses_reach_far_and_stay_within_their_limits() -> None:
    many = sample_state(2000, torch.Generator().manual_seed(4))
    for angle, deviation, limit in ((many.yaw, 0.28, 0.70), (many.pitch, 0.13, 0.44), (many.roll, 0.13, 0.53)):
        assert 0.75 * limit < angle.abs().max() <= limit
        assert abs(angle.std() - deviation) < 0.02


def test_species_are_told_apart_by_their_breeds() -> None:
    for i, name in enumerate(SPECIES):
        animals = of_species(name, 200, 3)
        assert (animals.species == i).all()
        bases = torch.tensor([breed.base for breed in BREEDS.values() if breed.species == name])
        nearest = (animals.base[:, None] - bases).norm(dim=-1).min(1)
        assert nearest.values.max() < 0.25
        assert len(nearest.indices.unique()) >= len(bases) - 2  # every breed comes, but for two of nearly one colour
    assert of_species("cat", 50, 1).muzzle_length.max() < of_species("dog", 50, 1).muzzle_length.min()
    drawn = sample_identity(300, torch.Generator().manual_seed(0)).species
    assert (drawn.bincount(minlength=3) > 70).all()
