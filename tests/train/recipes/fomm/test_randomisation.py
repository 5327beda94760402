"""Domain randomisation: the truth of a pair holds after it, and pictures that are left alone are left alone."""

import pytest
import torch
import torch.nn.functional as F

from deepfake_core.errors import BadRequest
from deepfake_core.networks.fomm import FommConfig, HourglassConfig
from deepfake_core.networks.layers import warp
from deepfake_core.synthetic.heads import KEYPOINT_LANDMARKS
from train.recipes.fomm.data import Pairs
from train.recipes.fomm.randomisation import Randomisation, between, moved, randomised
from train.recipes.fomm.synthetic import DrawnHeads, cached_pairs, half_mirrored

CPU = torch.device("cpu")
SIZE = 64
NETWORK = FommConfig(size=SIZE, motion=HourglassConfig(base=8, scale=1.0))


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    sample = cached_pairs(12, NETWORK, DrawnHeads(heads=4, states=2), spread=0.7, device=CPU)
    return sample(torch.Generator().manual_seed(1))


def missed(pairs: Pairs) -> tuple[float, float]:
    """Mean difference of the driving frame and the source carried by the true flow, or left in place, where shown."""
    truth = pairs.truth
    assert truth is not None
    shown = F.avg_pool2d(truth.shown[:, None], 3, stride=1, padding=1) > 0.99  # edges are mixed colours
    carried = (warp(pairs.source, truth.flow) - pairs.driving).abs() * shown
    still = (pairs.source - pairs.driving).abs() * shown
    return float(carried.sum() / shown.sum() / 3), float(still.sum() / shown.sum() / 3)


def test_a_pool_knows_the_truth_of_its_pairs(pairs: Pairs) -> None:
    carried, still = missed(pairs)
    assert carried < 0.5 * still
    assert pairs.truth is not None and pairs.truth.named.all()
    again = cached_pairs(12, NETWORK, DrawnHeads(heads=4, states=2), spread=0.7, device=CPU)
    torch.testing.assert_close(again(torch.Generator().manual_seed(1)).driving, pairs.driving)


def test_in_a_mirror_the_truth_holds_and_left_is_right(pairs: Pairs) -> None:
    chosen = torch.arange(12) % 3 > 0
    mirrored = half_mirrored(pairs, chosen)
    assert mirrored.truth is not None and pairs.truth is not None
    torch.testing.assert_close(mirrored.source[chosen], pairs.source[chosen].flip(-1))
    torch.testing.assert_close(mirrored.driving[~chosen], pairs.driving[~chosen])
    assert missed(mirrored) == pytest.approx(missed(pairs), rel=1e-4)
    names = [KEYPOINT_LANDMARKS.index(name) for name in ("left eye", "right eye", "nose tip")]
    left, right, nose = mirrored.truth.source.position[:, names].unbind(1)
    before = pairs.truth.source.position[:, names].unbind(1)
    torch.testing.assert_close(left[chosen, 0], -before[1][chosen, 0])
    torch.testing.assert_close(nose[:, 1], before[2][:, 1])
    assert (left[:, 0] < right[:, 0]).float().mean() == (before[0][:, 0] < before[1][:, 0]).float().mean()
    affine, plain = (
        part.source.jacobian @ torch.linalg.inv(part.driving.jacobian) for part in (mirrored.truth, pairs.truth)
    )
    across = torch.tensor(((1.0, -1.0), (-1.0, 1.0)))
    torch.testing.assert_close(affine[chosen][:, names[2]], plain[chosen][:, names[2]] * across)


@pytest.mark.parametrize("kind", ["colours", "textures", "blur", "objects", "frames"])
def test_the_true_flow_holds_after_it(kind: str, pairs: Pairs) -> None:
    changed = randomised(pairs, Randomisation(**{kind: 1.0}), torch.Generator().manual_seed(2))
    assert not torch.equal(changed.source, pairs.source)
    assert changed.source.min() >= 0 and changed.source.max() <= 1
    carried, still = missed(changed)
    assert carried < 0.5 * still, kind


def test_another_framing_moves_landmarks_with_the_picture(pairs: Pairs) -> None:
    framed = randomised(pairs, Randomisation(frames=1.0), torch.Generator().manual_seed(3))
    assert framed.truth is not None and pairs.truth is not None
    place, before = framed.truth.driving.position, pairs.truth.driving.position
    inside = ((place.abs() < 0.95).all(-1) & (before.abs() < 0.95).all(-1))[:, None].float()
    colours = [
        F.grid_sample(F.avg_pool2d(one.driving, 3, 1, 1), at[:, None], align_corners=True)[:, :, 0]
        for one, at in ((framed, place), (pairs, before))
    ]
    assert ((colours[0] - colours[1]).abs() * inside).sum() / inside.sum() / 3 < 0.03
    assert (place - before).abs().mean() > 0.05
    slopes = [one.truth.driving.jacobian for one in (framed, pairs) if one.truth is not None]
    assert slopes[0] is not None and slopes[1] is not None
    across = (slopes[0] / slopes[1])[:, 0, 0, 0]
    distance = [(at[:, 0] - at[:, 1]).norm(dim=1) for at in (place, before)]
    torch.testing.assert_close(across, distance[0] / distance[1], rtol=1e-3, atol=1e-3)


def test_blobs_have_no_landmarks(pairs: Pairs) -> None:
    changed = randomised(pairs, Randomisation(objects=0.5), torch.Generator().manual_seed(3))
    assert changed.truth is not None
    as_before = (changed.source == pairs.source).flatten(1).all(1)
    torch.testing.assert_close(changed.truth.named, as_before.float())
    assert 0 < as_before.sum() < len(as_before)


def test_nothing_asked_for_changes_nothing(pairs: Pairs) -> None:
    changed = randomised(pairs, Randomisation(), torch.Generator().manual_seed(4))
    assert torch.equal(changed.source, pairs.source) and torch.equal(changed.driving, pairs.driving)


def test_noise_is_another_one_in_each_frame(pairs: Pairs) -> None:
    changed = randomised(pairs, Randomisation(noise=1.0), torch.Generator().manual_seed(5))
    assert not torch.equal(changed.source - pairs.source, changed.driving - pairs.driving)
    assert (changed.source - pairs.source).abs().mean() < 0.05


def test_between_two_affine_motions_a_point_keeps_its_place_on_the_blob(rng: torch.Generator) -> None:
    here, there = (torch.eye(2, 3) + 0.2 * torch.randn(1, 2, 3, generator=rng) for _ in range(2))
    carried = between(here, there, 8)
    back = torch.einsum("bij,bhwj->bhwi", here[:, :, :2], carried) + here[:, None, None, :, 2]
    torch.testing.assert_close(back, moved(there, 8))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(BadRequest, match="at least 2"):
        DrawnHeads(heads=3, states=1)
    with pytest.raises(BadRequest, match="must be between 0 and 1, got"):
        Randomisation(noise=1.5)
