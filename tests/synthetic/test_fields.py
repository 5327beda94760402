"""Laws of the drawn fields: horse and zebra are each other's truth, stripes belong to the body, pictures repeat."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from deepfake_core.synthetic.fields import SPECIES, Field, FieldDrawing, draw, sample_field
from deepfake_core.synthetic.fields import drawing as drawing
from deepfake_core.synthetic.fields.coat import strands, stripes
from deepfake_core.synthetic.fields.drawing import compose, herd_of, raster_of
from deepfake_core.synthetic.fields.landscape import paint_landscape
from deepfake_core.synthetic.fields.parameters import COATS
from deepfake_core.synthetic.fields.pose import HOOVES, pose
from deepfake_core.synthetic.fields.skeleton import JOINTS

SIZE, COUNT = 64, 4
HORSE, ZEBRA = (float(SPECIES.index(name)) for name in ("horse", "zebra"))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def fields() -> Field:
    return sample_field(COUNT, torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def horses(fields: Field) -> FieldDrawing:
    return draw(fields, torch.full((COUNT,), HORSE), SIZE)


@pytest.fixture(scope="module")
def zebras(fields: Field) -> FieldDrawing:
    return draw(fields, torch.full((COUNT,), ZEBRA), SIZE)


@pytest.fixture(scope="module")
def alone() -> Field:
    """One animal from the side with its head up, four times."""
    field = sample_field(1, torch.Generator().manual_seed(8)).pick(torch.zeros(4, dtype=torch.long))
    one, zero = torch.ones(4, 2), torch.zeros(4, 2)
    place = torch.tensor((-0.2, 0.75)).expand(4, 2, 2)
    return field._replace(
        present=torch.tensor((1.0, 0.0)).expand(4, 2), facing=one, turn=zero, graze=zero, stride=zero, scale=one,
        place=place,
    )  # fmt: skip


def inside(drawing: FieldDrawing) -> Tensor:
    return drawing.mask.expand_as(drawing.image) > 0.999


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


def test_zebras_are_striped_and_horses_are_not(horses: FieldDrawing, zebras: FieldDrawing) -> None:
    def contrast(drawing: FieldDrawing) -> Tensor:
        light = drawing.image.mean(1, keepdim=True)
        rough = avg_pool2d(light**2, 5, 1, 2) - avg_pool2d(light, 5, 1, 2) ** 2
        return (rough.clamp_min(0).sqrt() * drawing.mask).sum((1, 2, 3)) / drawing.mask.sum((1, 2, 3))

    assert (contrast(zebras) > 1.5 * contrast(horses)).all()


def test_seven_to_nine_stripes_along_the_trunk() -> None:
    u = torch.linspace(-0.5, 0.47, 400)[None]
    black = stripes(u, torch.full_like(u, 0.78)) > 0.5
    assert 7 <= int((black[:, 1:] & ~black[:, :-1]).sum()) + int(black[:, 0]) <= 9


def test_stripes_move_with_the_animal(alone: Field) -> None:
    step = 8  # pixels
    aside = torch.tensor((step * 2 / (SIZE - 1), 0.0))
    here = draw(alone.pick(slice(0, 1)), torch.full((1,), ZEBRA), SIZE)
    there = draw(alone._replace(place=alone.place + aside).pick(slice(0, 1)), torch.full((1,), ZEBRA), SIZE)
    both = inside(here)[..., :-step] & inside(there)[..., step:]
    assert both.float().mean() > 0.1
    torch.testing.assert_close(here.image[..., :-step][both], there.image[..., step:][both], atol=2e-3, rtol=0)


def test_the_zebra_tells_the_colour_of_the_horse(alone: Field) -> None:
    """In one pose and light a zebra's mean colour is a linear function of the horse's coat, with a slope to see."""
    coats = torch.tensor([pair[0] for pair in COATS.values()])
    field = alone.pick(torch.zeros(len(coats), dtype=torch.long))
    drawing = draw(field._replace(coat=coats[:, None].expand(-1, 2, -1)), torch.full((len(coats),), ZEBRA), SIZE)
    mean = (drawing.image * drawing.mask).sum((2, 3)) / drawing.mask.sum((2, 3))
    for channel in range(3):
        line = torch.stack((coats[:, channel], torch.ones(len(coats))), 1)
        slope, start = torch.linalg.lstsq(line, mean[:, channel]).solution
        assert slope > 0.08
        torch.testing.assert_close(slope * coats[:, channel] + start, mean[:, channel], atol=2e-3, rtol=0)


def test_many_coats_are_told_apart() -> None:
    coats = torch.tensor([pair[0] for pair in COATS.values()])
    assert len(coats) >= 8
    assert torch.pdist(coats).min() > 0.1


def test_grass_is_calmer_far_away(fields: Field) -> None:
    """One pixel far away holds many tufts and shows their mean."""
    bare = fields._replace(horizon=torch.full((COUNT,), -0.2), flowers=torch.zeros(COUNT))
    grid = raster_of(128, bare.horizon.device).grid.unflatten(0, (128, 128))
    light = paint_landscape(bare, grid).image.mean(1)
    rough = light.diff(dim=2).abs().mean(2)  # of each row
    assert (rough[:, 56:62].mean(1) < 0.7 * rough[:, -16:].mean(1)).all()


def test_hair_hangs_from_a_whole_edge_and_ends_in_locks() -> None:
    """Along the neck the mane is cut below, at differing heights, and nowhere at its crest; so is the tail."""
    along = torch.linspace(0, 0.35, 300)
    fine, calm = torch.full((1, 1), 1e-3), torch.zeros(1)
    neck, across = torch.tensor((0.62, 0.785)), torch.tensor((-0.785, 0.62))
    for place, whole in ((-0.01, True), (-0.125, False)):
        points = torch.tensor((0.33, 1.0)) + along[:, None] * neck + place * across
        cut = strands("mane", calm, points.mT[None], fine).cut
        assert (cut.abs().max() < 1e-6) == whole
        assert whole or (cut.min() < 0.01 and cut.max() > 0.03)
    tail = torch.stack((torch.linspace(-0.64, -0.54, 300), torch.full((300,), 0.28)))[None]
    assert strands("tail", calm, tail, fine).cut.max() > 0.03
    coarse = strands("tail", calm, tail, torch.full((1, 1), 0.05)).shade
    assert coarse.diff().abs().mean() < strands("tail", calm, tail, fine).shade.diff().abs().mean()


def test_facing_the_other_way_is_the_mirror_picture(alone: Field) -> None:
    mirror = torch.tensor((-1.0, 1.0, 1.0))
    turned = alone._replace(facing=-alone.facing, place=alone.place * mirror[:2], light=alone.light * mirror)
    right, left = (draw(field.pick(slice(0, 1)), torch.full((1,), ZEBRA), SIZE) for field in (alone, turned))
    both = inside(right) & inside(left).flip(-1)
    assert (right.mask - left.mask.flip(-1)).abs().mean() < 0.005  # the grass before the hooves is not mirrored
    assert (right.image - left.image.flip(-1)).abs()[both].max() < 0.01
    head = right.mask[0, 0, : SIZE // 3].sum(0)
    assert head[SIZE // 2 :].sum() > 5 * head[: SIZE // 2].sum()  # it looks to the right


def test_hooves_stand_on_the_ground_and_grazers_reach_it(alone: Field) -> None:
    names = list(JOINTS)
    gait = torch.linspace(0, 0.75, 4)[:, None].expand(4, 2)
    walking = alone._replace(stride=torch.ones(4, 2), gait=gait).animal(0)
    heights = pose(walking).joints[:, [names.index(hoof) for hoof in HOOVES], 1]
    assert (heights.amin(1).abs() < 0.03).all()  # one at least carries
    assert heights.max() > 0.06  # one at least swings
    muzzle, eye = names.index("muzzle"), names.index("face")
    grazing, watching = (pose(alone._replace(graze=torch.full((4, 2), how)).animal(0)).joints for how in (1.0, 0.0))
    assert (grazing[:, muzzle, 1] < 0.13).all() and (watching[:, eye, 1] > 1.1).all()


def test_who_is_absent_is_not_drawn(alone: Field) -> None:
    empty = draw(alone._replace(present=torch.zeros(4, 2)), torch.full((4,), ZEBRA), SIZE)
    assert empty.mask.max() == 0


def test_size_changes_the_sampling_only(fields: Field, zebras: FieldDrawing) -> None:
    fine = draw(fields, torch.full((COUNT,), ZEBRA), 2 * SIZE)
    assert (avg_pool2d(fine.mask, 2) - zebras.mask).abs().mean() < 0.02
    odd = draw(fields.pick(slice(0, 1)), torch.full((1,), ZEBRA), 50)  # no multiple of the blocks
    assert odd.image.shape[-2:] == (50, 50) and 0.1 < odd.mask.mean() < 0.5
