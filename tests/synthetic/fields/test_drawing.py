"""Laws of the drawn fields: horse and zebra are each other's truth, and pictures repeat."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from deepfake_core.synthetic.fields import Field, FieldDrawing, draw, sample_field
from deepfake_core.synthetic.fields import drawing as drawing
from deepfake_core.synthetic.fields.drawing import compose, herd_of, raster_of
from tests.synthetic.fields.herds import COUNT, HORSE, SIZE, ZEBRA, inside


def test_a_seed_names_one_picture(fields: Field, horses: FieldDrawing) -> None:
    again = draw(sample_field(COUNT, torch.Generator().manual_seed(5)), torch.full((COUNT,), HORSE), SIZE)
    assert torch.equal(again.image, horses.image)
    other = draw(sample_field(COUNT, torch.Generator().manual_seed(6)), torch.full((COUNT,), HORSE), SIZE)
    assert (other.image - horses.image).abs().mean() > 0.05


def test_company_does_not_matter(fields: Field, zebras: FieldDrawing) -> None:
    order = torch.tensor([3, 1])
    apart = draw(fields.pick(order), torch.full((2,), ZEBRA), SIZE)
    torch.testing.assert_close(apart.image, zebras.image[order], atol=1e-4, rtol=0)
    torch.testing.assert_close(apart.mask, zebras.mask[order], atol=1e-4, rtol=0)


def test_together_is_as_one_after_another(fields: Field, horses: FieldDrawing, zebras: FieldDrawing) -> None:
    """What a GPU does, all fields and both species at once, gives what a CPU gives."""
    species = (torch.arange(COUNT) % 2).float()
    mixed = compose(fields, herd_of(fields), species, raster_of(SIZE, species.device))
    for both, horse, zebra in zip(mixed, horses, zebras, strict=True):
        expected = torch.where(species[:, None, None, None] > 0, zebra, horse)
        torch.testing.assert_close(both, expected, atol=1e-4, rtol=0)


def test_squares_cut_nothing_off(fields: Field, horses: FieldDrawing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Painting each part in the squares that it reaches gives what painting it everywhere gives."""
    monkeypatch.setattr(drawing, "FARTHEST", 100.0)
    everywhere = draw(fields, torch.full((COUNT,), HORSE), SIZE)
    torch.testing.assert_close(everywhere.image, horses.image, atol=1e-4, rtol=0)
    torch.testing.assert_close(everywhere.mask, horses.mask, atol=1e-4, rtol=0)


def test_the_world_outside_the_animals_is_bit_for_bit_the_same(horses: FieldDrawing, zebras: FieldDrawing) -> None:
    outside = ((horses.mask == 0) & (zebras.mask == 0)).expand_as(horses.image)
    assert torch.equal(horses.image[outside], zebras.image[outside])
    assert 0.5 < outside.float().mean() < 0.9
    assert (horses.image - zebras.image).abs()[inside(horses)].mean() > 0.1


def test_the_animals_stand_alike(horses: FieldDrawing, zebras: FieldDrawing) -> None:
    """Their outlines differ by mane and tail only."""
    shared = torch.minimum(horses.mask, zebras.mask).sum((1, 2, 3))
    either = torch.maximum(horses.mask, zebras.mask).sum((1, 2, 3))
    assert (shared / either > 0.85).all()
    assert not torch.equal(horses.mask, zebras.mask)


def test_pictures_are_in_range_and_animals_are_large() -> None:
    many = sample_field(16, torch.Generator().manual_seed(2))
    drawing = draw(many, (torch.arange(16) % 2).float(), SIZE)
    assert drawing.image.isfinite().all() and drawing.mask.isfinite().all()
    assert drawing.image.min() >= 0 and drawing.image.max() <= 1
    assert drawing.mask.min() >= 0 and drawing.mask.max() <= 1
    share = drawing.mask.mean((1, 2, 3))
    assert (share > 0.10).all() and (share < 0.45).all()
    wide = (drawing.mask[:, 0].amax(1) > 0.5).float().mean(1)
    assert (wide > 0.5).all()
    assert (drawing.mask[:, 0, 0] == 0).float().mean() > 0.95  # ears stay below the upper edge


def test_facing_the_other_way_is_the_mirror_picture(alone: Field) -> None:
    mirror = torch.tensor((-1.0, 1.0, 1.0))
    turned = alone._replace(facing=-alone.facing, place=alone.place * mirror[:2], light=alone.light * mirror)
    right, left = (draw(field.pick(slice(0, 1)), torch.full((1,), ZEBRA), SIZE) for field in (alone, turned))
    both = inside(right) & inside(left).flip(-1)
    assert (right.mask - left.mask.flip(-1)).abs().mean() < 0.005  # the grass before the hooves is not mirrored
    assert (right.image - left.image.flip(-1)).abs()[both].max() < 0.01
    head = right.mask[0, 0, : SIZE // 3].sum(0)
    assert head[SIZE // 2 :].sum() > 5 * head[: SIZE // 2].sum()  # it looks to the right


def test_who_is_absent_is_not_drawn(alone: Field) -> None:
    empty = draw(alone._replace(present=torch.zeros(4, 2)), torch.full((4,), ZEBRA), SIZE)
    assert empty.mask.max() == 0


def test_size_changes_the_sampling_only(fields: Field, zebras: FieldDrawing) -> None:
    fine = draw(fields, torch.full((COUNT,), ZEBRA), 2 * SIZE)
    assert (avg_pool2d(fine.mask, 2) - zebras.mask).abs().mean() < 0.02
    odd = draw(fields.pick(slice(0, 1)), torch.full((1,), ZEBRA), 50)  # no multiple of the blocks
    assert odd.image.shape[-2:] == (50, 50) and 0.1 < odd.mask.mean() < 0.5
