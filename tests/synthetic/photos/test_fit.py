"""A drawn head is fitted to a portrait's points."""

import torch
from torch.testing import assert_close

from deepfake_core.synthetic.photos.fit import EYE, MOUTH, fit, from_face, to_face


def test_a_fit_puts_eyes_and_mouth_where_drawn_heads_have_them() -> None:
    points = torch.tensor([[(-0.3, -0.2), (0.2, -0.1), (0.0, 0.1), (-0.3, 0.3), (0.1, 0.4)]])
    fitted = fit(points)
    u, v = to_face(fitted, points)
    assert_close(u[0, :2], torch.tensor([-EYE[0], EYE[0]]), atol=0.03, rtol=0)
    assert_close(v[0, :2].mean(), torch.tensor(EYE[1]), atol=1e-5, rtol=0)
    assert_close(torch.stack((u[0, 3:].mean(), v[0, 3:].mean())), torch.tensor([0.0, MOUTH]), atol=1e-5, rtol=0)
    assert 0.05 < float(fitted.roll) < 0.3
    assert_close(from_face(fitted, u, v), points)


def test_a_nose_that_stands_aside_tells_a_turned_head() -> None:
    straight = torch.tensor([[(-0.2, 0.0), (0.2, 0.0), (0.0, 0.15), (-0.15, 0.4), (0.15, 0.4)]])
    aside = straight.clone()
    aside[:, 2, 0] += 0.08
    assert_close(fit(straight).yaw, torch.zeros(1), atol=1e-4, rtol=0)
    assert 0.2 < float(fit(aside).yaw) < 0.45
