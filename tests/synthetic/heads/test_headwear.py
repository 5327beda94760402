"""Hats and the hair under them."""

import pytest
import torch

from deepfake_core.motion import coordinate_grid
from deepfake_core.synthetic.heads import (
    LANDMARKS,
    HeadIdentity,
    draw,
    neutral_state,
    sample_identity,
)
from deepfake_core.synthetic.heads.hairstyles import BALD, HAIRSTYLES, HAT_STYLES
from deepfake_core.synthetic.heads.headwear import HATS
from deepfake_core.synthetic.heads.scene import LAYERS, build_scene
from deepfake_core.synthetic.render.layers import show
from deepfake_core.synthetic.render.solids import see
from tests.synthetic.heads.people import COUNT, SIZE, moved


def test_a_hat_hides_what_is_behind_it(people: HeadIdentity) -> None:
    """The peak of a cap hides the forehead of a bowed head, and nothing of the face when the head is upright."""
    cap = torch.full_like(people.hat, HATS.index("cap"))
    bowed, upright = moved(COUNT, pitch=-0.44), neutral_state(COUNT)
    bald = people._replace(hair_style=torch.full_like(cap, BALD), hat=torch.zeros_like(cap))
    forehead, brow = LANDMARKS.index("forehead"), LANDMARKS.index("left brow")
    assert draw(bald, bowed, SIZE).visible[:, forehead].all()
    capped = bald._replace(hat=cap)
    assert not draw(capped, bowed, SIZE).visible[:, forehead].any()
    assert not draw(capped, upright, SIZE).visible[:, LANDMARKS.index("crown")].any()
    for hat in range(1, len(HATS)):
        seen = draw(bald._replace(hat=torch.full_like(cap, hat)), upright, SIZE).visible
        assert seen[:, :forehead].all() and seen[:, brow].all()


@pytest.mark.parametrize("style", [name for name in HAT_STYLES if name != "bald"])
def test_hair_shows_under_every_hat(people: HeadIdentity, style: str) -> None:
    """Hair colour is an attribute to be edited, so it must be readable whatever is worn."""
    chosen = torch.full((COUNT,), list(HAIRSTYLES).index(style))
    for hat in range(len(HATS)):
        worn = people._replace(hat=torch.full((COUNT,), hat), hair_style=chosen)
        for yaw in (-0.5, 0.0, 0.5):
            scene = build_scene(worn, moved(COUNT, yaw=yaw), SIZE)
            layers = [see(solid, coordinate_grid(SIZE, SIZE).reshape(1, -1, 2), scene.pixel) for solid in scene.solids]
            tau, alpha = (torch.stack(part, 1) for part in ([i.hit.tau for i in layers], [i.alpha for i in layers]))
            shows = show(tau, alpha, scene.pixel)[:, LAYERS.index("hair")].mean(1)
            assert shows.min() > 0.02


def test_hats_are_worn_by_some_and_only_over_hair_that_fits() -> None:
    crowd = sample_identity(4000, torch.Generator().manual_seed(4))
    hatted = crowd.hat > 0
    assert 0.15 < hatted.float().mean() < 0.21
    assert 0.10 < crowd.scarf.mean() < 0.14
    assert {list(HAIRSTYLES)[i] for i in crowd.hair_style[hatted].tolist()} == set(HAT_STYLES)
