"""The classifier learns what is asked, is kept, and is asked the right questions."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.images import to_frames
from benchmarks.quality import attribute_classifier as attribute_classifier
from benchmarks.quality.attribute_classifier import (
    AttributeClassifier,
    ClassifierConfig,
    Skill,
    classifier_for,
    fingerprint,
    mirrored,
    train_classifier,
)
from benchmarks.quality.subjects import HAIR, Labels, Subject, draw_heads, head_labels
from deepfake_core.synthetic.heads import draw, neutral_state, sample_identity
from deepfake_core.synthetic.heads.hairstyles import BALD

TINY = ClassifierConfig(size=32, width=4, pictures=128, tested=64, steps=80, batch=32)


def draw_bars(count: int, size: int, generator: torch.Generator) -> tuple[torch.Tensor, Labels]:
    """A bar on a ground of some grey: it lies or stands; the farther right, the greater the yaw."""
    lies, place, grey = (torch.rand(count, generator=generator) for _ in range(3))
    image = (0.2 + 0.4 * grey)[:, None, None, None].expand(-1, 3, size, size).clone()
    for picture, flat, x in zip(image, (lies > 0.5).tolist(), (place * (size - 12)).long().tolist(), strict=True):
        rows, columns = (slice(14, 18), slice(x, x + 12)) if flat else (slice(10, 22), slice(x + 4, x + 8))
        picture[:, rows, columns] = 1.0
    angles = torch.stack((40 * (place - 0.5), torch.zeros(count), torch.zeros(count)), 1)
    return image, Labels((lies > 0.5).float()[:, None], angles, grey[:, None])


BARS = Subject(name="bars", attributes=("lies",), looks=("grey",), draw=draw_bars)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def learned(home: Path, monkeypatch) -> tuple[AttributeClassifier, Skill]:
    """Trained for the first test that asks, kept for the others."""
    monkeypatch.setenv("DEEPFAKE_HOME", str(home))
    return classifier_for(BARS, TINY)


@pytest.mark.slow
def test_it_learns(learned) -> None:
    _, skill = learned
    assert skill.attributes["lies"] > 0.95 and skill.angle < 4 and skill.looks["grey"] > 0.7
    assert "lies" in str(skill)


@pytest.mark.slow
def test_it_is_kept(learned, monkeypatch) -> None:
    classifier, skill = learned
    monkeypatch.setattr(attribute_classifier, "train_classifier", None)  # it would be called if nothing were kept
    again, again_skill = classifier_for(BARS, TINY)
    assert again_skill == skill
    pictures = list(to_frames(draw_bars(5, 32, torch.Generator().manual_seed(1))[0]))
    torch.testing.assert_close(again.predict(pictures), classifier.predict(pictures))


@pytest.mark.slow
def test_the_same_configuration_gives_the_same_classifier() -> None:
    few = ClassifierConfig(size=32, width=2, pictures=32, steps=3)
    before = torch.random.get_rng_state()
    first, second = (train_classifier(BARS, few).state_dict() for _ in range(2))
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.slow
def test_another_way_of_learning_or_drawing_is_another_classifier() -> None:
    brighter = replace(BARS, draw=lambda *asked: (draw_bars(*asked)[0] * 0.9, draw_bars(*asked)[1]))
    names = {fingerprint(*each) for each in ((BARS, TINY), (BARS, replace(TINY, steps=1)), (brighter, TINY))}
    assert len(names) == 3 and fingerprint(BARS, TINY) in names


@pytest.mark.slow
def test_pictures_of_another_size_are_read_too(learned) -> None:
    classifier, _ = learned
    image, _ = draw_bars(8, 32, torch.Generator().manual_seed(2))
    large = torch.nn.functional.interpolate(image, scale_factor=2)
    near, far = classifier.predict(list(to_frames(image))), classifier.predict(list(to_frames(large)))
    assert (near.angles - far.angles).abs().max() < 6


def test_a_mirrored_head_turns_and_tilts_the_other_way_but_nods_alike() -> None:
    image, truth = draw_bars(2, 32, torch.Generator().manual_seed(3))
    truth = truth._replace(angles=torch.tensor([[10.0, 20.0, 30.0], [0.0, -5.0, 7.0]]))
    flipped, labels = mirrored(image, truth)
    torch.testing.assert_close(flipped[..., 0], image[..., -1])
    torch.testing.assert_close(labels.angles, torch.tensor([[-10.0, 20.0, -30.0], [0.0, -5.0, -7.0]]))


@pytest.fixture(scope="module")
def heads() -> tuple[torch.Tensor, Labels]:
    return draw_heads(6, 32, torch.Generator().manual_seed(4))


def test_neighbours_are_one_head_at_two_ages(heads) -> None:
    image, truth = heads
    assert len(image) == 6
    torch.testing.assert_close(truth.angles[::2], truth.angles[1::2])
    torch.testing.assert_close(truth.attributes[::2, -1], 1 - truth.attributes[1::2, -1])
    assert (truth.attributes[:, :HAIR].sum(1) <= 1).all()


def test_where_there_is_no_hair_its_colour_is_the_skins() -> None:
    identity = sample_identity(2, torch.Generator().manual_seed(5))
    identity = identity._replace(hair_style=torch.tensor([BALD, BALD + 1]))
    state = neutral_state(2)
    labels, drawn = head_labels(identity, state), draw(identity, state, 32)
    torch.testing.assert_close(labels.looks[:, :3], torch.stack((identity.skin[0], identity.hair_colour[1])))
    torch.testing.assert_close(labels.attributes, drawn.attributes)
