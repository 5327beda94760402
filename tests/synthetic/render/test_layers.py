"""Layers composited by depth."""

import torch
from torch.testing import assert_close

from deepfake_core.synthetic.render.layers import finish, show, window_of

SOFT = torch.full((1, 1), 0.1)


def test_the_nearer_layer_hides_by_its_opacity_in_whatever_order() -> None:
    tau, alpha = torch.tensor([[[2.0, 2.0], [1.0, 1.0]]]), torch.tensor([[[1.0, 1.0], [1.0, 0.25]]])
    weight = show(tau, alpha, SOFT)
    assert_close(weight, torch.tensor([[[0.0, 0.75], [1.0, 0.25]]]))
    assert_close(show(tau.flip(1), alpha.flip(1), SOFT), weight.flip(1))


def test_a_window_holds_its_box_and_stays_in_the_picture() -> None:
    assert window_of([10.0, 20.4, 5.0, 8.0], 64) == (slice(4, 11), slice(9, 23))
    assert window_of([-5.0, 90.0, 70.0, 80.0], 64) == (slice(63, 64), slice(0, 64))


def test_tone_mapping_keeps_mid_tones_and_compresses_highlights() -> None:
    colour = torch.tensor([0.0, 0.5, 0.8, 1.0, 1.2, 9.0]).expand(1, 3, 1, 6)
    expected = torch.tensor([0.0, 0.5, 0.8, 0.8 + 0.2 / 1.5, 1.0, 1.0])
    assert_close(finish(colour)[0, 0, 0], expected)
