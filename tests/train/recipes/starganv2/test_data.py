"""What the recipe trains on: drawn blocks and their truth, folders, augmentation."""

from pathlib import Path

import pytest
import torch

from train.common.augment import augmented, shifted
from train.recipes.starganv2.data import DrawnData, DrawnSet, FolderData

CPU = torch.device("cpu")


@pytest.mark.parametrize("world", ["heads", "animals"])
def test_blocks_hold_the_truth(world: str, rng: torch.Generator) -> None:
    """Within a state the background is everybody's, and what changes with looks lies around the middle."""
    data = DrawnData(world, 64, DrawnSet(blocks=1, looks=2, states=2), CPU)
    pictures = data.blocks[0].float() / 255
    assert len(pictures) == 2 * len(data.domains)
    corner = pictures[..., :4, :4]
    looks, scenes = (corner[1:] - corner[:-1]).abs().mean(), (corner[:, 0] - corner[:, 1]).abs().mean()
    assert looks < 0.02 < scenes
    samples = data.sample(12, rng)
    assert samples.truth is not None
    for source, truth in zip(samples.source, samples.truth, strict=True):
        torch.testing.assert_close(source[:, :2, :2], truth[:, :2, :2], atol=0.05, rtol=0.0)
    itself = torch.tensor([torch.equal(*pair) for pair in zip(samples.source, samples.truth, strict=True)])
    shown, coats = pictures.flatten(0, 1) * 2 - 1, data.coats.flatten(0, 2)
    assert samples.coat is not None and 0.02 < coats.float().mean() < 0.6
    for truth, coat in zip(samples.truth, samples.coat, strict=True):
        turned = [(shown - each).abs().mean(dim=(1, 2, 3)) for each in (truth, truth.flip(-1))]
        assert torch.equal(
            coat, coats[turned[0].argmin()] if turned[0].min() == 0 else coats[turned[1].argmin()].flip(-1)
        )
    assert 0 < itself.sum() < 12  # some references show the source's own looks, most do not


def test_a_reference_never_gives_the_truth_away(rng: torch.Generator) -> None:
    """It shows the same looks in another state; its attributes are standardised, and only its own."""
    data = DrawnData("animals", 64, DrawnSet(blocks=1, looks=2, states=2), CPU)
    samples = data.sample(40, rng)
    assert samples.truth is not None and samples.attributes is not None
    assert (
        min((reference - truth).abs().mean() for reference, truth in zip(samples.reference, samples.truth, strict=True))
        > 0.02
    )
    known = data.attributes.flatten(0, 1)
    assert all((known == one).all(dim=1).any() for one in samples.attributes)
    assert len(samples.attributes.unique(dim=0)) == 6
    torch.testing.assert_close(known.mean(0), torch.zeros(known.shape[1]), atol=1e-5, rtol=0.0)
    deviation = known.std(0, correction=0)
    torch.testing.assert_close(deviation, (deviation > 0).float(), atol=1e-4, rtol=0.0)


def test_folders_are_sampled_in_balance(photos: Path, rng: torch.Generator, caplog: pytest.LogCaptureFixture) -> None:
    """The smallest domain comes as often as the largest, and every picture is of its domain."""
    data = FolderData(photos, 64)
    assert data.domains == ("apple", "pear", "plum")
    samples = data.sample(300, rng)
    assert samples.truth is None and torch.bincount(samples.domain).min() > 75
    for image, domain in ((samples.source, samples.source_domain), (samples.second, samples.domain)):
        torch.testing.assert_close(image.mean((1, 2, 3)), domain.float() * 100 / 127.5 - 1)
    assert "broken.png" in caplog.text


def test_half_of_the_blocks_hold_twins_who_differ_in_sex_alone() -> None:
    """So that the domain classifier and the styles do not rely on typical hairstyles."""
    data = DrawnData("heads", 64, DrawnSet(blocks=12, looks=1, states=1), CPU)
    apart = (data.blocks[:, 0, 0].float() - data.blocks[:, 1, 0].float()).abs().amax(dim=1) > 25
    shares = apart.float().mean(dim=(1, 2))
    assert 2 <= int((shares < 0.12).sum()) <= 10, "twins share hair and clothes"


def test_augmentation_uses_the_generator_only_and_is_small(rng: torch.Generator) -> None:
    image = torch.rand(4, 3, 128, 128, generator=rng) * 2 - 1
    smooth = torch.nn.functional.avg_pool2d(image, 31, stride=1, padding=15)
    one, same, other = (augmented(smooth, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert one.shape == smooth.shape and torch.equal(one, same) and not torch.equal(one, other)
    assert 0 < float((one - smooth).abs().mean()) < 0.15


def test_images_are_shifted_together_by_every_number_of_pixels(rng: torch.Generator) -> None:
    image = torch.rand(2, 3, 16, 16, generator=rng)
    offsets = set[tuple[int, int]]()
    for _ in range(60):
        one, twice = shifted((image, 2 * image), rng, most=1)
        assert torch.equal(twice, 2 * one)
        inner = one[..., 1:-1, 1:-1]
        offsets |= {
            (y, x) for y in range(3) for x in range(3) if torch.equal(inner, image[..., y : y + 14, x : x + 14])
        }
    assert len(offsets) == 9
