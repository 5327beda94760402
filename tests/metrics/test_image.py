"""Known values and laws of the image metrics."""

import math
from collections.abc import Callable

import pytest
import skimage.data
import torch
from torch import Tensor
from torch.testing import assert_close

from deepfake_core.errors import MediaTooSmall
from deepfake_core.metrics import psnr, ssim

Measure = Callable[[Tensor, Tensor], Tensor]
both = pytest.mark.parametrize("measure", [psnr, ssim])


@pytest.fixture(scope="module")
def photo() -> Tensor:
    pictures = [skimage.data.astronaut()[:96, 160:288], skimage.data.chelsea()[60:156, 100:228]]
    return torch.stack([torch.from_numpy(picture.copy()).permute(2, 0, 1) / 255 for picture in pictures])


def test_equal_pictures_are_best(photo: Tensor) -> None:
    assert_close(psnr(photo, photo), torch.full((2,), math.inf))
    assert_close(ssim(photo, photo), torch.ones(2))


@pytest.mark.parametrize(("difference", "decibels"), [(0.1, 20.0), (0.01, 40.0), (1.0, 0.0)])
def test_psnr_of_a_known_difference(difference: float, decibels: float) -> None:
    black = torch.zeros(3, 3, 8, 8)
    assert_close(psnr(black + difference, black), torch.full((3,), decibels), atol=1e-4, rtol=0)


def test_psnr_of_known_noise(rng: torch.Generator) -> None:
    grey = torch.full((1, 3, 256, 256), 0.5)
    noisy = grey + 0.05 * torch.randn(grey.shape, generator=rng)
    assert psnr(noisy, grey).item() == pytest.approx(-20 * math.log10(0.05), abs=0.1)


@pytest.mark.parametrize(("one", "other"), [(0.2, 0.4), (0.0, 0.5), (1.0, 0.0)])
def test_ssim_of_constant_images_is_the_ratio_of_their_means(one: float, other: float) -> None:
    black = torch.zeros(2, 3, 16, 16)
    expected = (2 * one * other + 1e-4) / (one**2 + other**2 + 1e-4)
    assert_close(ssim(black + one, black + other), torch.full((2,), expected), atol=1e-5, rtol=0)


def test_ssim_of_a_negative_pattern_is_negative() -> None:
    """Wang et al., eq. 13: equal means and variances, opposite covariance; its floor makes it just above -1."""
    pattern = 0.4 * (torch.arange(32) % 2).float().expand(1, 3, 32, 32) - 0.2
    variance = 0.04
    expected = (9e-4 - 2 * variance) / (9e-4 + 2 * variance)
    assert_close(ssim(0.5 + pattern, 0.5 - pattern), torch.tensor([expected]), atol=2e-3, rtol=0)


@both
def test_order_plays_no_part(measure: Measure, photo: Tensor, rng: torch.Generator) -> None:
    noisy = photo + 0.1 * torch.randn(photo.shape, generator=rng)
    assert_close(measure(photo, noisy), measure(noisy, photo))


@both
def test_more_noise_is_worse(measure: Measure, photo: Tensor, rng: torch.Generator) -> None:
    noise = torch.randn(photo.shape, generator=rng)
    scores = torch.stack([measure(photo + level * noise, photo) for level in (0.01, 0.03, 0.1, 0.3)])
    assert (scores.diff(dim=0) < 0).all()


@both
def test_every_picture_has_its_own_score(measure: Measure, photo: Tensor, rng: torch.Generator) -> None:
    noisy = photo + torch.tensor([0.02, 0.2]).view(2, 1, 1, 1) * torch.randn(photo.shape, generator=rng)
    scores = measure(noisy, photo)
    for index in (0, 1):
        one = slice(index, index + 1)
        assert_close(measure(noisy[one], photo[one]), scores[one])


def test_ssim_sees_structure_that_psnr_does_not(photo: Tensor) -> None:
    """The example of the paper's figure 2: a shift of brightness is milder than noise of the same squared error."""
    brighter = photo * 0.8 + 0.2 * 0.5 + 0.05
    error = (brighter - photo).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    noisy = photo + error * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
    assert_close(psnr(noisy, photo), psnr(brighter, photo), atol=0.2, rtol=0)
    assert (ssim(brighter, photo) > ssim(noisy, photo) + 0.1).all()


def test_ssim_needs_room_for_a_window() -> None:
    tiny = torch.zeros(1, 3, 10, 40)
    with pytest.raises(MediaTooSmall, match="40x10"):
        ssim(tiny, tiny)
