"""The coat of a chest: hairs run downwards, bars leave its middle free."""

import torch

from deepfake_core.synthetic.animals.breeds import PATTERNS
from deepfake_core.synthetic.animals.coat import chest_share, hanging_hairs
from tests.synthetic.animals.scenes import of_species


def chest(count: int) -> torch.Tensor:
    """Points of the front of a chest, in rows from top to bottom."""
    line = torch.linspace(-0.5, 0.5, count)
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack((x, y - 0.4, (0.5 - x * x).sqrt()), 0).flatten(1)[None]


def test_hairs_of_the_chest_run_downwards() -> None:
    count = 200
    hair = hanging_hairs(chest(count)).view(count, count)
    assert hair.diff(dim=1).abs().mean() > 1.5 * hair.diff(dim=0).abs().mean()
    halves = hair[: count // 2], hair[count // 2 :]
    steps = [half.diff(dim=1).abs().mean() for half in halves]
    assert 0.7 < steps[0] / steps[1] < 1.4  # no star in which they would crowd


def test_bars_of_the_chest_leave_its_middle_free() -> None:
    cats = of_species("cat", 1, 2)._replace(pattern=torch.tensor([PATTERNS.index("tabby")]))
    share = chest_share(cats, chest(200)).view(200, 200)
    assert share[:, 80:120].max() < 0.1 and share.max() > 0.5
    plain = cats._replace(pattern=torch.tensor([PATTERNS.index("plain")]))
    assert chest_share(plain, chest(200)).max() == 0
