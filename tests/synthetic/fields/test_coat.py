"""Stripes and hair belong to the body."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from deepfake_core.synthetic.fields import Field, FieldDrawing, draw
from deepfake_core.synthetic.fields import drawing as drawing
from deepfake_core.synthetic.fields.coat import strands, stripes
from deepfake_core.synthetic.fields.parameters import COATS
from tests.synthetic.fields.herds import SIZE, ZEBRA, inside


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
