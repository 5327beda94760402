"""Laws of cutting and pasting."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from deepfake_core.errors import BadRequest
from deepfake_core.faces import Box, cut, paste
from deepfake_core.faces.resample import fit


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture
def waves() -> np.ndarray:
    """A smooth colourful picture: what resampling should not change much."""
    y, x = np.mgrid[:180, :240]
    channels = [np.sin(x / 17 + y / 23 + phase) for phase in (0, 2, 4)]
    return np.rint(127.5 + 120 * np.stack(channels, axis=-1)).astype(np.uint8)


def test_whole_picture_of_that_size_is_untouched(noise: np.ndarray) -> None:
    square = noise[:, :60]
    result = cut(square, Box(left=0, top=0, side=60), 60)
    assert np.array_equal(result, square)
    assert not np.shares_memory(result, square)


def test_whole_pixels_are_copied(noise: np.ndarray) -> None:
    assert np.array_equal(cut(noise, Box(left=7, top=5, side=40), 40), noise[5:45, 7:47])


def test_edges_are_repeated(noise: np.ndarray) -> None:
    result = cut(noise, Box(left=-10, top=-20, side=40), 40)
    assert np.array_equal(result[20:, 10:], noise[:20, :30])
    assert (result[:20, :10] == noise[0, 0]).all()
    assert (cut(noise, Box(left=500, top=400, side=10), 8) == noise[-1, -1]).all()


def test_shrinking_averages() -> None:
    """Stripes finer than the new pixels become an even grey, and no coarser stripes."""
    stripes = np.zeros((240, 240, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    shrunk = cut(stripes, Box(left=0, top=0, side=240), 70)
    assert np.abs(shrunk[:, 2:-2].astype(int) - 100).max() <= 6


@pytest.mark.parametrize("size", [40, 100, 333])
def test_brightness_is_kept(waves: np.ndarray, size: int) -> None:
    part = waves[30:130, 50:150]
    assert cut(waves, Box(left=50, top=30, side=100), size).mean((0, 1)) == pytest.approx(part.mean((0, 1)), abs=1)


def test_a_shift_of_the_box_shifts_the_cut(waves: np.ndarray) -> None:
    here, there = (cut(waves, Box(left=left, top=20.5, side=100), 50) for left in (30.0, 34.0))
    assert np.abs(here[:, 4:-2].astype(int) - there[:, 2:-4]).max() <= 2  # 4 pixels of the picture are 2 of the cut


@pytest.mark.parametrize("feather", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("box", [Box(left=40, top=30, side=100), Box(left=-20, top=100.3, side=120.7)])
def test_pasting_what_was_cut_changes_little(waves: np.ndarray, box: Box, feather: float) -> None:
    result = paste(waves, cut(waves, box, 128), box, feather)
    assert np.abs(result.astype(int) - waves).max() <= 4


def test_paste_fills_the_middle_and_leaves_the_rest(noise: np.ndarray) -> None:
    patch, box = np.full((32, 32, 3), 200, dtype=np.uint8), Box(left=20, top=10, side=40)
    result = paste(noise, patch, box, feather=0.1)
    assert (result[16:44, 26:54] == 200).all()
    outside = np.ones((60, 80), dtype=bool)
    outside[10:50, 20:60] = False
    assert np.array_equal(result[outside], noise[outside])
    steps = paste(np.zeros_like(noise), patch, box, feather=0.25)[30, 20:40, 0].astype(int)
    assert (np.diff(steps) >= 0).all()  # fades in without a jump
    assert np.diff(steps).max() < 60


def test_no_fading_along_the_pictures_own_edge(noise: np.ndarray) -> None:
    square = noise[:, :60]
    patch = np.full((30, 30, 3), 90, dtype=np.uint8)
    assert (paste(square, patch, Box(left=0, top=0, side=60), feather=0.2) == 90).all()


def test_box_outside_the_picture_changes_nothing(noise: np.ndarray) -> None:
    patch = np.zeros((8, 8, 3), dtype=np.uint8)
    assert np.array_equal(paste(noise, patch, Box(left=300, top=0, side=20)), noise)


def test_senseless_feather(noise: np.ndarray) -> None:
    with pytest.raises(BadRequest, match="feather"):
        paste(noise, noise[:8, :8], Box(left=0, top=0, side=20), feather=0.7)


@pytest.mark.parametrize("longest", [40, 160])
def test_fit_keeps_proportions(noise: np.ndarray, longest: int) -> None:
    fitted, ratio = fit(noise, longest)
    assert fitted.shape == (longest * 60 // 80, longest, 3)
    assert ratio == 80 / longest


@pytest.mark.parametrize("box", [
    Box(left=0, top=0, side=80 * 60), Box(left=-9e5, top=-9e5, side=9.9e5), Box(left=-5e5, top=-5e5, side=9.9e5),
    Box(left=9e5, top=0, side=9.9e5), Box(left=9e5, top=9e5, side=1), Box(left=30, top=20, side=1),
])  # fmt: skip
def test_memory_is_bounded_by_picture_and_result_whatever_the_box_says(noise: np.ndarray, box: Box) -> None:
    """A box of a million pixels a side would hold three terabytes."""
    tracemalloc.start()
    result = cut(noise, box, 256)
    pasted = paste(noise, result, box)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 60e6
    assert result.shape == (256, 256, 3) and pasted.shape == noise.shape


def test_a_picture_in_a_large_box_lands_where_it_is(waves: np.ndarray) -> None:
    """The same as one step would give, which a box of this size still allows."""
    box = Box(left=-2000, top=-1500, side=4000)
    height, width = waves.shape[:2]
    framed = waves[np.arange(-1500, 2500).clip(0, height - 1)[:, None], np.arange(-2000, 2000).clip(0, width - 1)]
    whole = np.array(Image.fromarray(framed).resize((64, 64), Image.Resampling.BOX))
    assert np.abs(cut(waves, box, 64).astype(int) - whole).mean() < 4
