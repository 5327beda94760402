"""Drawings and photographs are told apart, at other sizes and as JPEG too."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

from deepfake_core.faces import Box, cut
from deepfake_core.media.picture_kind import LARGEST, SMALLEST, kind_of, layers, quantiles, score, statistics
from deepfake_core.pipelines.cropped import kind_in
from deepfake_core.pixels import from_batch, from_unit
from deepfake_core.synthetic import heads

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWN = sorted(path for folder in ("portraits", "animals", "fields") for path in (EXAMPLES / folder).glob("*.png"))
PHOTOGRAPHS = ("chelsea", "coffee")


def as_jpeg(picture: np.ndarray, side: int, quality: int) -> np.ndarray:
    """Scaled to a shorter side, and saved."""
    image = Image.fromarray(picture)
    ratio = side / min(image.size)
    written = io.BytesIO()
    image.resize((round(image.width * ratio), round(image.height * ratio))).save(written, "JPEG", quality=quality)
    return np.array(Image.open(written))


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_the_drawn_examples_are_drawings(path: Path) -> None:
    assert kind_in(np.array(Image.open(path).convert("RGB"))) == "drawing"


def test_the_drawn_examples_are_drawings_as_jpeg_too() -> None:
    pictures = [as_jpeg(np.array(Image.open(path).convert("RGB")), 200, 85) for path in DRAWN]
    assert sum(kind_in(picture) != "drawing" for picture in pictures) <= 1, f"of {len(pictures)}"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_photographs_at_any_size(name: str) -> None:
    picture = getattr(skimage.data, name)()
    assert kind_in(picture) == "photograph"
    for side, quality in ((300, 60), (160, 90)):
        assert kind_in(as_jpeg(picture, side, quality)) == "photograph", (side, quality)


def test_new_drawn_heads_are_drawings_as_jpeg_too() -> None:
    generator = torch.Generator().manual_seed(8_000_000)
    drawn = heads.draw(heads.sample_identity(16, generator), heads.sample_state(16, generator), size=128).image
    pictures = from_batch(from_unit(drawn))
    assert all(score(picture) < -3 for picture in pictures), "far from the limit"
    saved = [
        as_jpeg(one, (180, 220, 260)[index % 3], (75, 85, 95)[index // 3 % 3]) for index, one in enumerate(pictures)
    ]
    assert sum(kind_in(picture) != "drawing" for picture in saved) <= 1, f"of {len(saved)}"


def test_a_picture_of_one_colour_and_a_tiny_one_are_judged_too() -> None:
    for side in (SMALLEST, 37, LARGEST):
        assert np.isfinite(score(np.full((side, side, 3), 255, np.uint8)))
    assert kind_in(np.zeros((1, 3, 3), np.uint8)) in ("drawing", "photograph")


def test_noise_decides_and_its_place_does_not() -> None:
    drawing = np.array(Image.open(EXAMPLES / "portraits" / "luca.png").convert("RGB"))
    small = cut(drawing, Box(left=0, top=0, side=min(drawing.shape[:2])), LARGEST)
    assert kind_of(small) == kind_of(small[:, ::-1]) == "drawing"
    np.testing.assert_allclose(statistics(small), statistics(small[:, ::-1]), atol=0.05)
    noise = np.random.default_rng(0).normal(0, 12, small.shape)
    assert score(np.clip(small + noise, 0, 255).astype(np.uint8)) > score(small)


def test_quantiles_and_the_fitted_numbers() -> None:
    assert quantiles(np.arange(100), 0.1, 0.5, 0.98) == [10, 50, 98]
    assert layers().weights.shape == (len(layers().output), len(statistics(np.zeros((16, 16, 3), np.uint8))))
