"""Laws of the drawn animals: they repeat, looks and state part cleanly, and what is told about them is true."""

import pytest
import torch

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.animals import LANDMARKS, AnimalIdentity, AnimalState, draw, sample_identity, sample_state
from deepfake_core.synthetic.animals.anatomy import build_scene
from deepfake_core.synthetic.animals.breeds import EARS, PATTERNS, SPECIES
from deepfake_core.synthetic.animals.drawing import compose
from tests.synthetic.animals.scenes import COUNT, SIZE, of_species, posed

FACE = [LANDMARKS.index(name) for name in ("left eye", "right eye", "nose", "mouth")]


@pytest.fixture(scope="module")
def zoo() -> AnimalIdentity:
    return sample_identity(COUNT, torch.Generator().manual_seed(5), species=torch.tensor([0, 1, 2, 0]))


@pytest.fixture(scope="module")
def states() -> AnimalState:
    return sample_state(COUNT, torch.Generator().manual_seed(6))


def test_a_seed_names_one_picture() -> None:
    def once(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return draw(sample_identity(2, generator), sample_state(2, generator), SIZE).image

    assert torch.equal(once(3), once(3))
    assert not torch.equal(once(3), once(4))
    assert not once(3).requires_grad


def test_company_does_not_matter(zoo: AnimalIdentity, states: AnimalState) -> None:
    together = draw(zoo, states, SIZE)
    order = torch.tensor([3, 1, 2])
    apart = draw(zoo.pick(order), states.pick(order), SIZE)
    for all_of_it, part in zip(together, apart, strict=True):
        torch.testing.assert_close(all_of_it[order], part, atol=1e-4, rtol=0)


def test_windows_cut_nothing_off() -> None:
    """Painting inside each solid's window gives what painting everywhere, all animals at once, gives."""
    animals, turned = sample_identity(8, torch.Generator().manual_seed(2)), posed(8, roll=0.53, yaw=0.7, scale=1.3)
    assert (animals.mane > 0).any() and (animals.mane == 0).any()
    everywhere = [(slice(0, SIZE), slice(0, SIZE))] * 6
    image, mask = compose(animals, turned, build_scene(animals, turned, SIZE), coordinate_grid(SIZE, SIZE), everywhere)
    drawing = draw(animals, turned, SIZE)
    torch.testing.assert_close(drawing.image, image, atol=1e-4, rtol=0)
    torch.testing.assert_close(drawing.mask, mask, atol=1e-4, rtol=0)


@pytest.mark.parametrize("species", SPECIES)
def test_every_coat_and_ear_draws_at_extreme_poses(species: str) -> None:
    count = len(PATTERNS)
    animals = of_species(species, count, 7)._replace(pattern=torch.arange(count), ear=torch.arange(count) % len(EARS))
    for yaw, pitch, roll, lids in ((0.70, 0.44, 0.53, 1.0), (-0.70, -0.44, -0.53, 0.0)):
        drawing = draw(animals, posed(count, yaw=yaw, pitch=pitch, roll=roll, lids=lids, mouth_open=1.0), SIZE)
        assert all(part.isfinite().all() for part in drawing)
        for part in (drawing.image, drawing.mask):
            assert part.min() >= 0 and part.max() <= 1
        assert (drawing.mask.mean((1, 2, 3)) > 0.2).all() and (drawing.mask.mean((1, 2, 3)) < 0.85).all()


def test_other_looks_keep_the_state(zoo: AnimalIdentity, states: AnimalState) -> None:
    """The counterfactual of StarGAN v2: eyes, nose and mouth stay where the pose puts them, but for anatomy."""
    first = draw(zoo, states, SIZE).landmarks[:, FACE]
    other = draw(zoo.pick(torch.tensor([1, 2, 0, 2])), states, SIZE).landmarks[:, FACE]
    moved = draw(zoo, states._replace(yaw=states.yaw + 0.5), SIZE).landmarks[:, FACE]
    apart = (other - first).norm(dim=-1)
    assert apart[:, :2].max() < 0.03  # eyes
    assert apart.max() < 0.22  # a hound's muzzle carries the nose forward, hence aside in a turn
    assert apart.mean() < 0.25 * (moved - first).norm(dim=-1).mean()
    ahead = posed(COUNT)
    assert draw(zoo, ahead, SIZE).landmarks[:, FACE].std(0).max() < 0.04


def test_other_looks_keep_the_scene(zoo: AnimalIdentity, states: AnimalState) -> None:
    """Where neither the one nor the other animal stands, not one pixel changes; where they stand, many do."""
    one, other = draw(zoo, states, SIZE), draw(zoo.pick(torch.tensor([1, 2, 0, 2])), states, SIZE)
    outside = ((one.mask == 0) & (other.mask == 0)).expand_as(one.image)
    assert outside.float().mean() > 0.1
    assert torch.equal(one.image[outside], other.image[outside])
    assert ((one.image - other.image).abs().mean(1, keepdim=True)[one.mask > 0.5]).mean() > 0.05


def test_background_and_light_belong_to_the_state(zoo: AnimalIdentity, states: AnimalState) -> None:
    moved = states._replace(background_colour=1 - states.background_colour)
    one, other = draw(zoo, states, SIZE), draw(zoo, moved, SIZE)
    assert torch.equal(one.mask, other.mask)
    inside = (one.mask == 1).expand_as(one.image)
    assert torch.equal(one.image[inside], other.image[inside])
    lit = draw(zoo, states._replace(light=-states.light), SIZE).image
    assert (lit[inside].mean() < one.image[inside].mean()).all()


def test_features_move_as_told(zoo: AnimalIdentity) -> None:
    nose, chin, mouth = (LANDMARKS.index(name) for name in ("nose", "chin", "mouth"))
    ahead, right, up, wide = (
        draw(zoo, posed(COUNT, **parts), SIZE) for parts in ({}, {"yaw": 0.5}, {"pitch": 0.3}, {"mouth_open": 1.0})
    )
    assert (right.landmarks[:, nose, 0] > ahead.landmarks[:, nose, 0] + 0.1).all()
    assert (up.landmarks[:, nose, 1] < ahead.landmarks[:, nose, 1] - 0.05).all()
    assert (wide.landmarks[:, chin, 1] > ahead.landmarks[:, chin, 1] + 0.04).all()
    torch.testing.assert_close(wide.landmarks[:, nose], ahead.landmarks[:, nose], atol=0.01, rtol=0)
    assert ahead.visible[:, [*FACE, mouth]].all()
    for part in ("eye", "mouth corner", "ear tip"):
        left, right_one = LANDMARKS.index(f"left {part}"), LANDMARKS.index(f"right {part}")
        assert (ahead.landmarks[:, left, 0] < ahead.landmarks[:, right_one, 0]).all()
        mirrored = ahead.landmarks[:, left] * torch.tensor((-1.0, 1.0))
        torch.testing.assert_close(mirrored, ahead.landmarks[:, right_one], atol=1e-4, rtol=0)


def test_mouth_and_lids_change_the_face_alone(zoo: AnimalIdentity) -> None:
    calm, asleep = draw(zoo, posed(COUNT), SIZE), draw(zoo, posed(COUNT, lids=1.0), SIZE)
    changed = (calm.image - asleep.image).abs().amax(1) > 1e-4
    eye = calm.landmarks[:, LANDMARKS.index("right eye")]
    grid = coordinate_grid(SIZE, SIZE)
    for i in range(COUNT):
        x, y = grid[changed[i]].unbind(-1)
        assert len(x) > 20
        assert ((x.abs() - eye[i, 0]).abs() < 0.25).all() and ((y - eye[i, 1]).abs() < 0.25).all()
