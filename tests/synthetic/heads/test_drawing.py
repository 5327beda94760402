"""Laws of the drawn heads: they are solid, and pictures repeat."""

import torch
from torch import Tensor

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads import (
    HeadIdentity,
    HeadState,
    draw,
    neutral_state,
    sample_identity,
    sample_state,
)
from deepfake_core.synthetic.heads.drawing import compose
from deepfake_core.synthetic.heads.scene import LAYERS, build_scene
from tests.synthetic.heads.people import COUNT, SIZE, dressed, moved


def test_turning_away_and_back_gives_the_same_picture(people: HeadIdentity) -> None:
    calm = neutral_state(COUNT)
    turned = calm._replace(yaw=calm.yaw + 0.5, pitch=calm.pitch - 0.3)
    back = turned._replace(yaw=turned.yaw - 0.5, pitch=turned.pitch + 0.3)
    first, away = draw(people, calm, SIZE).image, draw(people, turned, SIZE).image
    assert torch.equal(draw(people, back, SIZE).image, first)
    assert (away - first).abs().mean() > 0.02


def test_a_seed_names_one_picture() -> None:
    def once(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return draw(sample_identity(2, generator), sample_state(2, generator), SIZE).image

    assert torch.equal(once(3), once(3))
    assert not torch.equal(once(3), once(4))


def test_company_does_not_matter(people: HeadIdentity, states: HeadState) -> None:
    together = draw(people, states, SIZE)
    order = torch.tensor([3, 1, 2])
    apart = draw(people.pick(order), states.pick(order), SIZE)
    for all_of_it, part in zip(together, apart, strict=True):
        torch.testing.assert_close(all_of_it[order], part, atol=1e-4, rtol=0)


def test_windows_cut_nothing_off(people: HeadIdentity, states: HeadState) -> None:
    """Painting inside each solid's window gives what painting everywhere, all heads at once, gives."""
    worn = dressed(people)._replace(glasses=torch.tensor([0, 1, 2, 1]))
    turned = states._replace(yaw=torch.tensor([0.7, -0.7, 0.7, 0.0]))
    everywhere = [(slice(0, SIZE), slice(0, SIZE))] * (len(LAYERS) + 1)
    image, _ = compose(worn, turned, build_scene(worn, turned, SIZE), coordinate_grid(SIZE, SIZE), everywhere)
    torch.testing.assert_close(draw(worn, turned, SIZE).image, image, atol=1e-4, rtol=0)


def test_pictures_are_finite_at_extreme_poses(people: HeadIdentity) -> None:
    for yaw, pitch, roll in ((0.7, 0.44, 0.53), (-0.7, -0.44, -0.53), (0.7, -0.44, -0.53)):
        extreme = moved(COUNT, yaw=yaw, pitch=pitch, roll=roll, mouth_open=1.0, smile=-1.0, brow_raise=1.0, scale=1.2)
        drawing = draw(people, extreme, SIZE)
        assert all(part.isfinite().all() for part in drawing)
        assert drawing.image.min() >= 0 and drawing.image.max() <= 1
        assert 0.10 < drawing.mask.mean() < 0.75  # a head is there, whole, and does not fill the picture
