"""Expressions."""

import torch

from deepfake_core.synthetic.photos.expression import Face, calm, displaced
from deepfake_core.synthetic.photos.states import sample_puppet


def test_an_expression_and_its_inverse_cancel() -> None:
    generator = torch.Generator().manual_seed(0)
    state, _ = sample_puppet(torch.zeros(6), generator)
    face = Face(torch.full((6,), 0.24), torch.full((6,), 0.06), torch.tensor([0.0, 1.0] * 3))
    u = torch.rand(6, 500, generator=generator) * 1.2 - 0.6
    v = torch.rand(6, 500, generator=generator) * 2 - 1.2
    skin = calm(face, state, *displaced(face, state, u, v))
    assert (skin.u - u).abs().max() < 0.01
    assert ((skin.v - v).abs() < 0.01).float().mean() > 0.995  # but on the line between the lips, where it tears
